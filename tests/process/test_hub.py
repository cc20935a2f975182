"""What the hub tells: searches, addresses, why a repository does not run, headers by range."""

import json
import random
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from app import net, settings
from app.cli import main
from app.errors import WorldError
from app.fit import gguf_shape, mlx_shape, sparse
from app.models import hub, hub_fetch
from app.models.gguf import Value, read_header
from app.picker import remote
from tests.support.hub_server import COMMIT, HubServer, Repo, serving
from tests.support.synthetic import Shape, write

NOISE = random.Random(3).randbytes(400_000)
GGUF = "maker/Thinker-GGUF"
MLX = "maker/Thinker-MLX-4bit"
AWQ = "maker/Thinker-AWQ"
PLAIN = "maker/Thinker"
# A vocabulary that makes the header longer than the first request.
WIDE = Shape(vocabulary=60_000, width=64)


def safetensors() -> bytes:
    tensors = {
        "model.embed_tokens.weight": [0, 8000],
        "model.layers.0.mlp.weight": [8000, 20_000],
        "lm_head.weight": [20_000, 28_000],
    }
    header = json.dumps(
        {
            name: {"dtype": "U32", "shape": [1], "data_offsets": offsets}
            for name, offsets in tensors.items()
        }
    ).encode()
    return struct.pack("<Q", len(header)) + header + NOISE[:28_000]


CONFIG = {
    "model_type": "llama",
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "hidden_size": 64,
    "vocab_size": 1000,
    "quantization": {"bits": 4, "group_size": 64},
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes | Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "Thinker-Q8_0.gguf": write(folder / "wide.gguf", WIDE),
        "Thinker-F16.gguf": write(folder / "f16.gguf", replace(WIDE, weights="f16")),
        "mmproj-F16.gguf": NOISE,
        "Q4_K_M/Thinker-Q4_K_M-00001-of-00002.gguf": NOISE,
        "Q4_K_M/Thinker-Q4_K_M-00002-of-00002.gguf": NOISE,
        "imatrix.gguf": NOISE,
        "README.md": b"words",
    }


@pytest.fixture
def served(models: dict[str, bytes | Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    licence = {"license": "apache-2.0", "base_model": ["maker/Thinker"]}
    repos = {
        GGUF: Repo(models, ["gguf"], card=licence, downloads=900),
        MLX: Repo(
            {"config.json": json.dumps(CONFIG).encode(), "model.safetensors": safetensors()},
            ["mlx", "license:mit"],
            "mlx",
            downloads=20,
        ),
        AWQ: Repo(
            {"config.json": b"{}", "model.safetensors": NOISE},
            ["awq", "license:other"],
            config={"quantization_config": {"quant_method": "awq", "bits": 4}},
        ),
        PLAIN: Repo({"config.json": b"{}", "model-00001-of-00001.safetensors": NOISE}, []),
    }
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("HF_TOKEN_PATH", "/nowhere")
    with serving(repos) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@contextmanager
def door() -> Iterator[None]:
    net.open_door("Test")
    from huggingface_hub import close_session

    yield
    close_session()


def test_a_repository_is_told_with_files_and_sizes(served: HubServer) -> None:
    found = hub.resolve(f"hf://{GGUF}")
    assert (found.engine, found.licence, found.base) == ("llama_cpp", "apache-2.0", "maker/Thinker")
    assert (found.revision, found.publisher, found.updated) == (COMMIT, "maker", "2026-01-02")
    by_kind = {file.quantization: file for file in found.files}
    assert set(by_kind) == {"Q8_0", "F16", "Q4_K_M"}
    assert len(by_kind["Q4_K_M"].parts) == 2
    assert by_kind["Q4_K_M"].bytes == 2 * len(NOISE)
    assert [file.name for file in found.projectors] == ["mmproj-F16.gguf"]
    sha256, _, size = served.facts(GGUF, "Thinker-Q8_0.gguf")
    assert (by_kind["Q8_0"].sha256, by_kind["Q8_0"].bytes) == (sha256, size)
    assert served.agents == {"Ponder"}, "nothing else is told of this computer"
    assert [(contact.host, contact.purpose) for contact in net.contacts()] == [
        ("127.0.0.1", "Look at a model")
    ]


def test_a_search_finds_what_runs(served: HubServer) -> None:
    with door():
        both = hub_fetch.search("thinker", None, 20)
        assert [found.id for found in both] == [GGUF, MLX]
        assert [found.id for found in hub_fetch.search("thinker", "mlx", 20)] == [MLX]
        assert hub_fetch.search("nobody has this", None, 20) == ()
    assert [file.quantization for file in both[1].files] == ["4bit"]
    assert both[1].licence == "mit"


@pytest.mark.parametrize(("name", "word"), [(AWQ, "AWQ"), (PLAIN, "safetensors")])
def test_what_does_not_run_says_why_and_what_would(served: HubServer, name: str, word: str) -> None:
    with door():
        found = hub_fetch.resolve(hub.Address(name))
    assert found.engine is None
    assert word in found.why_not
    for way in ("GGUF", "MLX", "BF16", "vLLM"):
        assert way in found.why_not_advice


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("hf://a/b", hub.Address("a/b")),
        ("hf://a/b@v1", hub.Address("a/b", "", "v1")),
        ("hf://a/b/c/d.gguf@v1", hub.Address("a/b", "c/d.gguf", "v1")),
        ("https://huggingface.co/a/b", hub.Address("a/b")),
        ("https://huggingface.co/a/b/tree/main", hub.Address("a/b")),
        ("https://huggingface.co/a/b/blob/main/c/d.gguf", hub.Address("a/b", "c/d.gguf")),
        (
            "https://huggingface.co/a/b/resolve/v2/d.gguf?download=true",
            hub.Address("a/b", "d.gguf", "v2"),
        ),
        ("a/b", hub.Address("a/b")),
    ],
)
def test_addresses(text: str, wanted: hub.Address) -> None:
    assert hub.parse(text) == wanted
    assert hub.is_address(text)


