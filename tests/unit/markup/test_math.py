r"""Mathematics in Markdown: what is a formula, what is money, and that its signs stay its own."""

import html
import re

import pytest

from app.markup import to_html
from app.markup.blocks import parse


def formulas(text: str) -> list[tuple[str, bool]]:
    """Return the TeX of each formula, and whether it stands apart."""
    found = re.findall(r'<span class="math" data-tex="([^"]*)"( data-display)?', to_html(text))
    return [(html.unescape(tex), bool(display)) for tex, display in found]


IN_LINE = [
    ("$x$", ["x"]),
    ("$x^2$ and $y_1$, $z$.", ["x^2", "y_1", "z"]),
    ("($x$) “$y$” –$z$–", ["x", "y", "z"]),
    ("the $n$-th, the $n$th and $x$s", ["n", "n", "x"]),
    ("设$x$为整数", ["x"]),
    ("$5$ and $0.60$ and $-3$", ["5", "0.60", "-3"]),
    ("$5x + 3 = 13$", ["5x + 3 = 13"]),
    (r"$22.2\ \text{m/s}$", [r"22.2\ \text{m/s}"]),
    (r"$\$0.60$", [r"\$0.60"]),
    ("$a_1 * b_1$ and $a_2 * b_2$", ["a_1 * b_1", "a_2 * b_2"]),
    ("*$x*y$*", ["x*y"]),
    (r"\(x_1\) and \(y\)", ["x_1", "y"]),
    (r"\(f(x)\)", ["f(x)"]),
    ("$a <b> c$", ["a <b> c"]),
    ('$"q"$', ['"q"']),
    ("$a\nb$", ["a\nb"]),
    ("**$x$**", ["x"]),
    ("[$x]$](http://a.b)", ["x]"]),
    ("# $x$", ["x"]),
    ("- $x$", ["x"]),
    ("> $x$", ["x"]),
    ("| $x$ |\n|---|\n| $y$ |", ["x", "y"]),
    (r"$a \\ b$", [r"a \\ b"]),
    (r"$\{x\}$", [r"\{x\}"]),
    ("$x$ costs $5", ["x"]),
    ("$5 for $x$", ["x"]),
]


@pytest.mark.parametrize(("text", "expected"), IN_LINE)
def test_in_a_line(text: str, expected: list[str]) -> None:
    assert formulas(text) == [(tex, False) for tex in expected]


@pytest.mark.parametrize(
    "text",
    [
        "$5 and $6",
        "$5, $6",
        "costs $0.60",
        "from $5-$10",
        "$5/$6",
        "US$5 and A$6",
        "$5 million (or 4$)",
        "$1,000 now and 2,000$ later",
        "It is $5. Or 6$.",
        "$HOME/$USER",
        "set $HOME and `$PATH`",
        "$ x $",
        "$x $",
        "$ x$",
        "$",
        "$$$",
        "$$$$",
        r"\$x\$",
        r"\$5 and $6",
        "`$x$`",
        "```\n$x$\n```",
        "    $x$",
        r"\\(x\\)",
        r"\(\)",
        r"\[1\] says",
        r"see \[1, 2\].",
        r"\[a\](http://b.c)",
        r"\\[4pt]",
        "a $x",
        r"\(x",
        "$x\n\ny$",
        "$$ a lot of money",
        "$$ 5\nor 6",
        "price$x$y",
    ],
)
def test_what_is_no_formula(text: str) -> None:
    assert formulas(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$$x$$", "x"),
        ("$$\nx\n$$", "x"),
        ("$$ x\n+ y $$", "x\n+ y"),
        ("\\[x\\]", "x"),
        ("\\[\nx\n\\]", "x"),
        ("text\n$$\nx\n$$\nmore", "x"),
        ("text $$x$$ more", "x"),
        ("text \\[ x \\] more", "x"),
        ("$$x$$, so", "x"),
        ("\\[\nx\n\\].", "x"),
        ("1. a\n   $$\n   x\n     y\n   $$", "x\n  y"),
        ("> $$\n> x\n> $$", "x"),
        ("$$\na \\\\[4pt] b\n$$", "a \\\\[4pt] b"),
        ("\\[\na \\\\[4pt] b \\\\]\n\\]", "a \\\\[4pt] b \\\\]"),
        ("$$\n\\begin{aligned}\na &= b \\\\\n* c\n\\end{aligned}\n$$", None),
        ("$$\nunfinished", "unfinished"),
        ("$$ x = \\frac{1", "x = \\frac{1"),
        ("\\[", ""),
        ("$$", ""),
        ("$$ 2 + 3\n= 5 $$", "2 + 3\n= 5"),
    ],
)
def test_apart(text: str, expected: str | None) -> None:
    ((tex, display),) = formulas(text)
    assert display
    assert tex == (text[2:-2].strip() if expected is None else expected)


def test_a_formula_on_its_own_is_a_block_of_its_own() -> None:
    text = "so\n$$\nx\n$$\nand \\[y\\] and\n\\[\nz"
    assert [(b.kind, b.text, b.closed) for b in parse(text)] == [
        ("prose", "", True),
        ("math", "x", True),
        ("prose", "", True),
        ("math", "z", False),
    ]


def test_html_holds_the_source_and_nothing_that_could_break_out() -> None:
    assert to_html('$a<"b$') == (
        '<p><span class="math" data-tex="a&lt;&quot;b">a&lt;&quot;b</span></p>\n'
    )
    assert to_html("$$\na&b\n$$") == (
        '<p><span class="math" data-tex="a&amp;b" data-display="true">a&amp;b</span></p>\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        *("$" * 20_000, "$a" * 20_000, "$a\\$" * 9_000, "\\(" * 20_000, "$$\n" * 5_000),
        *("\\[\n" * 2_000 + "\n\nx", "\\begin{align}\n" * 2_000 + "\n\nx", "[^a]: " * 3_000),
        *("\\begin{align} " * 3_000, "[^a]" * 3_000, "```latex\n" + "\\[ " * 5_000 + "\n```\n"),
    ],
)
def test_hostile_texts_end(text: str) -> None:
    assert to_html(text)
