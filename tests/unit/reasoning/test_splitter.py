"""The splitter: whatever is cut wherever, the pieces are the same and nothing is lost.

PONDER_EXAMPLES=10000 sets how many outputs are tried; without it a run takes seconds.
"""

import os
import sys
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.reasoning.formats import FORMATS
from app.reasoning.splitter import Piece, Splitter, coalesced

EXAMPLES = int(os.environ.get("PONDER_EXAMPLES", "300"))

# The pieces that hurt: markers, their beginnings and ends, and what surrounds them.
FRAGMENTS = [
    *("<think>", "</think>", "[THINK]", "[/THINK]", "<", "</", "<thi", "think>", "k>", ">", "/"),
    *(
        "[",
        "[/",
        "[TH",
        "INK]",
        "]",
        " ",
        "\n",
        "a",
        "Ünïcödé",
        "🤔",
        "न\u094d",
        "\u2028",
        "\x00",
        "x<y",
    ),
]
OUTPUT = st.lists(st.sampled_from(FRAGMENTS), max_size=24).map("".join)
CASES = [
    pytest.param("think", False, id="think"),
    pytest.param("mistral", True, id="mistral as text"),
    pytest.param("none", True, id="none"),
    pytest.param("mistral", False, id="mistral"),
]


def split(
    name: str, chunks: Sequence[str], *, thinking_open: bool = False, literal: bool = True
) -> tuple[list[Piece], Splitter]:
    splitter = Splitter(FORMATS[name], thinking_open=thinking_open, literal=literal)
    pieces = [piece for chunk in chunks for piece in splitter.feed(chunk)]
    pieces += splitter.finish()
    return list(coalesced(pieces)), splitter


def told(pieces: Sequence[Piece]) -> list[tuple[str, str]]:
    return [(piece.channel[0], piece.text) for piece in pieces]


@pytest.mark.parametrize(("name", "literal"), CASES)
@settings(max_examples=EXAMPLES, deadline=None)
@given(output=OUTPUT, opened=st.booleans(), data=st.data())
def test_any_cutting_gives_the_same_pieces_and_the_text_back(
    name: str, literal: bool, output: str, opened: bool, data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(output)), max_size=12).map(sorted))
    chunks = [output[start:end] for start, end in pairwise([0, *cuts, len(output)])]
    whole, one = split(name, [output], thinking_open=opened, literal=literal)
    for cut in (chunks, list(output)):
        pieces, splitter = split(name, cut, thinking_open=opened, literal=literal)
        assert pieces == whole
        assert splitter.closed == one.closed
    assert "".join(piece.text for piece in whole) == output
    assert all(piece.text for piece in whole)


CONTROLS = st.sampled_from(["[THINK]", "[/THINK]", "[INST]", "</s>"])


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    tokens=st.lists(
        CONTROLS.map(lambda name: (name, name)) | OUTPUT.map(lambda text: (text, None)), max_size=12
    ),
    name=st.sampled_from(["mistral", "think", "none"]),
)
def test_control_tokens_never_lose_a_word(tokens: list[tuple[str, str | None]], name: str) -> None:
    def run(parts: Sequence[tuple[str, str | None]]) -> tuple[list[Piece], bool]:
        splitter = Splitter(FORMATS[name])
        pieces = [piece for text, control in parts for piece in splitter.feed(text, control)]
        return list(coalesced([*pieces, *splitter.finish()])), splitter.closed

    whole, closed = run(tokens)
    letters = [
        part
        for text, control in tokens
        for part in ([(text, control)] if control else [(letter, None) for letter in text])
    ]
    assert run(letters) == (whole, closed)
    assert "".join(piece.text for piece in whole) == "".join(text for text, _ in tokens)


