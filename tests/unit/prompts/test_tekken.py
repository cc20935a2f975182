"""Text with combining marks: id for id what mistral-common makes of it."""

import unicodedata
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.prompts.segments import Text
from app.prompts.tekken import byte_ids, encode, needs_exact, words
from tests.support.conversations import MARKED, PLAIN
from tests.support.tekken import Tekken, shipped


@pytest.fixture(scope="module")
def tekken(tmp_path_factory: pytest.TempPathFactory) -> Tekken:
    return shipped(tmp_path_factory.mktemp("tekken"), ranks=20_000)


@pytest.fixture(scope="module")
def ids(tekken: Tekken) -> dict[bytes, int]:
    return byte_ids(tekken.spellings())


def refuse(word: str) -> list[int]:
    raise AssertionError(f"asked to encode {word!r}")


@pytest.mark.parametrize("text", [*PLAIN, *MARKED])
def test_the_ids_are_mistral_commons(tekken: Tekken, ids: dict[bytes, int], text: str) -> None:
    def plain(word: str) -> list[int]:
        assert not needs_exact(word)
        return tekken.encode((Text(word),))

    assert needs_exact(text) == (text in MARKED)
    assert encode(text, ids, plain) == tekken.encode((Text(text),))


def test_words_with_marks_are_encoded_here(tekken: Tekken, ids: dict[bytes, int]) -> None:
    assert encode("हिन्दी", ids, refuse) == tekken.encode((Text("हिन्दी"),))


LETTERS = st.characters(codec="utf-8", max_codepoint=0x2FFFF, exclude_categories=["Cn", "Cs"])
MARKS = st.characters(categories=["Mn", "Mc", "Me"], max_codepoint=0x1FFF)
TEXTS = st.lists(
    st.one_of(LETTERS, MARKS, st.sampled_from("abAB 1/\n\r\t \u00a0\x1c!")), max_size=14
)


@settings(max_examples=300, deadline=None)
@given(text=TEXTS.map("".join))
def test_any_text_is_split_as_tekkens_pattern_splits_it(
    tekken: Tekken, ids: dict[bytes, int], text: str
) -> None:
    def plain(word: str) -> list[int]:
        return tekken.encode((Text(word),))

    assert "".join(word for word, _ in words(text)) == text
    assert encode(text, ids, plain) == tekken.encode((Text(text),))


def test_what_has_no_mark_needs_nothing() -> None:
    for text in PLAIN:
        assert not needs_exact(text)
    for text in (*MARKED, "⚠\ufe0f", "e\u0301"):
        assert needs_exact(text)
        assert not needs_exact(unicodedata.normalize("NFC", "e\u0301"))


def test_a_tower_of_marks_is_left_to_the_engine(ids: dict[bytes, int]) -> None:
    asked = []

    def plain(word: str) -> list[int]:
        asked.append(word)
        return [0]

    tower = "a" + "\u0301" * 100_000
    # Joined pair by pair it would take hours.
    assert encode(tower, ids, plain) == [0]
    assert asked == [tower]


def test_ids_by_bytes(tekken: Tekken, ids: dict[bytes, int]) -> None:
    first = len(tekken.own)
    assert [ids[bytes([byte])] for byte in range(256)] == list(range(first, first + 256))
    for data, token in islice(ids.items(), 0, None, 997):
        assert tekken.tekkenizer.id_to_byte_piece(token) == data
    added = [(7, "two words"), (8, "漢字"), (9, "\x7f"), (10, "Ġa")]
    assert byte_ids(added) == {b" a": 10}
