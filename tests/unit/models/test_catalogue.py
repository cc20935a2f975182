"""The shipped catalogue holds together, and mistakes in one are named."""

import tomllib
from pathlib import Path

import pytest

from app import paths
from app.fit import quality
from app.fit.candidates import from_entry
from app.fit.devices import named
from app.fit.plan import plan
from app.models.catalogue import Entry, default_path, entries, find, read
from app.reasoning.formats import FORMATS


def test_every_model_that_can_be_downloaded_can_be_planned() -> None:
    here = [entry for entry in entries() if entry.where == "here"]
    assert {entry.id for entry in here} >= {
        "magistral-small-1.0",
        "magistral-small-1.1",
        "magistral-small-1.2",
        "ministral-3-14b-reasoning",
        "ministral-3-8b-reasoning",
        "ministral-3-3b-reasoning",
        "gpt-oss-20b",
        "qwen3.8-27b",
        "gemma-4-12b",
        "glm-4.7-flash",
        "devstral-small-2",
    }
    for entry in here:
        for candidate, file in zip(from_entry(entry), entry.files, strict=True):
            assert candidate.shape.quantization == file.quantization
            assert quality.points_lost(file.quantization, "f16") >= 0
            if file.bytes and file.engine == "llama_cpp":
                # Published, and computed here: within the three digits, or the vocabulary's text.
                assert candidate.shape.weights_bytes == pytest.approx(file.bytes, rel=0.004)


@pytest.mark.parametrize("device", ["rtx4090", "mac32"])
@pytest.mark.parametrize("name", [entry.id for entry in entries() if entry.where == "here"])
def test_every_model_that_can_be_downloaded_has_rows_and_a_verdict(name: str, device: str) -> None:
    entry = find(name)
    assert entry is not None
    found = plan(from_entry(entry), named(device), entry.context_default)
    kinds = {(row.quantization, row.shape.engine) for row in found.rows}
    mlx = device.startswith("mac")
    assert kinds == {(f.quantization, f.engine) for f in entry.files if mlx or f.engine != "mlx"}
    assert all(row.parts.weights > 1e9 and row.parts.kv > 1e7 and row.reason for row in found.rows)
    assert found.choice or "smaller context" in found.reason


def test_magistral_is_there_in_all_its_forms() -> None:
    entry = find("magistral-small-1.2")
    assert entry is not None
    publishers = {file.publisher for file in entry.files}
    assert publishers == {"Mistral AI", "unsloth", "bartowski", "lmstudio-community"}
    folders = {file.quantization for file in entry.files if file.engine == "mlx"}
    assert folders == {"4bit", "5bit", "6bit", "8bit"}
    assert entry.scores
    assert entry.sampling
    assert len(entry.languages) == 24


def test_the_parameters_follow_from_the_dimensions() -> None:
    for entry in entries():
        if entry.where == "here" and entry.dimensions and entry.id != "gpt-oss-20b":
            files = [c for c in from_entry(entry) if c.shape.quantization in ("Q8_0", "BF16")]
            for candidate in files:
                bits = 8.5 if candidate.shape.quantization == "Q8_0" else 16
                assert candidate.shape.weights_bytes * 8 / bits == pytest.approx(
                    entry.parameters, rel=0.002
                )


def test_entries_are_complete() -> None:
    for entry in entries():
        assert entry.licence
        assert entry.publisher
        assert entry.page.startswith("https://huggingface.co/") or entry.where != "here"
        assert entry.format in {*FORMATS, "harmony", "gemma"}, entry.id
        assert 0 < entry.context_default <= (entry.context or 1 << 20)
        for file in entry.files:
            assert file.repository.count("/") == 1
            assert file.name.endswith(".gguf") == (file.engine == "llama_cpp")


def test_nothing_that_cannot_be_confirmed_is_offered() -> None:
    names = " ".join(f"{entry.id} {entry.name} {entry.page}".lower() for entry in entries())
    assert "magistral-32b" not in names
    assert "magistral 32b" not in names
    assert find("magistral-32b") is None


@pytest.mark.parametrize(
    "name",
    [
        "magistral-small-1.2",
        "Magistral Small 1.2",
        "MAGISTRAL-SMALL-2509",
        "magistral",
        "Magistral",
    ],
)
def test_a_model_is_found_however_it_is_written(name: str) -> None:
    entry = find(name)
    assert entry is not None
    assert entry.id == "magistral-small-1.2"


def test_bigger_models_and_services_point_to_a_server() -> None:
    elsewhere = {entry.id: entry.where for entry in entries() if entry.where != "here"}
    assert elsewhere == {
        "mistral-small-4": "bigger machine",
        "nemotron-ultra": "bigger machine",
        "magistral-medium": "API only",
    }


MODEL = """
version = 1
[[model]]
id = "a"
name = "A"
publisher = "p"
licence = "MIT"
context_default = 4096
format = "think"
[[model.variant]]
repository = "p/a"
publisher = "p"
files = { Q4_K_M = "a.gguf" }
"""


def written(text: str, folder: Path) -> tuple[Entry, ...]:
    path = folder / "catalogue.toml"
    path.write_text(text)
    return read(path)


def test_a_small_catalogue_is_read(tmp_path: Path) -> None:
    (entry,) = written(MODEL, tmp_path)
    (file,) = entry.files
    assert (file.quantization, file.name, file.bytes, file.size) == (
        "Q4_K_M",
        "a.gguf",
        None,
        "computed",
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("version = 1", "version = 2", "version 2"),
        ('licence = "MIT"\n', "", "a: licence is missing"),
        ("context_default = 4096", 'context_default = "4096"', "context_default is '4096', no int"),
        ('format = "think"', 'format = "think"\ncolour = "red"', "unknown keys colour"),
        ('format = "think"', 'format = "think"\ndimensions = "x"', "there are no dimensions 'x'"),
        ('format = "think"', 'format = "think"\nwhere = "API only"', "contradict"),
        ('format = "think"', 'format = "think"\nwhere = "moon"', "none of here"),
        ('format = "think"', 'format = "think"\nscores = { x = 1.0 }', "without scores_source"),
        ('files = { Q4_K_M = "a.gguf" }', "files = {}\nbytes = { Q8_0 = 1 }", "bytes of no file"),
        ('publisher = "p"\nfiles', 'publisher = "p"\nsize = "guessed"\nfiles', "size 'guessed'"),
    ],
)
def test_a_mistake_is_named(before: str, after: str, said: str, tmp_path: Path) -> None:
    assert MODEL.count(before) == 1
    with pytest.raises(ValueError, match=said):
        written(MODEL.replace(before, after), tmp_path)


def test_a_name_stands_for_one_model(tmp_path: Path) -> None:
    twice = MODEL + MODEL.split("version = 1")[1].replace('id = "a"', 'id = "b"')
    with pytest.raises(ValueError, match="'a' is a's name already"):
        written(twice, tmp_path)


def test_the_shipped_catalogue_is_where_the_program_looks() -> None:
    assert read(default_path()) == entries()


def test_a_wheel_carries_what_ships_with_ponder() -> None:
    root = default_path().parent.parent
    table = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    setuptools = table["tool"]["setuptools"]
    assert "resources" in setuptools["packages"]["find"]["include"]
    folder = root / "resources"
    carried = {
        path for glob in setuptools["package-data"]["resources"] for path in folder.glob(glob)
    }
    mlx = folder / "demo" / "mlx"
    assert carried >= {default_path(), paths.demo_model(), *mlx.iterdir()}
    assert not [path for path in carried if path.suffix == ".py"]
