"""The menu of a message: everything the mouse can do with its text, for the keyboard too."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtWidgets import QMenu

from ui.chat import copying, focus, links
from ui.chat.entry import Entry
from ui.chat.links import open_link

if TYPE_CHECKING:
    from ui.chat.view import ChatView

MOST_LINKS = 12


def show(view: "ChatView", event: QContextMenuEvent) -> None:
    """Show the menu of the message at an event, or with the focus where a key asked for it."""
    by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
    entry = _under(view, event.pos()) if by_mouse else next(iter(focus.focused(view)), None)
    link = view.reading.link_at(event.globalPos()) if by_mouse else ""
    made = build(view, entry, link)
    if not made.isEmpty():
        made.popup(event.globalPos())


def build(view: "ChatView", entry: Entry | None, link: str) -> QMenu:
    """Return the menu for a message; link: the address under the mouse, "" for none."""
    made = QMenu(view)
    made.aboutToHide.connect(made.deleteLater)
    if not view.selection.empty:
        made.addAction("Copy selection", view.copy)
        made.addAction("Copy selection as plain text", view.reading.copy_plain)
    if link:
        made.addAction("Open link", lambda: open_link(link))
        made.addAction("Copy link", lambda: _copy(link))
    if entry is None:
        return made
    _add_actions(view, made, entry)
    if not link:
        for address in _links(entry):
            made.addAction(f"Open {links.shown(address)}", partial(open_link, address))
    return made


def _add_actions(view: "ChatView", made: QMenu, entry: Entry) -> None:
    """Add what can be done with a message."""
    thought = entry.message.thinking
    if entry.message.markdown:
        typed = entry.message.role == "user"
        made.addAction("Copy message", lambda: copying.put(entry.message.markdown, typed=typed))
    if thought is not None and thought.text:
        made.addAction("Copy thinking", lambda: copying.put(thought.text))
        item = view.item(entry.id)
        if item is not None and entry.turn is None:
            edit = partial(item.begin_edit, thought=True)
            made.addAction("Edit the thinking and go on from there…", edit)
    if entry.message.role == "assistant" and entry.turn is None:
        made.addAction("How it was made…", lambda: view.details_requested.emit(entry.id))
    if entry.left_out:
        made.addAction("Show the model all of the chat again", view.bring_back_requested.emit)
    made.addAction("Select message", lambda: _select(view, entry))
    made.addAction("Select the whole chat", view.reading.select_everything)


def offer_link(view: "ChatView", address: str) -> QMenu:
    """Return the menu of a link that is not what it seems: it says where it leads."""
    made = QMenu(view)
    made.aboutToHide.connect(made.deleteLater)
    made.addAction(f"Open {links.host(address)}", partial(open_link, address))
    made.addAction("Copy link", partial(_copy, links.shown(address)))
    return made


def _links(entry: Entry) -> list[str]:
    found: list[str] = []
    for cell in entry.text.cells:
        found += [link for link in cell.links() if link not in found]
        if len(found) >= MOST_LINKS:
            break
    return found[:MOST_LINKS]


def _select(view: "ChatView", entry: Entry) -> None:
    view.selection.select_text(view.entries.index(entry))
    view.reading.selection_changed()


def _copy(text: str) -> None:
    QGuiApplication.clipboard().setText(text)


def _under(view: "ChatView", point: QPoint) -> Entry | None:
    for entry in view.entries:
        item = view.item(entry.id)
        if item is not None and item.geometry().contains(point):
            return entry
    return None
