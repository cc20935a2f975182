"""A message as the transcript holds it: its texts as columns of cells, with or without a widget.

An entry outlives the widget that shows it: widgets exist only near what is seen, entries for the
whole branch. Markdown is parsed when an entry is first shown, never before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from app.chat.message import Message
from app.chat.turn import TurnState
from app.markup.blocks import Blocks
from ui.chat.attach_gallery import estimated
from ui.chat.column import Anchor, Column
from ui.chat.shelf import Shelf
from ui.formulas.desk import Wish

AFTER_QUESTION_PX = 16
AFTER_ANSWER_PX = 32
READ_AT_ONCE = 8000
"""Characters of Markdown that one tick reads, 20 ms of it: the rest of a longer text follows."""
READ_FIRST = 900
READ_ON = 800
"""Characters of a message that was not seen before: its beginning, and how much more each time that
it ends above the lower edge of what is seen. A screen shows some 1,500."""
MOST_ROUNDS = 16
"""Laying out changes heights, and reading on adds blocks; two or three rounds settle it."""
COMPARED = 4000
"""Characters at the end of a text by which it is known again while it grows."""
LEFT_OUT_OPACITY = 0.55
ESTIMATED_LINE_PX = 24
ESTIMATED_EXTRA_PX = 120
"""What an answer has besides its text: panel, footer, gaps."""


class Feed:
    """Markdown that arrives bit by bit, as the blocks of a column."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._blocks = Blocks()
        self._text = ""
        self.behind = False

    @property
    def begun(self) -> bool:
        """Whether anything was read."""
        return bool(self._text)

    def rest(self, text: str) -> tuple[int, int]:
        """Return how many characters and lines of a text, which begins as what is shown, follow."""
        read = len(self._text)
        return len(text) - read, text.count("\n", read)

    def show(self, text: str, most: int | None = None, *, grows: bool = False) -> bool:
        """Show a text, which usually begins with what is shown; return whether anything is new.

        most: of the characters that are new, so many are read now, and the others the next time.
        grows: it is being written, so that the end of what is shown says whether it goes on: to
        compare all of a long thought takes longer with every token.
        """
        self.behind = False
        if text == self._text:
            return False
        known = len(self._text)
        since = max(0, known - COMPARED) if grows else 0
        if not text.startswith(self._text[since:], since):
            self._blocks, self._text = Blocks(), ""
            self._column.clear()
            known = 0
        end = len(text) if most is None else min(len(text), known + most)
        unchanged, blocks = self._blocks.append(text[known:end])
        self._column.set_blocks(blocks, unchanged)
        self._text = text[:end]
        self.behind = end < len(text)
        return True


@dataclass(frozen=True, slots=True)
class Siblings:
    """Which of how many versions of a message is shown. index counts from 0."""

    index: int = 0
    count: int = 1


@dataclass(frozen=True, slots=True)
class Feeds:
    """The two texts of an answer as they arrive."""

    text: Feed
    thinking: Feed


