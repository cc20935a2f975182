"""Open blocks of which only the end is read again: as the whole is, and in parts that stay."""

import random

import pytest

from app.markup import holding
from app.markup.blocks import Block, Blocks, parse, slices
from tests.support.streams import stream

PIECES = [
    *("", "word", "a $x$ b", "[a] [b]", "[a]: http://x.org", "[b]: http://y.org 'T'", "'t'"),
    *("- item", "  - nested", "1. one", "2. two", "* star", "    code", "  two", "> quote", ">"),
    *("```", "```py", "~~~", "   ```", "$$", "$$x$$", "\\[", "\\]", "x^2 $$", "\\[x\\]", "$$ 5"),
    *("---", "===", "# head", "| a | b |", "|---|---|", "| 1 | 2 |", "a | b", "--|--", "***"),
    *("- $$", "> [a]: http://z.org", "- ```", "> ```", "[c", "]: http://c.org", "- - x", "-"),
    *("x [^1] y [^2]", "[^1]: note", "[^2]: other [^1]", "    more", "[^3]: x [^2]", "- [^1]"),
    *("- [ ] t", "- [x] u", "- a\n\n", "words *with* stars go on", "a * b and c ** d", "one `two"),
    *("three` four", "pay $5 and $6", "x $y", "z$ end", "[open", "close](http://x.org)", "~~s"),
    *("t~~ ~5", "*em", "ph*", "__b", "b__", "a_b_c", "\\(x", "y\\)", "\\begin{align}"),
    *("\\end{align}", "```math", "```latex", "\\frac{a}{b}", "   - deep", "10) ten", "a  ", "b\\"),
    *("www.x.org", "http://a.b/c", "a.b_c@d.ef", "&amp;", "- # h", "- > q", "  more", "1) x"),
    *("- a | b", "| row | $a|b$ |", "some more words here", "and 5 more there", "<div>", "\tx"),
]
SAID = "we take the value of this sum and then we go on with it"
OPEN = {
    "list": "".join(
        f"{n % 9}. Item {n} *says* {SAID}\n   - with [a] and $x_{n}$\n" for n in range(12)
    ),
    "loose": "".join(f"- item {n} {SAID}\n\n" for n in range(12)),
    "turns loose": "- a\n- b\n- c\n- d\n\n- e\n- f\n",
    "gets a task": "- a\n- b\n- c\n- [ ] d\n- e\n",
    "table": "| a | b |\n|--:|---|\n" + "".join(f"| {n} | $x$ {SAID} |\n" for n in range(12)),
    "code": "```py\n" + "".join(f"    x = {n}\n\n" for n in range(20)),
    "paragraph": " ".join(f"{SAID} *{n}*, `{n}` and $x_{n}$." for n in range(25)),
    "lines": "\n".join(f"{SAID} **{n}** of [{n}](http://a.b/{n})" for n in range(20)),
    "becomes a head": f"{SAID} " * 12 + "a | b\n--|--\n1 | 2\n",
    "becomes a heading": f"{SAID} " * 12 + "\n---\nafter",
    "titles": " ".join(f"{SAID} [a {n}](http://b.c/{n} 'of {n} {SAID}')" for n in range(9)),
    "money": f"It costs $5 and {SAID}. " * 12,
    "notes": "".join(f"- {SAID} [^{n}]\n" for n in range(8)) + "\n[^3]: a\n[^1]: b\n\nend\n\n",
}


def followed(text: str, size: int) -> None:
    """Feed a text, and hold it against the whole each time."""
    blocks = Blocks()
    before: list[Block] = []
    for at in range(0, len(text), size):
        unchanged, now = blocks.append(text[at : at + size])
        assert now[:unchanged] == before[:unchanged]
        assert now == parse(text[: at + size]), text[: at + size]
        for block in now:
            if block.kind == "prose":
                assert "".join(block.parts) == block.html
        before = list(now)


@pytest.mark.parametrize("name", OPEN)
@pytest.mark.parametrize("size", [7, 37])
def test_an_open_block_is_what_the_whole_is(name: str, size: int) -> None:
    text = OPEN[name] if size > 7 else OPEN[name][:620]
    followed(text + "\n\nafter\n\n- it\n", size)


@pytest.mark.parametrize("seed", range(20))
def test_made_up_documents_are_too(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "_LONG", 12)
    monkeypatch.setattr(holding, "_BEHIND", 2)
    draw = random.Random(seed)
    lines = [" ".join(draw.choices(PIECES, k=draw.choice([1, 1, 2]))) for _ in range(12)]
    followed(draw.choice(["\n", "\n", "\n", "\r\n", " "]).join(lines), draw.choice([1, 3, 7]))


@pytest.mark.parametrize("name", ["list", "loose", "table", "paragraph", "lines"])
def test_what_was_read_is_not_made_again(name: str) -> None:
    text = OPEN[name] * 4 if name != "table" else OPEN[name] + OPEN[name][22:] * 3
    blocks = Blocks()
    blocks.append(text)
    (before,) = blocks.append(text[:30] if name == "paragraph" else "")[1]
    parts = before.parts
    (after,) = blocks.append(" and " if name in ("paragraph", "lines") else "")[1]
    kept = sum(one is two for one, two in zip(parts, after.parts, strict=False))
    assert kept >= len(parts) - 3 > 0
    assert len(blocks._tail) - (blocks._hold.at if blocks._hold else 0) < 1200


def test_what_is_pending_is_waited_for() -> None:
    """A star without a partner may find one at the paragraph's end."""
    text = "a *b " + SAID * 20
    blocks = Blocks()
    blocks.append(text)
    assert blocks._hold is None
    (block,) = blocks.append(" c* d")[1]
    assert block.html.startswith("<p>a <em>b ")


def test_a_definition_reaches_what_is_held() -> None:
    blocks = Blocks()
    blocks.append("- see [a]\n- and more\n- and more\n- and")
    unchanged, now = blocks.append(" on\n\n[a]: http://b.org\n")
    assert '<a href="http://b.org">a</a>' in now[0].html
    assert unchanged == 0


def test_slices_are_the_text_and_give_the_same_blocks() -> None:
    text = stream(3).answer
    cut = list(slices(text))
    assert "".join(cut) == text
    assert max(map(len, cut)) <= 2000
    assert all(piece.endswith("\n") for piece in cut[:-1])
    assert list(slices("x" * 4500)) == ["x" * 2000, "x" * 2000, "x" * 500]
    blocks = Blocks()
    for piece in cut:
        _, now = blocks.append(piece)
    assert now == parse(text)