@pytest.mark.parametrize(
    ("output", "expected", "closed"),
    [
        ("<think>a</think>b", [("m", "<think>"), ("t", "a"), ("m", "</think>"), ("a", "b")], True),
        ("<<think>a", [("a", "<"), ("m", "<think>"), ("t", "a")], False),
        ("<thi <think>a", [("a", "<thi "), ("m", "<think>"), ("t", "a")], False),
        ("\n <think>a", [("a", "\n "), ("m", "<think>"), ("t", "a")], False),
        ("<think>\n\n</think>", [("m", "<think>"), ("t", "\n\n"), ("m", "</think>")], True),
        (
            "<think>a<</think>b",
            [("m", "<think>"), ("t", "a<"), ("m", "</think>"), ("a", "b")],
            True,
        ),
        ("<think>a</thi", [("m", "<think>"), ("t", "a</thi")], False),
        ("<think>a</think", [("m", "<think>"), ("t", "a</think")], False),
        ("<thin", [("a", "<thin")], True),
        ("<b>bold</b> <think>", [("a", "<b>bold</b> <think>")], True),
        ("say <think>x</think>", [("a", "say <think>x</think>")], True),
        ("</think>b", [("m", "</think>"), ("a", "b")], True),
        ("", [], True),
        (
            "<think><think>a <think> b</think></think>c</think>",
            [
                *(("m", "<think>"), ("m", "<think>"), ("t", "a <think> b")),
                *(("m", "</think>"), ("m", "</think>"), ("a", "c</think>")),
            ],
            True,
        ),
        (
            "<think>a</think>\n<think>b</think>c<think>d",
            [
                *(("m", "<think>"), ("t", "a"), ("m", "</think>"), ("a", "\n")),
                *(("m", "<think>"), ("t", "b"), ("m", "</think>"), ("a", "c<think>d")),
            ],
            True,
        ),
    ],
)
def test_markers_in_text(output: str, expected: list[tuple[str, str]], closed: bool) -> None:
    pieces, splitter = split("think", list(output))
    assert told(pieces) == expected
    assert splitter.closed is closed
    spelled = output.replace("<think>", "[THINK]").replace("</think>", "[/THINK]")
    if "<" not in spelled:
        pieces, splitter = split("mistral", list(spelled))
        markers = {"<think>": "[THINK]", "</think>": "[/THINK]"}
        for old, new in markers.items():
            expected = [(channel, text.replace(old, new)) for channel, text in expected]
        assert told(pieces) == expected


def test_an_output_that_begins_inside_the_thought() -> None:
    pieces, splitter = split("think", ["Hm", "</th", "ink>Yes"], thinking_open=True)
    assert told(pieces) == [("t", "Hm"), ("m", "</think>"), ("a", "Yes")]
    assert splitter.closed
    pieces, splitter = split("think", ["\n<think>Hm"], thinking_open=True)
    assert told(pieces) == [("t", "\n"), ("m", "<think>"), ("t", "Hm")]
    assert not splitter.closed


def test_a_typed_marker_is_text_where_markers_are_control_tokens() -> None:
    splitter = Splitter(FORMATS["mistral"])
    pieces = [
        *splitter.feed("[THINK]"),
        *splitter.feed("[THINK]", "[THINK]"),
        *splitter.feed("say [/THINK]"),
        *splitter.feed("[/THINK]", "[/THINK]"),
        *splitter.feed("done"),
        *splitter.finish(),
    ]
    assert told(pieces) == [
        *(
            ("a", "[THINK]"),
            ("m", "[THINK]"),
            ("t", "say [/THINK]"),
            ("m", "[/THINK]"),
            ("a", "done"),
        )
    ]


def test_a_second_thought_by_control_token_is_a_thought_again() -> None:
    splitter = Splitter(FORMATS["mistral"])
    fed = [("[THINK]", True), ("a", False), ("[/THINK]", True), ("b", False), ("[THINK]", True)]
    fed += [("c", False), ("[THINK]", True), ("d", False), ("[INST]", True)]
    pieces = [
        p for text, is_control in fed for p in splitter.feed(text, text if is_control else None)
    ]
    assert [(channel, text) for channel, text in told(pieces) if channel != "m"] == [
        *(("t", "a"), ("a", "b"), ("t", "c"), ("t", "d"))
    ]
    assert not splitter.closed


def test_half_a_marker_before_a_control_token_is_let_go() -> None:
    splitter = Splitter(FORMATS["think"])
    pieces = [*splitter.feed("<thi"), *splitter.feed("</s>", "</s>"), *splitter.feed("nk>x")]
    assert told(pieces) == [("a", "<thi"), ("m", "</s>"), ("a", "nk>x")]


def test_pieces_come_as_soon_as_they_are_decided() -> None:
    splitter = Splitter(FORMATS["think"])
    assert told(splitter.feed("<think>so far</thi")) == [("m", "<think>"), ("t", "so far")]
    assert told(splitter.feed("s")) == [("t", "</this")]
    assert splitter.thinking


def test_memory_does_not_grow_with_the_output() -> None:
    splitter = Splitter(FORMATS["think"])
    splitter.feed("<think>")
    for _ in range(10_000):
        splitter.feed("more words, and a <")
    reader = splitter._reader
    held = sum(sys.getsizeof(getattr(reader, name)) for name in vars(reader))
    assert held < 2_000


def test_long_outputs_are_read_in_a_straight_line() -> None:
    output = (
        "<think>" + "< </think" * 20_000 + "</think>" + "<think></think>" * 5_000 + "\n" * 50_000
    )
    pieces, splitter = split("think", [output])
    assert "".join(piece.text for piece in pieces) == output
    assert splitter.closed
