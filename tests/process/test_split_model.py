"""A model in several files: planned, promised and loaded as the one that it is."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import paths
from app.engine.protocol import Loaded, LoadOptions
from app.errors import WorldError
from app.fit.candidates import from_path
from app.models.gguf import Tensor, read_header
from app.models.split import read_model
from tests.support.engine import Engine

DEMO = paths.demo_model()


def split(source: Path, folder: Path, *counts: int) -> list[Path]:
    """Write a model as several files, as llama-gguf-split does, with so many tensors in each."""
    header = read_header(source)
    data = source.read_bytes()
    name = header.tensors[0].name.encode()
    # The metadata as they are: between the counts and the first tensor's name.
    metadata = data[24 : data.index(struct.pack("<Q", len(name)) + name)]
    entries = struct.unpack_from("<Q", data, 16)[0]
    tensors, made = list(header.tensors), []
    for number in range(len(counts)):
        mine, tensors = tensors[: counts[number]], tensors[counts[number] :]
        if number == len(counts) - 1:
            mine += tensors
        pairs = b"".join(
            struct.pack("<Q", len(key)) + key + struct.pack(layout, kind, value)
            for key, layout, kind, value in (
                (b"split.no", "<IH", 2, number),
                (b"split.count", "<IH", 2, len(counts)),
                (b"split.tensors.count", "<Ii", 5, len(header.tensors)),
            )
        )
        kept = (metadata, entries) if number == 0 else (b"", 0)
        text = b"GGUF" + struct.pack("<IQQ", 3, len(mine), 3 + kept[1]) + kept[0] + pairs
        made.append(folder / f"demo-{number + 1:05d}-of-{len(counts):05d}.gguf")
        made[-1].write_bytes(_with_tensors(text, mine, data, header.data_start))
    return made


def _with_tensors(text: bytes, tensors: list[Tensor], data: bytes, data_start: int) -> bytes:
    body = b""
    for tensor in tensors:
        key = tensor.name.encode()
        text += struct.pack("<Q", len(key)) + key + struct.pack("<I", len(tensor.shape))
        text += struct.pack(f"<{len(tensor.shape)}QIQ", *tensor.shape, tensor.type, len(body))
        start = data_start + tensor.offset
        body += data[start : start + (tensor.bytes or 0)]
        body += bytes(-len(body) % 32)
    return text + bytes(-len(text) % 32) + body


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine(tmp_path / "engine.log")
    yield opened
    opened.client.close()


@pytest.mark.parametrize("counts", [(20, 10, 7), (0, 30, 7)])
def test_a_split_model_is_planned_and_loaded_as_one(
    tmp_path: Path, engine: Engine, counts: tuple[int, ...]
) -> None:
    files = split(DEMO, tmp_path, *counts)
    whole, parts = from_path(DEMO).shape, from_path(files[0]).shape
    assert parts.layers == whole.layers
    assert parts.weights_bytes == whole.weights_bytes
    assert parts.output_bytes == whole.output_bytes
    assert parts.file_bytes == sum(path.stat().st_size for path in files)
    found = []
    for path in (DEMO, files[0]):
        loaded = engine.load(LoadOptions(str(path), context=512))
        assert isinstance(loaded, Loaded), loaded
        found.append(loaded.info)
    one, several = found
    assert several.size_bytes == parts.file_bytes
    assert several.allocated[0].bytes == pytest.approx(one.allocated[0].bytes, rel=0.01)
    assert several.allocated[0].mapped_bytes == pytest.approx(
        one.allocated[0].mapped_bytes, rel=0.01
    )


def test_what_is_wrong_with_a_split_model_is_one_sentence(tmp_path: Path) -> None:
    first, second, third = split(DEMO, tmp_path, 20, 10, 7)

    def said(path: Path) -> str:
        with pytest.raises(WorldError) as raised:
            read_model(path)
        return raised.value.problem.sentence()

    assert "Choose the first part, demo-00001-of-00003.gguf." in said(second)
    renamed = first.rename(tmp_path / "model.gguf")
    assert "does not tell which" in said(renamed)
    renamed.rename(first)
    data = third.read_bytes()
    third.write_bytes(data[:-1000])
    assert said(first).startswith("demo-00003-of-00003.gguf is incomplete")
    third.unlink()
    assert said(first).startswith("demo-00003-of-00003.gguf is missing")
    third.write_bytes(data)
    assert len(read_model(first).tensors) == len(read_header(DEMO).tensors)