@pytest.mark.parametrize("text", ["hf://a", "https://example.org/a/b", "", "hf://", "hf:///b"])
def test_no_addresses(text: str) -> None:
    with pytest.raises(WorldError) as caught:
        hub.parse(text)
    assert caught.value.problem.key == "hub-address"


def test_words_and_paths_are_no_addresses() -> None:
    assert not [text for text in ("magistral small", "m/x.gguf", "./a/b") if hub.is_address(text)]


def test_a_header_is_fetched_once_and_alone(
    served: HubServer, models: dict[str, bytes | Path]
) -> None:
    source = models["Thinker-Q8_0.gguf"]
    assert isinstance(source, Path)
    whole = read_header(source)
    assert whole.data_start > 1 << 20, "longer than the first request, or this tests little"
    path = hub.header(GGUF, "Thinker-Q8_0.gguf", COMMIT)
    found = read_header(path)
    assert path.stat().st_size == whole.data_start
    assert (found.metadata, found.tensors) == (whole.metadata, whole.tensors)
    shape = gguf_shape.from_header(found)
    assert shape.weights_bytes == gguf_shape.from_header(whole).weights_bytes
    assert served.total_sent() < 2 * whole.data_start + (1 << 20), "each byte once"
    before = len(served.requests)
    assert hub.header(GGUF, "Thinker-Q8_0.gguf", COMMIT) == path
    assert len(served.requests) == before


def split(path: Path, folder: Path) -> dict[str, bytes | Path]:
    """Write a model as two files, each with the header of its own tensors; return them by name."""
    whole = read_header(path)
    half = len(whole.tensors) // 2
    found: dict[str, bytes | Path] = {}
    for number, tensors in enumerate((whole.tensors[:half], whole.tensors[half:])):
        metadata: dict[str, Value] = dict(whole.metadata) if number == 0 else {}
        part = folder / f"Big-Q8_0-{number + 1:05d}-of-00002.gguf"
        for key in [key for key, value in metadata.items() if isinstance(value, tuple)]:
            del metadata[key]  # lists are for readers of vocabularies
        sparse.write(part, replace(whole, metadata=metadata, tensors=tensors, data_end=5_000_000))
        found[part.name] = part
    return found


def test_the_headers_of_a_split_model_are_one(
    served: HubServer, models: dict[str, bytes | Path], tmp_path: Path
) -> None:
    source = models["Thinker-Q8_0.gguf"]
    assert isinstance(source, Path)
    served.repos["maker/Big-GGUF"] = Repo(split(source, tmp_path), ["gguf"])
    with door():
        path = hub_fetch.header("maker/Big-GGUF", "Big-Q8_0-00001-of-00002.gguf", COMMIT)
    assert hub_fetch.read_fetched(path).tensors == read_header(source).tensors
    fetched = remote.fetch("hf://maker/Big-GGUF")
    whole = gguf_shape.from_header(read_header(source))
    assert fetched.candidates[0].shape.weights_bytes == whole.weights_bytes


