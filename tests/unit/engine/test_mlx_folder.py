"""What an MLX folder says of itself, without MLX; and where such models are offered."""

import json
import platform
import sys
from pathlib import Path
from typing import Any

import pytest

from app.engine.backends import mlx_folder
from app.engine.choice import backend_for, is_planned
from app.engine.protocol import Sampling
from app.models import library
from app.picker import work
from tests.support import synthetic_mlx
from tests.support.synthetic import TINY


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return synthetic_mlx.write(tmp_path / "Magistral-Small-2509-MLX-5.5bit", TINY, "F16")


def put(path: Path, **values: Any) -> None:
    old = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    path.write_text(json.dumps(old | values), encoding="utf-8")


def test_the_name_is_the_folders_or_its_repositorys(folder: Path, tmp_path: Path) -> None:
    assert mlx_folder.read(folder).name == "Magistral-Small-2509-MLX-5.5bit"
    cached = tmp_path / "models--mlx-community--Magistral-4bit" / "snapshots" / "0a1b2c"
    cached.parent.mkdir(parents=True)
    folder.rename(cached)
    assert mlx_folder.read(cached).name == "Magistral-4bit"
    plain = tmp_path / "demo" / "mlx"
    plain.parent.mkdir()
    cached.rename(plain)
    assert mlx_folder.read(plain).name == "demo (mlx)"


def test_the_template_may_be_in_four_places(folder: Path) -> None:
    assert mlx_folder.read(folder).template is None
    put(folder / "chat_template.json", chat_template="json")
    assert mlx_folder.read(folder).template == "json"
    named = [{"name": "tool_use", "template": "tools"}, {"name": "default", "template": "listed"}]
    put(folder / "tokenizer_config.json", chat_template=named)
    assert mlx_folder.read(folder).template == "listed"
    put(folder / "tokenizer_config.json", chat_template="said")
    assert mlx_folder.read(folder).template == "said"
    (folder / "chat_template.jinja").write_text("file", encoding="utf-8")
    assert mlx_folder.read(folder).template == "file"


def test_what_the_makers_recommend(folder: Path) -> None:
    assert mlx_folder.read(folder).sampling is None
    put(folder / "generation_config.json", temperature=0.15, min_p=0.01, eos_token_id=[2, 7])
    found = mlx_folder.read(folder)
    assert found.sampling == Sampling(temperature=0.15, min_p=0.01)
    assert found.ends == (2, 7)


def test_how_the_weights_are_kept(folder: Path) -> None:
    assert mlx_folder.read(folder).quantization == "F16"
    put(folder / "config.json", quantization={"bits": 5, "group_size": 64})
    assert mlx_folder.read(folder).quantization == "5-bit"
    put(folder / "config.json", quantization=None, quantization_config={"quant_method": "mxfp4"})
    assert mlx_folder.read(folder).quantization == "mxfp4"


def test_a_model_that_sees_is_described_in_a_part_of_its_config(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    both = {"model_type": "mistral3", "text_config": config}
    (folder / "config.json").write_text(json.dumps(both), encoding="utf-8")
    found = mlx_folder.read(folder)
    assert (found.architecture, found.context_train, found.ends) == ("llama", 16384, (2,))


def test_a_folder_is_for_mlx_and_is_known_wherever_it_is(folder: Path, tmp_path: Path) -> None:
    assert backend_for(str(folder)) == "mlx"
    assert is_planned(str(folder))
    found = library.at(folder)
    assert found is not None
    assert (found.engine, found.name) == ("mlx", folder.name)
    assert found.bytes == sum(file.stat().st_size for file in folder.iterdir())
    assert library.at(tmp_path) is None


@pytest.mark.parametrize(
    ("system", "machine", "offered"),
    [("darwin", "arm64", True), ("darwin", "x86_64", False), ("linux", "aarch64", False)],
)
def test_mlx_is_offered_on_macs_with_apple_silicon_only(
    system: str, machine: str, offered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert ("mlx" in work.engines()) == offered
    assert "llama_cpp" in work.engines()
