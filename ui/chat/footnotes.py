"""Footnotes: a click on a number goes to the note, a click on its arrow back to where it was read.

Both are links within the message, `#note-1` and `#ref-1`; nothing is ever opened for them.
"""

from typing import TYPE_CHECKING

from ui.chat.answer import Answer
from ui.chat.column import Anchor, Column
from ui.chat.stack import Keep

if TYPE_CHECKING:
    from ui.chat.view import ChatView

SHOWN_AT = 1 / 3
"""How far down the view the other end is shown."""


def follow(view: "ChatView", column: Column, address: str) -> bool:
    """Scroll to the other end of a link in a text; whether there is one."""
    number = column.cell_with(f'id="{address.removeprefix("#")}"')
    entry = next((one for one in view.entries if column in (one.text, one.thinking)), None)
    if number < 0 or entry is None:
        return False
    if column is entry.text:
        keep = Keep(
            entry,
            view.entries.index(entry),
            Anchor(number, 0),
            int(view.viewport().height() * SHOWN_AT),
        )
        view.settle(keep)
        return True
    item = view.item(entry.id)
    if isinstance(item, Answer) and item.panel is not None:
        body = item.panel.body
        body.verticalScrollBar().setValue(
            int(column.top(number) - body.viewport().height() * SHOWN_AT)
        )
    return True
