"""Markdown that is put into another document shows what it showed alone."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.markup import to_html
from app.markup.parser import commonmark
from app.transcript.sealing import sealed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b and c > d", "a < b and c > d"),
        ("say <b>no</b>", "say &lt;b>no&lt;/b>"),
        ("</details>", "&lt;/details>"),
        ("`<b>` and <i>", "`<b>` and &lt;i>"),
        ("<https://x.org> <script>", "<https://x.org> &lt;script>"),
        ("> quote <b\n> more `<` <!-- c -->", "> quote &lt;b\n> more `<` &lt;!-- c -->"),
        (
            "| <a> | `<` |\n|---|---|\n| 1 <b> | <c> |",
            "| &lt;a> | `<` |\n|---|---|\n| 1 &lt;b> | &lt;c> |",
        ),
        ("    <pre>\n\n<p>", "    <pre>\n\n&lt;p>"),
        ("```html\n<b>\n```\n<b>", "```html\n<b>\n```\n&lt;b>"),
        ("$a<b$ <b>", "$a<b$ &lt;b>"),
        ("\\<b> and \\\\<b>", "\\<b> and \\\\&lt;b>"),
        ("[a <b>](x.org) <c>", "[a &lt;b>](x.org) &lt;c>"),
        ("```python\nopen", "```python\nopen\n```"),
        ("~~~~\nx\n", "~~~~\nx\n~~~~"),
        ("    indented", "    indented"),
    ],
)
def test_sealed(text: str, expected: str) -> None:
    assert sealed(text) == expected


def shown(text: str) -> str:
    """Return how it is shown with more below; line ends and insets of code apart."""
    html = re.sub(r"\s+</code>", "</code>", to_html(f"{text}\n\n")).rstrip()
    return re.sub(r"\s+&lt;", " &lt;", html)


SIGNS = """<b> </details> <!-- --> <?x <![CDATA[ ` `` ``` $ $$ \\ \\( \\) < * &lt; [a](b) ![i](u)
    <http://x.org>"""
SPACED = ["\n", "\n\n", "> ", "- ", "1. ", "    ", "| ", "|\n|--|\n", "text ", "# ", "![i <b>](u)"]
PIECES = st.lists(st.sampled_from([*SIGNS.split(), *SPACED]), max_size=25)


@settings(max_examples=300, deadline=None)
@given(PIECES)
def test_it_shows_the_same_and_no_html_is_left(pieces: list[str]) -> None:
    text = "".join(pieces)
    out = sealed(text)
    # In a formula a space follows the sign of what would be active: TeX means the same by it.
    assert shown(out).replace("&lt; ", "&lt;") == shown(text).replace("&lt; ", "&lt;")
    assert sealed(out) == out
    tokens = commonmark().parse(f"before\n\n{out}\n\nafter")
    html = [token for token in tokens if token.type == "html_block"]
    assert not html