class Entry:
    """One message of the branch shown. height: pixels, known or guessed (`measured`).

    peeked: its thinking is open for now, to show what was found in it, whatever `collapsed` says.
    left_out: the model is not shown it any more, to make room.
    """

    def __init__(self, message: Message, shelf: Shelf) -> None:
        self.message = message
        self.pictures = shelf.pictures
        self._place: Callable[[str], tuple[int, int]] = _alone
        self._siblings: Siblings | None = None
        self.collapsed: bool | None = None
        self.peeked = False
        self.turn: TurnState | None = None
        self.budget: int | None = None
        self.last = False
        self.left_out = False
        self.below = AFTER_QUESTION_PX if message.role == "user" else AFTER_ANSWER_PX
        self._shelf = shelf
        self._size: tuple[int, int, int] | None = None
        self.height = 0
        self._measured_for = -1
        self._beside = ESTIMATED_EXTRA_PX
        self._plain: str | None = None

    @cached_property
    def text(self) -> Column:
        """The message's text; like all that is drawn, made once it is needed."""
        return Column("user" if self.message.role == "user" else "answer", self._shelf)

    @cached_property
    def thinking(self) -> Column:
        """The thought before it."""
        return Column("thinking", self._shelf)

    @cached_property
    def _feeds(self) -> Feeds:
        return Feeds(Feed(self.text), Feed(self.thinking))

    @property
    def opacity(self) -> float:
        """How plainly the text is drawn: faintly where the model is not shown it any more."""
        return LEFT_OUT_OPACITY if self.left_out else 1.0

    @property
    def measured_for(self) -> int:
        """The column width that the height is of, -1 where it is not known."""
        return self._measured_for

    def outdate(self) -> None:
        """Have the height found anew."""
        self._measured_for = -1
        self._shelf.outdated.add(self)

    @property
    def columns(self) -> list[Column]:
        """The texts that were needed so far."""
        made = self.__dict__
        return [made[name] for name in ("text", "thinking") if name in made]

    @property
    def siblings(self) -> Siblings:
        """Which of how many versions it is: looked up only for what is seen."""
        if self._siblings is None:
            self._siblings = Siblings(*self._place(self.id))
        return self._siblings

    def find_siblings(self, place: Callable[[str], tuple[int, int]]) -> None:
        """Say where its versions are to be looked up: an id's index and their count."""
        self._place, self._siblings = place, None

    @property
    def id(self) -> str:
        """The message's id."""
        return self.message.id

    @property
    def running(self) -> bool:
        """Whether the answer is still being written."""
        return self.turn is not None and not self.turn.over

    def estimate(self, width: int) -> int:
        """Return a rough height for a column width; never parses for it."""
        if "text" in self.__dict__ and self.text.cells and self.text.width == width:
            return self.text.height + self._beside
        if self._size is None:
            text = self.message.text
            above = estimated(self.message.attachments)
            self._size = len(text), text.count("\n") + 1, above + ESTIMATED_EXTRA_PX
        characters, lines, beside = self._size
        return _lines_px(characters, lines, width) + beside

    def guess(self, width: int) -> None:
        """Take a rough height for a column width."""
        self.height, self._measured_for = self.estimate(width), width

    def measured(self, height: int, width: int) -> None:
        """Note the height that the message has at a column width."""
        self.height, self._measured_for = height, width
        self._beside = height - self.text.height

    @property
    def thought(self) -> str:
        """What the model thought, as far as it is known."""
        if self.turn is not None:
            return self.turn.thinking
        return self.message.thinking.text if self.message.thinking else ""

    def behind(self, *, thinking: bool) -> bool:
        """Whether only a part of the text was read so far, or of the thinking if that is asked."""
        return self._feeds.text.behind or (thinking and self._feeds.thinking.behind)

    def fill(self, most: int | None = None) -> bool:
        """Bring the text's column up to message and turn; whether anything in it is new.

        most: the characters that are read now, None for all; `behind` says whether any are left.
        """
        if self.message.role != "user":
            if most is not None and self.turn is None and not self._feeds.text.begun:
                most = min(most, READ_FIRST)
            return self._feeds.text.show(self._said, most, grows=self.running)
        if self._plain == self.message.text:
            return False
        self._plain = self.message.text
        self.text.set_plain(self._plain)
        return True

    @property
    def _said(self) -> str:
        return self.turn.answer if self.turn else self.message.text

    @property
    def _unread(self) -> bool:
        """Whether the rest of a kept answer is still to be read."""
        return self.message.role != "user" and self.turn is None and self._feeds.text.behind

    def lay_out(self, top: int, bottom: int) -> None:
        """Lay out what a stretch shows of the text, and read on as far as that takes."""
        for _ in range(MOST_ROUNDS):
            if not self.text.lay_out(top, bottom) and not self._read_down_to(bottom):
                break

    def anchor(self, y: int, reach: int, known: frozenset[Wish]) -> Anchor | None:
        """Return what of the text keeps it in place from `y` down, as its column does."""
        found = self.text.anchor(y, reach, known)
        if found is not None and found.below > self.text.cells[found.cell].height and self._unread:
            return None  # what was not read yet will come between it and what is seen
        return found

    def _read_down_to(self, y: int) -> bool:
        """Read on where the text that was read may end above a height; whether there was more.

        The block at its end may yet change, so that it is not to be seen.
        """
        if not self._unread or self._shelf.to_read <= 0:
            return False
        column = self.text
        if column.cells and column.top(len(column.cells) - 1) >= y:
            return False
        self._shelf.to_read -= READ_ON
        return self.fill(READ_ON)

    def unread_px(self, width: int, y: int) -> int:
        """Return about how tall is what was not read yet, where that is below a height."""
        column = self.text
        if not self._unread:
            return 0
        if not column.cells or column.top(len(column.cells) - 1) < y:
            return 0  # it is being read: what comes after it follows what is there
        return _lines_px(*self._feeds.text.rest(self._said), width)

    def fill_thinking(self, most: int | None = None) -> bool:
        """Do the same for the thinking; a panel that is closed need not have it parsed."""
        return self._feeds.thinking.show(self.thought, most, grows=self.running)

    def take(self, message: Message) -> None:
        """Show another state of the same message."""
        self.message = message
        self.outdate()
        self._size = None

    def forget(self) -> None:
        """Let go of everything the texts are drawn with: the entry is no longer shown."""
        for column in self.columns:
            column.clear()


def _lines_px(characters: int, breaks: int, width: int) -> int:
    return (characters // max(8, width // 8) + breaks) * ESTIMATED_LINE_PX


def _alone(_message_id: str) -> tuple[int, int]:
    return 0, 1
