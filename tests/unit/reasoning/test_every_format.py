"""Every format: outputs as they should be, odd ones and broken ones, cut anywhere.

PONDER_EXAMPLES=2000 sets how many cuttings are tried for each format, in turn over its outputs.
They are cut between bytes, so characters are cut, too. The pieces must always be the same, and
joined they must be the output, byte for byte.
"""

import codecs
import os
import random

import pytest

from app.reasoning.formats import FORMATS, Format, detect_output, watched
from app.reasoning.splitter import Piece, Splitter, coalesced

CUTTINGS = int(os.environ.get("PONDER_EXAMPLES", "60"))
ROWS = [row for row in FORMATS.values() if row.open]

THOUGHT = "Hm, naïve 🤔 नमस्ते.\nSo x<y, and [1] is | not ▷."
ANSWER = "## Ünïcödé\n\n```python\nprint('<b>')\n```\nDone. 👩\u200d👧"


def outputs(row: Format) -> list[str]:
    """Return outputs in a format: the first six whole, then odd ones, then broken ones."""
    begin, end = row.begin, row.end
    open_, close = row.open, row.close
    last = row.wraps[0][1] if row.wraps else ""
    half = len(close) // 2
    return [
        f"{begin}{THOUGHT}{end}{ANSWER}{last}",
        f"{begin}a{end}b{last}\n",
        f"{open_}{THOUGHT}{close}{ANSWER}",
        f"\n {begin}one\ntwo{end}three",
        f"{begin}{THOUGHT}{end}",
        f"{open_}{close}{ANSWER}",
        # Odd: twice, nested, repeated, lone, inside code, inside an answer.
        f"{begin}a{end}{begin}b{end}c",
        f"{begin}a{begin}b{end}c{end}d",
        f"{open_}{open_}a{close}{close}b",
        f"{THOUGHT}{end}{ANSWER}",
        f"{close}{ANSWER}",
        f"{begin}say `{close}` and '{close}' here{end}{ANSWER}",
        f"{begin}```\n{begin}x{end}\n```\nso{end}{ANSWER}",
        f"{ANSWER}{begin}a{end}b",
        f"{begin}{THOUGHT}{end}say {open_} or {close}{last} to end{last}",
        f"{open_}\n\n{close}\n\n{ANSWER}{last}{last}",
        # Broken: no end, half an end, half a beginning, something before it, nothing at all.
        f"{begin}{THOUGHT}",
        f"{begin}{THOUGHT}{close[:half]}",
        f"{begin}{THOUGHT}{close[:-1]}",
        f"{open_[:-1]}",
        f"{open_[:1]}{begin}a{end}b",
        f"{open_[: len(open_) // 2]} {ANSWER}",
        f"{begin}a{close[:half]}{close}b",
        f"{close}{open_}{close}{open_}",
        f"{begin}a{end}b{last[:-1]}",
        "",
        ANSWER,
    ]


def split(row: Format, chunks: list[bytes], **how: object) -> tuple[list[Piece], bool]:
    splitter = Splitter(row, **how)  # type: ignore[arg-type] # a test's shorthand
    utf8 = codecs.getincrementaldecoder("utf-8")("strict")
    pieces: list[Piece] = []
    for chunk in chunks:
        text = utf8.decode(chunk)
        if text:
            pieces += splitter.feed(text)
    assert utf8.decode(b"", final=True) == ""
    pieces += splitter.finish()
    return list(coalesced(pieces)), splitter.closed


