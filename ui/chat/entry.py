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
from ui.chat.column import Column
from ui.chat.shelf import Shelf

AFTER_QUESTION_PX = 16
AFTER_ANSWER_PX = 32
READ_AT_ONCE = 8000
"""Characters of Markdown that one tick reads, 20 ms of it: the rest of a longer text follows."""
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

    def show(self, text: str, most: int | None = None) -> bool:
        """Show a text, which usually begins with what is shown; return whether anything is new.

        most: of the characters that are new, so many are read now, and the others the next time.
        """
        self.behind = False
        if text == self._text:
            return False
        if not text.startswith(self._text):
            self._blocks, self._text = Blocks(), ""
            self._column.clear()
        end = len(text) if most is None else min(len(text), len(self._text) + most)
        unchanged, blocks = self._blocks.append(text[len(self._text) : end])
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
        self._size: tuple[int, int] | None = None
        self.height = 0
        self.measured_for = -1
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
            self._size = len(text), text.count("\n") + 1
        lines = self._size[0] // max(8, width // 8) + self._size[1]
        above = estimated(self.message.attachments)
        return above + lines * ESTIMATED_LINE_PX + ESTIMATED_EXTRA_PX

    def measured(self, height: int, width: int) -> None:
        """Note the height that the message has at a column width."""
        self.height, self.measured_for = height, width
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
            said = self.turn.answer if self.turn else self.message.text
            return self._feeds.text.show(said, most)
        if self._plain == self.message.text:
            return False
        self._plain = self.message.text
        self.text.set_plain(self._plain)
        return True

    def fill_thinking(self, most: int | None = None) -> bool:
        """Do the same for the thinking; a panel that is closed need not have it parsed."""
        return self._feeds.thinking.show(self.thought, most)

    def take(self, message: Message) -> None:
        """Show another state of the same message."""
        self.message = message
        self.measured_for = -1
        self._size = None

    def forget(self) -> None:
        """Let go of everything the texts are drawn with: the entry is no longer shown."""
        for column in self.columns:
            column.clear()


def _alone(_message_id: str) -> tuple[int, int]:
    return 0, 1
