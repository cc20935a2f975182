"""What a screen reader is given: messages in their order, what each is, what it says, its thought.

A message is a section with a name ("You said, message 3 of 8", "Answer, thought for 31 s, …") and
its text as its value: formulas as TeX, code as code. Its thinking is a group within it that is
expanded or collapsed. Only messages near what is seen have widgets, so only those have interfaces;
the keys that go from message to message make the others.

The interfaces are made when assistive technology asks for them, never otherwise.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAccessible, QAccessibleInterface, QAccessibleStateChangeEvent
from PySide6.QtWidgets import QAccessibleWidget, QWidget

from app.chat.message import Message, Status
from app.chat.turn import Phase
from ui.chat import words
from ui.chat.answer import Answer
from ui.chat.entry import Entry
from ui.chat.item import Item
from ui.chat.stack import Stack
from ui.chat.thinking import Panel
from ui.notices import announce

if TYPE_CHECKING:
    from ui.chat.view import ChatView

_PHASES: dict[Phase, str] = {"thinking": "Thinking", "answering": "Answering"}
_ENDS: dict[Status, str] = {"done": "Answered", "cancelled": "Stopped", "length": "Cut off"}


@lru_cache(maxsize=1)
def install() -> None:
    """Let assistive technology have the interfaces below."""
    QAccessible.installFactory(_interface)


def _interface(_key: str, thing: QObject) -> QAccessibleInterface | None:
    if isinstance(thing, Item):
        return _OfMessage(thing)
    if isinstance(thing, Panel):
        return _OfThinking(thing)
    parent = thing.parent()
    if isinstance(parent, Stack) and isinstance(thing, QWidget) and thing is parent.viewport():
        return _OfMessages(thing)
    return None


class _OfMessages(QAccessibleWidget):
    """The messages there are widgets of, in the order they are read in."""

    def __init__(self, viewport: QWidget) -> None:
        super().__init__(viewport, QAccessible.Role.List, "Messages")

    def _items(self) -> list[Item]:
        viewport = self.object()
        stack = viewport.parent() if viewport is not None else None
        return stack.items() if isinstance(stack, Stack) else []

    def childCount(self) -> int:  # noqa: N802 - Qt's name
        """Return how many messages there are widgets of."""
        return len(self._items())

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override] # None: none
        """Return the interface of a message, from the top."""
        items = self._items()
        if not 0 <= index < len(items):
            return None
        return QAccessible.queryAccessibleInterface(items[index])

    def indexOfChild(self, child: QAccessibleInterface) -> int:  # noqa: N802 - Qt's name
        """Return the place of a message among them, -1 for anything else."""
        thing = child.object()
        return next((at for at, item in enumerate(self._items()) if item is thing), -1)


class _OfMessage(QAccessibleWidget):
    """One message."""

    def __init__(self, item: Item) -> None:
        super().__init__(item, QAccessible.Role.Section, "")

    def text(self, kind: QAccessible.Text) -> str:
        """Return the message's name, what it says, or what there is to know besides."""
        item = self.object()
        if not isinstance(item, Item):
            return ""
        if kind == QAccessible.Text.Name:
            return name(item)
        if kind == QAccessible.Text.Value:
            return said(item.entry)
        return super().text(kind)

    def state(self) -> QAccessible.State:
        """Return the state: a message can only be read; it is busy while it is written."""
        found = super().state()
        item = self.object()
        found.readOnly = True
        if isinstance(item, Item) and item.entry.running:
            found.busy = True
        return found


class _OfThinking(QAccessibleWidget):
    """The thought of a message."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel, QAccessible.Role.Grouping, "")

    def text(self, kind: QAccessible.Text) -> str:
        """Return how long the model thought, or what."""
        panel = self.object()
        if not isinstance(panel, Panel):
            return ""
        if kind == QAccessible.Text.Name:
            return panel.header.accessibleName()
        item = panel.parent()
        if kind == QAccessible.Text.Value and isinstance(item, Item):
            return item.entry.thought
        return super().text(kind)

    def state(self) -> QAccessible.State:
        """Return the state, which says whether the panel is open."""
        found = super().state()
        panel = self.object()
        if isinstance(panel, Panel):
            _set_open(found, panel)
        return found


def _set_open(state: QAccessible.State, panel: Panel) -> None:
    state.expandable = True
    state.expanded = not panel.collapsed
    state.collapsed = panel.collapsed


def name(item: Item) -> str:
    """Return what a message is called: who speaks, how the answer came about, and its place."""
    entry = item.entry
    viewport = item.parentWidget()
    stack = viewport.parent() if viewport is not None else None
    place = ""
    if isinstance(stack, Stack) and entry in stack.entries:
        place = f"message {stack.entries.index(entry) + 1} of {len(stack.entries)}"
    if entry.message.role == "user":
        return ", ".join(filter(None, ("You said", place)))
    return ", ".join(filter(None, ("Answer", *_course(item), place)))


def _course(item: Item) -> list[str]:
    """Return how an answer came about, or how far it is."""
    turn = item.entry.turn
    if item.entry.running and turn is not None:
        waits = words.progress(turn)
        return [waits[0] if waits is not None else turn.phase]
    found: list[str] = []
    if isinstance(item, Answer) and item.entry.thought and item.panel is not None:
        title = item.panel.header.title
        found.append(title[:1].lower() + title[1:])
    found.append(words.ending(item.entry.message).rstrip("."))
    return found


def said(entry: Entry) -> str:
    """Return what a message says, as far as it is there."""
    return entry.turn.answer if entry.turn is not None else entry.message.text


class Announcer(QObject):
    """Tells screen readers how an answer goes: that it is thought about, that it is there.

    Signals:
        announced: what was said.
    """

    announced = Signal(str)

    def __init__(self, view: "ChatView") -> None:
        super().__init__(view)
        self._view = view
        self._phase: Phase | None = None
        install()

    def phase(self, phase: Phase) -> None:
        """Take note of what the running answer is at."""
        if phase != self._phase:
            self._phase = phase
            self._say(_PHASES.get(phase, ""))

    def ended(self, message: Message) -> None:
        """Take note of the end of an answer."""
        self._phase = None
        self._say(_ENDS.get(message.status) or words.ending(message))

    def toggled(self, entry: Entry) -> None:
        """Take note of a thought that was opened or closed."""
        item = self._view.item(entry.id)
        panel = item.panel if isinstance(item, Answer) else None
        if panel is not None and QAccessible.isActive():
            changed = QAccessible.State()
            _set_open(changed, panel)
            QAccessible.updateAccessibility(QAccessibleStateChangeEvent(panel, changed))

    def _say(self, text: str) -> None:
        if text:
            announce(self._view, text)
            self.announced.emit(text)