def cut(data: bytes, draw: random.Random) -> list[bytes]:
    if draw.random() < 0.1:
        return [data[at : at + 1] for at in range(len(data))]
    cuts = sorted(draw.choices(range(len(data) + 1), k=draw.randint(0, 12)))
    return [data[one:two] for one, two in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_any_cutting_gives_the_same_pieces_and_the_bytes_back(row: Format) -> None:
    draw = random.Random(row.name)
    samples = outputs(row)
    assert len(samples) >= 20
    for number in range(max(CUTTINGS, 2 * len(samples))):
        output = samples[number % len(samples)]
        data = output.encode()
        hows: list[dict[str, object]] = [
            {"literal": True},
            {"literal": True, "thinking_open": True},
            {"watch": watched(row)},
        ]
        how = draw.choice(hows)
        whole = split(row, [data], **how)
        assert split(row, cut(data, draw), **how) == whole
        assert "".join(piece.text for piece in whole[0]).encode() == data


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_whole_outputs_are_read_right(row: Format) -> None:
    first, second, third, fourth, fifth, sixth, *_ = outputs(row)
    assert said(row, first) == (THOUGHT, ANSWER)
    assert said(row, second) == ("a", "b")
    assert said(row, third) == (THOUGHT, ANSWER)
    assert said(row, fourth) == ("one\ntwo", "three")
    assert said(row, fifth) == (THOUGHT, "")
    assert said(row, sixth) == ("", ANSWER)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_thought_that_never_ends_is_kept_and_told(row: Format) -> None:
    for tail in ("", row.close[:2]):
        pieces, closed = split(row, [f"{row.begin}{THOUGHT}{tail}".encode()], literal=True)
        assert not closed
        assert all(piece.channel != "answer" or not piece.text.strip() for piece in pieces)
        assert THOUGHT in "".join(piece.text for piece in pieces if piece.channel == "thinking")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_prompt_opened_the_thought(row: Format) -> None:
    data = f"{THOUGHT}{row.end}{ANSWER}".encode()
    pieces, closed = split(row, [data], literal=True, thinking_open=True)
    assert closed
    assert joined(pieces) == (THOUGHT, ANSWER)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_an_output_shows_its_format(row: Format) -> None:
    found = detect_output(f"{row.begin}{THOUGHT}{row.end}{ANSWER}")
    assert found is row


@pytest.mark.parametrize("row", [row for row in ROWS if not row.prose], ids=lambda row: row.name)
def test_a_format_is_watched_for_while_another_is_expected(row: Format) -> None:
    expected = FORMATS["mistral"] if row.name != "mistral" else FORMATS["think"]
    data = f"{row.begin}{THOUGHT}{row.end}{ANSWER}".encode()
    pieces, closed = split(expected, [data], watch=watched(expected))
    assert closed
    thinking, answer = joined(pieces)
    assert thinking == THOUGHT
    # What is wrapped is known by its plain kin.
    assert answer.endswith(ANSWER)
    none, _ = split(expected, [b"plain " + data], watch=watched(expected))
    assert {piece.channel for piece in none} == {"answer"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_markers_that_are_tokens_are_never_mistaken_for_text(row: Format) -> None:
    splitter = Splitter(row, by_id=True)
    pieces = splitter.feed(f"{row.begin}{row.end}typed")
    assert {piece.channel for piece in pieces} == {"answer"}
    tokens = sorted(row.tokens, key=len, reverse=True)
    fed = cut_into_tokens(f"{row.begin}{THOUGHT} {row.close[:2]}{row.end}{ANSWER}", tokens)
    pieces = [
        piece for text in fed for piece in splitter.feed(text, text if text in row.tokens else None)
    ]
    pieces += splitter.finish()
    thinking, answer = joined(list(coalesced(pieces)))
    assert thinking == f"{THOUGHT} {row.close[:2]}".strip()
    assert answer == ANSWER
    assert splitter.closed


def cut_into_tokens(text: str, names: list[str]) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(text):
        name = next((one for one in names if text.startswith(one, at)), text[at])
        found.append(name)
        at += len(name)
    return found


def said(row: Format, output: str) -> tuple[str, str]:
    pieces, closed = split(row, [output.encode()], literal=True)
    assert closed
    return joined(pieces)


def joined(pieces: list[Piece]) -> tuple[str, str]:
    """Return the thinking and the answer, white space around them aside."""
    thinking = "".join(piece.text for piece in pieces if piece.channel == "thinking")
    answer = "".join(piece.text for piece in pieces if piece.channel == "answer")
    return thinking.strip(), answer.strip()
