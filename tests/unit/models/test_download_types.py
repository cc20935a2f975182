"""Names of files, parts of split ones, records: what downloads are noted as."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Problem, WorldError
from app.models import download_records
from app.models.download_records import Record
from app.models.download_types import (
    Agreed,
    Item,
    Wanted,
    check_name,
    is_later_part,
    siblings,
)
from app.models.hub import mlx_quantization, quantization_of


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Magistral-Small-2509-Q4_K_M.gguf", "Q4_K_M"),
        ("Magistral-Small-2506_Q8_0.gguf", "Q8_0"),
        ("Magistral-Small-2509-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("Magistral-Small-2509-UD-IQ3_XXS.gguf", "UD-IQ3_XXS"),
        ("magistral-small-2506.q5_k_s.gguf", "Q5_K_S"),
        ("Q6_K/Model-Q6_K-00001-of-00002.gguf", "Q6_K"),
        ("Model-Q6_K_L.gguf", "Q6_K_L"),
        ("Model-IQ4_XS.gguf", "IQ4_XS"),
        ("Model-IQ4_NL.gguf", "IQ4_NL"),
        ("Model-Q3_K_XL.gguf", "Q3_K_XL"),
        ("Model-Q4_0_4_4.gguf", "Q4_0_4_4"),
        ("gpt-oss-20b-MXFP4.gguf", "MXFP4"),
        ("gpt-oss-20b-mxfp4.gguf", "MXFP4"),
        ("Model-BF16.gguf", "BF16"),
        ("Model-TQ1_0.gguf", "TQ1_0"),
        ("mmproj-F16.gguf", "F16"),
        ("Magistral-Small-2506.gguf", ""),
        ("Q8.gguf", "Q8"),
        ("Faq-4-you.gguf", ""),
    ],
)
def test_quantizations_are_read_from_names(name: str, wanted: str) -> None:
    assert quantization_of(name) == wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("lmstudio-community/Magistral-Small-2509-MLX-4bit", "4bit"),
        ("mlx-community/Model-8bit-DWQ", "8bit"),
        ("mlx-community/Model-6-bit", "6bit"),
        ("mlx-community/Model-bf16", "bf16"),
        ("mlx-community/Model", ""),
    ],
)
def test_quantizations_of_mlx_are_read_from_names(name: str, wanted: str) -> None:
    assert mlx_quantization(name) == wanted


def test_the_parts_of_a_split_file() -> None:
    first = "a/M-00001-of-00002.gguf"
    assert siblings(first) == (first, "a/M-00002-of-00002.gguf")
    assert siblings("M.gguf") == ("M.gguf",)
    assert [is_later_part(name) for name in siblings(first)] == [False, True]


@pytest.mark.parametrize(
    "name", ["../a", "a/../b", "/a", "a//b", "", ".", "a\\b", "C:a", "a/\0", "a?", "a/"]
)
def test_names_that_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(WorldError):
        check_name(name)


@given(st.text())
def test_no_name_leaves_the_folder(name: str) -> None:
    try:
        path = check_name(name)
    except WorldError:
        return
    assert not path.is_absolute()
    assert ".." not in path.parts
    assert str(path) == name


def test_wanting_the_same_is_the_same_download() -> None:
    one = Wanted("a/b", files=("x",), title="One")
    assert one.id == Wanted("a/b", files=("x",), title="Other").id
    others = {Wanted("a/b").id, Wanted("a/b", "v1", ("x",)).id, Wanted("a/c", files=("x",)).id}
    assert len({one.id, *others}) == 4


def test_a_record_comes_back_as_it_was() -> None:
    record = Record(
        Wanted("a/b", "v1", ("x.gguf",), "X"),
        "/models",
        "failed",
        Agreed("c", (Item("x.gguf", 9, "f" * 64, "e" * 40),)),
        5,
        Problem("disk-full", "Full.", "Make room.", "ENOSPC"),
    )
    plain = Record(Wanted("a/c"), "/models")
    for each in (record, plain):
        download_records.save(each)
    assert sorted(download_records.load_all(), key=lambda r: r.wanted.repository) == [record, plain]
    download_records.forget(record.wanted)
    assert download_records.load_all() == [plain]
    download_records.forget(record.wanted)
