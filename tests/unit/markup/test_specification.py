"""Every example of the CommonMark specification, and those of GFM's extensions.

Without anything added the parser gives what CommonMark says, on all 652. As messages are shown it
differs where it means to: tests/fixtures/markup_differences.toml lists each example that differs,
and why. That the reason is the whole reason is checked by taking it back: with the changes undone
that are listed for an example, it is as specified.
"""

import re
import tomllib
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML

from app.markup import parser, to_html
from tests.support import specification

TABLE = Path(__file__).parents[2] / "fixtures" / "markup_differences.toml"


def _html(made: MarkdownIt) -> None:
    made.options["html"] = True


def _schemes(made: MarkdownIt) -> None:
    made.validateLink = lambda _url: True  # type: ignore[method-assign]
    made.inline.ruler2.disable("no_address")


def _images(made: MarkdownIt) -> None:
    plain = RendererHTML()
    made.renderer.rules["image"] = lambda *given: plain.image(*given)  # type: ignore[attr-defined]


def _autolinks(made: MarkdownIt) -> None:
    made.inline.ruler.disable(["gfm_autolink_www", "gfm_autolink_protocol", "gfm_autolink_email"])


def _products(made: MarkdownIt) -> None:
    made.inline.ruler.disable("product")


def _formulas(made: MarkdownIt) -> None:
    made.inline.ruler.disable(["math", "math_environment"])
    made.block.ruler.disable("math")


CHANGES: dict[str, Callable[[MarkdownIt], None]] = {
    "raw HTML is shown as text": _html,
    "only http, https and mailto are links": _schemes,
    "images are links": _images,
    "bare addresses are links": _autolinks,
    "a star between two figures is a product": _products,
    "backslashed brackets are formulas": _formulas,
}
GFM_CHANGES = CHANGES | {
    "tasks have drawn boxes": lambda _made: None,
    "struck out is s, not del": lambda _made: None,
    "columns are aligned by style": lambda _made: None,
    "ftp is no link": lambda _made: None,
    "no HTML is let through that GFM would filter": lambda _made: None,
}
FILTERED = "title|textarea|style|xmp|iframe|noembed|noframes|script|plaintext"


def undone(markdown: str, changes: Collection[str]) -> str:
    """Return an example's HTML with some of the changes taken back."""
    made = parser.chat.__wrapped__()
    for change in changes:
        GFM_CHANGES[change](made)
    html = str(made.render(markdown, {"numbers": {}, "seen": set()}))
    if "tasks have drawn boxes" in changes:
        html = re.sub(r' class="(?:contains-)?task-list(?:-item)?"', "", html)
        html = html.replace("☐ ", '<input disabled="" type="checkbox"> ')
        html = html.replace("☑ ", '<input checked="" disabled="" type="checkbox"> ')
    if "struck out is s, not del" in changes:
        html = html.replace("<s>", "<del>").replace("</s>", "</del>")
    if "columns are aligned by style" in changes:
        html = re.sub(r'style="text-align:(\w+)"', r'align="\1"', html)
    if "ftp is no link" in changes:
        html = re.sub(r"(ftp://[\w.]+\w)", r'<a href="\1">\1</a>', html)
    if "no HTML is let through that GFM would filter" in changes:
        html = re.sub(rf"<(?=(?:{FILTERED})\b)", "&lt;", html, flags=re.IGNORECASE)
    return html


def listed(table: str) -> dict[int, list[str]]:
    """Return what is listed of the examples that differ: the reasons of each."""
    read = tomllib.loads(TABLE.read_text(encoding="utf-8"))[table]
    return {number: reasons.split("; ") for reasons, numbers in read.items() for number in numbers}


def test_commonmark_is_as_specified() -> None:
    examples = specification.commonmark()
    assert len(examples) == 652
    found = {one.number: to_html(one.markdown, commonmark=True) for one in examples}
    assert [one.number for one in examples if found[one.number] != one.html] == []


@pytest.mark.parametrize("table", ["commonmark", "gfm"])
def test_as_messages_are_shown_every_difference_is_meant(table: str) -> None:
    examples = specification.commonmark() if table == "commonmark" else specification.gfm()
    assert len(examples) == (652 if table == "commonmark" else 24)
    differ = [one for one in examples if to_html(one.markdown) != one.html]
    reasons = listed(table)
    assert [one.number for one in differ] == sorted(reasons)
    wrong = [one.number for one in differ if undone(one.markdown, reasons[one.number]) != one.html]
    assert wrong == []
