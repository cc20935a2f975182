"""No character of a specification's example is lost between the Markdown and the screen."""

import html
import re

import pytest

from app.markup import to_html
from app.markup.blocks import parse
from tests.support import specification
from ui.chat.cells import WHOLE, DocumentCell
from ui.chat.code import CodeCell
from ui.chat.column import Column
from ui.chat.shelf import Shelf

pytestmark = pytest.mark.usefixtures("dressed")


def shown(markdown: str) -> str:
    """Return the text that the cells of a message show."""
    column = Column("answer", Shelf())
    column.set_width(700)
    column.set_blocks(parse(markdown))
    column.lay_out(0, 1 << 30)
    texts = []
    for cell in column.cells:
        if isinstance(cell, DocumentCell):
            texts.append(cell.document().toPlainText())
        elif isinstance(cell, CodeCell):
            texts.append(f"{cell.language}\n{cell.copied(0, WHOLE)}")
    column.clear()
    return "\n".join(texts)


def text_of(made: str) -> str:
    """Return the text of some HTML: what stands outside of its tags."""
    # The boxes of tasks are drawn where the marks of lists are.
    return re.sub("[☐☑]", "", html.unescape(re.sub(r"<[^>]*>", "", made)))


def missing(wanted: str, found: str) -> str:
    """Return the characters that are wanted and not found in their order, spaces left out."""
    at, lost = 0, ""
    for letter in wanted:
        if letter.isspace():
            continue
        place = found.find(letter, at)
        if place < 0:
            lost += letter
        else:
            at = place + 1
    return lost


@pytest.mark.parametrize("name", ["commonmark", "gfm"])
def test_every_character_is_shown(name: str) -> None:
    """All of the specified text; where HTML is text, what is marked up in it too, but its marks."""
    examples = specification.commonmark() if name == "commonmark" else specification.gfm()
    assert len(examples) >= 24
    lost: dict[int, str] = {}
    for one in examples:
        found = shown(one.markdown)
        ours = to_html(one.markdown)
        text = text_of(one.html)
        if ours != one.html:
            text = "".join(letter for letter in text if letter.isalnum())
        lost[one.number] = missing(text, found) + missing(text_of(ours), found)
    assert {number: letters for number, letters in lost.items() if letters} == {}


def test_what_is_not_shown_would_be_seen() -> None:
    assert missing("a b c", "ac") == "b"
    assert missing("<b>x</b>", text_of("<b>x</b>")) == "<b></b>"
