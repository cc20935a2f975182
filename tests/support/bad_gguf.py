"""Files that are no model, or a broken one: everything that people have and downloads become."""

import random
import struct
from collections.abc import Iterator
from pathlib import Path

from tests.support import synthetic

_HEADER_COUNTS = 8
_FIRST_KEY = 24


def truncated(folder: Path, whole: Path, places: int) -> Iterator[Path]:
    """Yield `whole` cut at `places` places: the header's end and evenly between, the last byte."""
    data = whole.read_bytes()
    lengths = {1, 3, 4, 7, 8, 23, 24, 31, 32, len(data) - 1, len(data) - 32}
    step = 0
    while len(lengths) < places:
        step += 1
        # Half of them in the first tenth, where the header is.
        share = step / places
        lengths.add(max(1, int(len(data) * (share * 0.2 if step % 2 else share))) + step)
    for length in sorted(lengths)[:places]:
        path = folder / f"cut-at-{length}.gguf"
        path.write_bytes(data[: min(length, len(data) - 1)])
        yield path


def files(folder: Path) -> dict[str, Path]:
    """Write one file of each kind; return them by what is wrong with them."""
    whole = synthetic.write(folder / "whole.gguf").read_bytes()
    random_bytes = random.Random(1)
    contents = {
        "empty": b"",
        "random": random_bytes.randbytes(100_000),
        "random after the magic": b"GGUF" + random_bytes.randbytes(100_000),
        "random after the version": whole[:8] + random_bytes.randbytes(100_000),
        "a picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + random_bytes.randbytes(1000),
        "a web page": b"<!DOCTYPE html><html><body>404</body></html>",
        "a pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "zeros": bytes(100_000),
        "version 1": whole[:4] + struct.pack("<I", 1) + whole[8:],
        "version 99": whole[:4] + struct.pack("<I", 99) + whole[8:],
        "other byte order": whole[:4] + struct.pack(">I", 3) + whole[8:],
    }
    for name, tensors, pairs in (
        ("2^63 tensors", 1 << 63, 21),
        ("2^40 tensors", 1 << 40, 21),
        ("no tensors", 0, 21),
        ("a tensor too many", 22, 21),
        ("2^63 entries", 21, 1 << 63),
        ("2^31 entries", 21, 1 << 31),
        ("no entries", 21, 0),
        ("an entry too many", 21, 22),
        ("an entry too few", 21, 20),
    ):
        counts = struct.pack("<QQ", tensors, pairs)
        contents[name] = whole[:_HEADER_COUNTS] + counts + whole[_FIRST_KEY:]
    contents["a key of 2^62 bytes"] = (
        whole[:_FIRST_KEY] + struct.pack("<Q", 1 << 62) + whole[_FIRST_KEY + 8 :]
    )
    paths = {}
    for name, data in contents.items():
        paths[name] = folder / f"{_file_name(name)}.gguf"
        paths[name].write_bytes(data)
    for name, metadata in _METADATA.items():
        paths[name] = synthetic.write(folder / f"{_file_name(name)}.gguf", **metadata)
    paths["missing"] = folder / "missing.gguf"
    paths["a folder"] = folder / "folder.gguf"
    paths["a folder"].mkdir()
    return paths


# Headers that are well formed and impossible.
_METADATA: dict[str, dict[str, str | int | float]] = {
    "2^31 layers": {"llama__block_count": 1 << 31},
    "2^32-1 layers": {"llama__block_count": (1 << 32) - 1},
    "no layers": {"llama__block_count": 0},
    "a layer too many": {"llama__block_count": 3},
    "1000 layers": {"llama__block_count": 1000},
    "an unknown architecture": {"general__architecture": "abacus"},
    "no architecture": {"general__architecture": ""},
    "an architecture that is a number": {"general__architecture": 5},
    "an unknown tokenizer": {"tokenizer__ggml__model": "abacus"},
    "an unknown splitter": {"tokenizer__ggml__pre": "abacus"},
    "no heads": {"llama__attention__head_count": 0},
    "2^31 heads": {"llama__attention__head_count": 1 << 31},
    "no key heads": {"llama__attention__head_count_kv": 0},
    "2^31 key heads": {"llama__attention__head_count_kv": 1 << 31},
    "no width": {"llama__embedding_length": 0},
    "2^31 wide": {"llama__embedding_length": 1 << 31},
    "another width": {"llama__embedding_length": 96},
    "2^31 feed forward": {"llama__feed_forward_length": 1 << 31},
    "2^31 rotated": {"llama__rope__dimension_count": 1 << 31},
    "alignment 0": {"general__alignment": 0},
    "alignment 3": {"general__alignment": 3},
    "alignment 2^31": {"general__alignment": 1 << 31},
    "a context that is text": {"llama__context_length": "long"},
    "bos beyond the vocabulary": {"tokenizer__ggml__bos_token_id": 1 << 30},
    "2^31 experts": {"llama__expert_count": 1 << 31},
}


def _file_name(name: str) -> str:
    return name.replace(" ", "-").replace("^", "")
