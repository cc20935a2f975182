"""A local hub, a catalogue whose first model is there (the demo under another name), a window."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app import paths
from app.hardware import detect
from app.hardware.types import Cpu, Disk, Engine, Hardware, Ram
from app.models import catalogue
from tests.support.hub_server import HubServer, Repo

REPOSITORY = "tiny/Tiny-Reasoner-GGUF"
FILE = "Tiny-Reasoner-F16.gguf"
OTHERS = ("lm/Restricted-GGUF", "lm/Plain-Safetensors")
GIB = 2**30
_MODEL = """
[[model]]
id = "{id}"
name = "{name}"
publisher = "Tiny"
licence = "{licence}"
licence_terms = {terms}
context = 8192
context_default = 4096
format = "mistral"
dimensions = "tiny"
scores = {{ "AIME24" = 12.3 }}
scores_source = "nobody"
[[model.variant]]
repository = "{repository}"
publisher = "Tiny"
official = true
files = {{ F16 = "{file}" }}
bytes = {{ F16 = {size} }}
"""
_CATALOGUE = """
version = 1
[[dimensions]]
id = "tiny"
architecture = "llama"
layers = 4
embedding = 128
heads = 4
kv_heads = 2
head = 32
feed_forward = 320
vocabulary = 1024
context_train = 8192
tied = true
"""
_SERVER_ONLY = """
[[model]]
id = "huge"
name = "Huge"
publisher = "Tiny"
licence = "MIT"
context_default = 4096
format = "mistral"
where = "bigger machine"
where_advice = "It needs a server with 400 GB."
"""


def computer(free_bytes: int = 16 * GIB) -> Hardware:
    """Return a computer without a graphics card, with so much memory free."""
    return Hardware(
        gpus=(),
        cpu=Cpu("Test processor", 8, 16, "x86_64"),
        ram=Ram(32 * GIB, free_bytes),
        disk=Disk("/", 10**12, 5 * 10**11),
        notes=(),
        engine=Engine("1", (), gpu_offload=False),
    )


def write_catalogue(folder: Path) -> Path:
    """Write a catalogue of a free model, one with terms, and one for a server."""
    size = paths.demo_model().stat().st_size
    free = {"id": "tiny", "name": "Tiny Reasoner", "licence": "Apache-2.0", "terms": "false"}
    bound = {"id": "bound", "name": "Bound Reasoner", "licence": "MRL", "terms": "true"}
    path = folder / "catalogue.toml"
    models = (
        _MODEL.format(**each, repository=REPOSITORY, file=FILE, size=size) for each in (free,)
    )
    other = _MODEL.format(**bound, repository=OTHERS[0], file=FILE, size=size)
    path.write_text("".join([_CATALOGUE, *models, other, _SERVER_ONLY]), encoding="utf-8")
    return path


@contextmanager
def scene(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    *,
    bytes_per_s: float | None = None,
    look: Callable[[], Hardware] = computer,
) -> Iterator[HubServer]:
    """Serve the demo model as Tiny Reasoner, and have it be the catalogue's first model."""
    demo = paths.demo_model()
    repos = {
        REPOSITORY: Repo({FILE: demo}, tags=["gguf"], card={"license": "apache-2.0"}, downloads=7),
        OTHERS[0]: Repo({FILE: demo}, tags=["gguf"], card={"license": "other"}),
        OTHERS[1]: Repo({"config.json": b"{}", "model.safetensors": b"x" * 64}, library="vllm"),
    }
    monkeypatch.setattr(catalogue, "default_path", lambda: write_catalogue(folder))
    monkeypatch.setattr(detect, "detect", lambda patience_s=0.0: look())
    catalogue.entries.cache_clear()
    with HubServer(repos, bytes_per_s) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub
    catalogue.entries.cache_clear()
