"""The footnotes of a document as its last block, and the whole of a document as HTML."""

import re
from collections.abc import Container, Mapping

from app.markup.blocks import Block, Definition
from app.markup.notes import Note, item, numbers, section
from app.markup.reading import Reading


class Endnotes:
    """The list of footnotes. What it made of a note stays until what the note looked up changes."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[str, frozenset[str]]] = {}

    def forget(self, changed: set[str]) -> None:
        """Make those notes anew that looked up any of these labels."""
        if changed:
            self._made = {text: made for text, made in self._made.items() if not made[1] & changed}

    def blocks(
        self,
        notes: Mapping[str, Note],
        links: Mapping[str, Definition],
        numbered: Mapping[str, int],
        asked: Container[str],
        end: int,
    ) -> list[Block]:
        """Return the block that shows the notes, at the document's end; none without a note."""
        if not notes:
            return []
        made = []
        before, self._made = self._made, {}
        for label, number in numbered.items():
            text = notes[label].text
            if text not in before:
                reading = Reading(text, 0, links, notes)
                before[text] = reading.html(numbered, notes), reading.labels
            self._made[text] = before[text]
            made.append(item(before[text][0], number, asked=label in asked))
        parts = section(made)
        source = "\n".join(notes[label].source for label in numbered)
        return [Block("prose", end, end, source, html="".join(parts), parts=parts)]


def document(text: str) -> str:
    """Return a whole document as HTML."""
    text = re.sub(r"\r\n?", "\n", text).replace("\0", "\ufffd")
    reading = Reading(text, 0, {}, ())
    notes = {label: note for label, (_, note) in reading.notes.items()}
    links = {label: found for label, (_, found) in reading.links.items()}
    asked = reading.asked
    numbered = numbers(asked, list(notes))
    html = reading.html(numbered, ())
    blocks = Endnotes().blocks(notes, links, numbered, set(asked), len(text))
    return html + "".join(block.html for block in blocks)