def test_a_file_that_is_no_gguf_is_not_read_on(served: HubServer) -> None:
    with door(), pytest.raises(WorldError) as caught:
        hub_fetch.header(GGUF, "mmproj-F16.gguf", COMMIT)
    assert caught.value.problem.key == "model-file"
    assert served.total_sent() <= len(NOISE)


def test_the_header_of_an_mlx_folder(served: HubServer) -> None:
    with door():
        folder = hub_fetch.header(MLX, "", COMMIT)
    shape = mlx_shape.read(folder)
    assert (shape.weights_bytes, shape.quantization, len(shape.layers)) == (28_000, "4bit", 1)


def test_a_server_without_ranges_still_gives_a_header(served: HubServer) -> None:
    served.faults.no_ranges = True
    with door():
        path = hub_fetch.header(GGUF, "Thinker-Q8_0.gguf", COMMIT)
    assert read_header(path).architecture == "llama"


def test_offline_is_told_without_a_child(served: HubServer) -> None:
    settings.save(replace(settings.Settings(), offline=True))
    for ask in (lambda: hub.search("x"), lambda: hub.resolve(GGUF)):
        with pytest.raises(WorldError) as caught:
            ask()
        assert caught.value.problem.key == "offline"
    assert not served.requests


def test_a_call_can_be_cancelled(served: HubServer) -> None:
    served.faults.stall_after = 0
    began = time.monotonic()
    with pytest.raises(WorldError) as caught:
        hub.header(
            GGUF, "Thinker-F16.gguf", COMMIT, cancelled=lambda: time.monotonic() > began + 0.5
        )
    assert caught.value.problem.key == "cancelled"


# ------------------------------------------------------------ the command line


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(arguments)
    said = capsys.readouterr()
    return status, said.out, said.err


def test_fit_of_an_address_is_the_whole_table(
    served: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run(capsys, "fit", f"hf://{GGUF}", "--device", "rtx4090", "--json")
    assert status == 0
    table = json.loads(out)
    assert {row["quantization"] for row in table["rows"]} >= {"Q8_0", "F16"}
    assert table["choice"]["repository"] == GGUF


def test_an_unknown_model_gives_what_the_hub_says(
    served: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = run(capsys, "fit", "hf://mistralai/Magistral-32B")
    assert status == 1
    assert "The hub says there is no mistralai/Magistral-32B" in err
    status, _, err = run(capsys, "models", "get", f"hf://{AWQ}")
    assert status == 1
    assert "AWQ" in err
    assert "vLLM" in err


def test_get_list_verify_remove(served: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "models", "get", f"hf://{GGUF}/Thinker-Q8_0.gguf", "--json")
    assert status == 0
    last = json.loads(out.splitlines()[-1])
    assert last["event"] == "done"
    path = Path(last["path"])
    assert path.exists()
    _, out, _ = run(capsys, "models", "list", "--json")
    listed = {model["path"]: model for model in json.loads(out)["models"]}
    assert listed[str(path)]["repository"] == GGUF
    assert listed[str(path)]["source"] == "ponder"
    status, out, _ = run(capsys, "models", "verify", str(path), "--json")
    assert (status, json.loads(out)["files"][0]["by"]) == (0, "hash")
    with path.open("r+b") as file:
        file.seek(5_000_000)
        file.write(b"changed")
    status, out, _ = run(capsys, "models", "verify", str(path))
    assert status == 1
    assert "is not what was downloaded, so it was set aside" in out
    assert not path.exists()
    assert run(capsys, "models", "get", f"hf://{GGUF}/Thinker-Q8_0.gguf")[0] == 0
    status, out, _ = run(capsys, "models", "remove", "Thinker-Q8_0", "--json")
    assert json.loads(out) == {"deleted": [str(path)]}
    assert not path.parent.exists()


def test_a_licence_with_terms_has_to_be_accepted(
    served: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    served.repos[GGUF].card = {"license": "other", "license_name": "mnpl"}
    address = f"hf://{GGUF}/Thinker-Q8_0.gguf"
    status, _, err = run(capsys, "models", "get", address)
    assert status == 1
    assert "mnpl" in err
    assert run(capsys, "models", "get", address, "--accept-licence")[0] == 0


def test_search_on_the_command_line(served: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "models", "search", "thinker", "--json")
    assert status == 0
    assert [found["id"] for found in json.loads(out)["repositories"]] == [GGUF, MLX]
    status, out, _ = run(capsys, "models", "search", f"hf://{AWQ}")
    assert "AWQ" in out
