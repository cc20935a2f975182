"""The header reader: what it reads of a whole file, and what it says of every other."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import WorldError
from app.models.gguf import read_header
from tests.support import synthetic


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.write(tmp_path_factory.mktemp("gguf") / "whole.gguf", general__name="Whole")


def test_a_whole_file(whole: Path) -> None:
    header = read_header(whole)
    header.check()
    assert header.architecture == "llama"
    assert header.metadata["general.name"] == "Whole"
    assert header.number("{arch}.block_count") == 2
    assert header.number("{arch}.no_such_thing") is None
    assert header.lengths["tokenizer.ggml.tokens"] == 1024
    assert len(header.tensors) == 3 + 2 * 9
    embedding = header.tensors[0]
    assert (embedding.name, embedding.shape) == ("token_embd.weight", (64, 1024))
    assert embedding.bytes == 64 * 1024 // 32 * 34
    assert header.data_end == header.file_bytes == whole.stat().st_size


def test_long_lists_are_skipped_short_ones_kept(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path / "long.gguf", synthetic.Shape(vocabulary=5000))
    header = read_header(path)
    assert "tokenizer.ggml.tokens" not in header.metadata
    assert header.lengths["tokenizer.ggml.tokens"] == 5000
    assert header.lengths["tokenizer.ggml.token_type"] == 5000
    assert header.metadata["tokenizer.ggml.merges"] == ("a b",)
    header.check()


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(length=st.integers(0, 238_000))
def test_cut_anywhere_it_is_incomplete(whole: Path, tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(whole.read_bytes()[:length])
    with pytest.raises(WorldError) as caught:
        read_header(path).check()
    title = caught.value.problem.title
    assert "incomplete" in title if length else "empty" in title


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(
        st.tuples(st.integers(4, 30_000), st.binary(min_size=1, max_size=8)), max_size=4
    )
)
def test_a_changed_header_is_read_or_explained(
    whole: Path, tmp_path: Path, changes: list[tuple[int, bytes]]
) -> None:
    data = bytearray(whole.read_bytes())
    for at, new in changes:
        data[at : at + len(new)] = new
    path = tmp_path / "changed.gguf"
    path.write_bytes(data)
    problem = None
    try:
        header = read_header(path)
        header.check()
    except WorldError as error:
        problem = error.problem
    if problem is None:
        assert header.data_end <= header.file_bytes
    else:
        assert problem.title.startswith("changed.gguf ")
        assert problem.advice


def test_missing_parts_are_rounded_so_that_they_show(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path / "big.gguf", synthetic.Shape(vocabulary=40_000))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size - 1)
    with pytest.raises(WorldError) as caught:
        read_header(path).check()
    assert "6.2 of 6.3 MB" in caught.value.problem.title, (size, caught.value.problem)
