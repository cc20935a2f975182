"""Blocks: at every prefix of a stream, what a whole document would give.

PONDER_EXAMPLES=3000 sets how many documents are made up; without it a run takes seconds.
"""

import os
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.markup import to_html
from app.markup.blocks import Block, Blocks, parse

EXAMPLES = int(os.environ.get("PONDER_EXAMPLES", "60"))

ANSWER = r"""# Average speed

The formula is $v = \frac{d}{t}$, so it costs $5 and $6.
Setext
------
1. First, **convert**:
   $$
   t = 1.5\,\text{h}
   $$
2. Then divide

   ```python
   print(120 / 1.5)

   ```
- other list
  - nested `x`

    more

| a | b |
|---|---|
| 1 | $x_1$ |
text after
> quote
lazy
> - list in quote
> ```
> code

\[
x = \begin{cases} 1 \\[4pt] 2 \end{cases}
\]
~~~~ c++ title
int main() {
~~~
}
~~~~

    indented

    code
***
See [the page][p], [p] and ![image][q]; \[1\] and \(y\).

[p]: http://example.org/page
  'a title'
[q]: https://example.org/q.png
$$
unfinished
is a paragraph

$$ E = mc^2 $$

<div>
html
</div>

- [ ] task
- [x] done
"""
DEFINED_LATE = """[a] and [b] and [c]

> [b]

- x [a]: no

word

> [c]: http://in.a.quote
[b]: <http://b.org> (title)
[a]: http://first.org
[a]: http://second.org

"""
HARD = [
    "a\r\nb\rc\n\r\n\rd\r",
    "abc\n| x | y |\n|--|--\n| 1 | 2 |\n\nabc\n| x |\n|--x",
    "- a\n\n\n  b\n\n c\n- d\n* e\n**f**\n",
    "- $$\n  x\nabc\n\n> $$\n> x\nabc\n\n> $$\n> y\n\nabc\n",
    "abc\n$$\nx\n\n$$\ny\n$$ z\n$$\n$$ 5 dollars\nmore\n\n$$x$$\n",
    "$$ 5\n> quote\n# one\n# two\nx^2 $$\n",
    "[foo]: /url\n'title\nmore'\n[bar]: http://x.org 'title\nnever\n\nclosed [bar]",
    "```a`b\nx\n```\n\n```\n\n\n",
    "a\n===\nb\n---\n- c\n---\n- d\n===\n",
    "\t- a\n\t\tb\n\n\tc\n1) x\n10) y\n",
    "\x00a\u2028b\x0bc\x0cd\x85e",
    "> > > a\n> b\nc\n\n>\n> d\n",
    "   \n  \n\n a\n\n    \n",
]


def streamed(chunks: list[str]) -> list[Block]:
    """Feed chunks; check after each that the count is true and that nothing differs."""
    blocks, text = Blocks(), ""
    before: list[Block] = []
    for chunk in chunks:
        text += chunk
        unchanged, now = blocks.append(chunk)
        assert now[:unchanged] == before[:unchanged]
        assert unchanged <= min(len(before), len(now))
        assert now == parse(text)
        before = list(now)
    return before


@pytest.mark.parametrize("text", [ANSWER, DEFINED_LATE, *HARD])
def test_every_prefix_gives_what_a_whole_document_gives(text: str) -> None:
    final = streamed(list(text))
    normalized = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    for block in final:
        assert normalized[block.start : block.end] == block.source
    for one, next_one in pairwise(final):
        assert one.end <= next_one.start


LINES = st.sampled_from(
    [
        *(
            "",
            "",
            "word",
            "a $x$ b",
            "[a] [b]",
            "[a]: http://x.org",
            "[b]: http://y.org 'T'",
            "'t'",
        ),
        *(
            "- item",
            "  - nested",
            "1. one",
            "2. two",
            "* star",
            "    code",
            "  two",
            "> quote",
            ">",
        ),
        *(
            "```",
            "```py",
            "~~~",
            "   ```",
            "$$",
            "$$x$$",
            "\\[",
            "\\]",
            "x^2 $$",
            "\\[x\\]",
            "$$ 5",
        ),
        *(
            "---",
            "===",
            "# head",
            "| a | b |",
            "|---|---|",
            "| 1 | 2 |",
            "***",
            "<div>",
            "\tx",
            "- $$",
        ),
        *("> [a]: http://z.org", "- ```", "> ```", "[c", "]: http://c.org", "- - x", "-", "\x00"),
    ]
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    lines=st.lists(LINES, max_size=12),
    end=st.sampled_from(["\n", "\r\n"]),
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=8),
)
@example(lines=["a", "- b", "", "[a]: http://x.org"], end="\n", sizes=[1])
def test_made_up_documents_too(lines: list[str], end: str, sizes: list[int]) -> None:
    text = end.join(lines)
    at, chunks = 0, list[str]()
    while at < len(text):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(text[at : at + size])
        at += size
    streamed(chunks)


@pytest.mark.parametrize("text", [ANSWER, DEFINED_LATE, *HARD])
def test_blocks_hold_the_html_of_the_whole_document(text: str) -> None:
    whole = to_html(text)
    at = 0
    for block in parse(text):
        if block.kind == "prose":
            found = whole.find(block.html, at)
            assert found >= 0, block
            at = found + len(block.html)


def test_kinds() -> None:
    blocks = parse("# Hi\n\n```py x\na\n```\n\n$$\nx\n$$\n\n    code\n\n~~~\nopen")
    assert [(b.kind, b.text, b.language, b.closed) for b in blocks] == [
        ("prose", "", "", True),
        ("code", "a\n", "py", True),
        ("math", "x", "", True),
        ("code", "code\n", "", True),
        ("code", "open", "", False),
    ]
    assert blocks[0].html == "<h1>Hi</h1>\n"


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("```", False),
        ("```\n", False),
        ("```\n```", True),
        ("```\n``", False),
        ("````\n```\n", False),
        ("````\n`````\n", True),
        ("~~~\nx\n  ~~~  \n\n", True),
        ("```\nx\n    ```", False),
        ("```\n\n", False),
        ("$$\nx", False),
        ("\\[ x", False),
        ("\\[ x \\]", True),
    ],
)
def test_closed(text: str, closed: bool) -> None:
    assert [block.closed for block in parse(text)] == [closed]


def test_a_finished_block_is_not_touched_again() -> None:
    blocks = Blocks()
    blocks.append("# One\n\nTwo\n\n```\nthree\n```\n\nfour")
    for word in [" goes", " on", "\n\n", "five"]:
        unchanged, _ = blocks.append(word)
        assert unchanged >= 3


def test_a_late_definition_changes_only_those_that_ask_for_it() -> None:
    blocks = Blocks()
    blocks.append("one\n\n[two]\n\nthree\n\n# four\n\nfive\n\n")
    unchanged, now = blocks.append("[two]: http://two.org\n")
    assert unchanged == 1
    assert now[1].html == '<p><a href="http://two.org">two</a></p>\n'
    assert blocks.append("\n[four]: http://four.org\n")[0] == len(now)


def test_nothing_of_deep_nesting_is_lost() -> None:
    for mark in (">", "> ", "- ", "1. ", "> - "):
        for depth in (1, 40, 90, *range(94, 101), 400):
            text = mark * depth + " deep\n\nafter\n"
            (block, after) = parse(text)
            assert "deep" in block.html, (mark, depth)
            assert after.html == "<p>after</p>\n"
            assert "deep" in to_html(text)
