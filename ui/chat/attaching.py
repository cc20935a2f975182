"""Between what a user attaches and the session: files are looked at on a job, then handed over.

One object for a window. It also shows what is attached, what stands in the way of sending it, and
any attachment whole.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from app.chat import attached_text
from app.chat.attachments import MOST_AT_ONCE, Found, together, too_many
from app.chat.message import Attachment, File, Image
from app.errors import Problem
from ui import jobs
from ui.chat.attach_reading import look, look_at_image
from ui.chat.attach_viewer import Viewer

if TYPE_CHECKING:
    from app.chat.session import Session
    from ui.chat.composer import Composer
    from ui.chat.view import ChatView

KINDS = (
    "Images and text files (*);;Images (*.png *.jpg *.jpeg *.webp *.gif *.bmp *.PNG *.JPG *.JPEG)"
)


class Attaching(QObject):
    """See the module. do: calls a use case of the session and shows what came of it."""

    def __init__(
        self,
        composer: "Composer",
        view: "ChatView",
        session: "Session",
        *,
        do: Callable[[Callable[[], object]], None],
        failed: Callable[[Problem], None],
    ) -> None:
        super().__init__(composer)
        self._composer = composer
        self._view = view
        self._session = session
        self._do = do
        self._failed = failed
        self._wishes: deque[tuple[Callable[[], Found], str | None]] = deque()
        self._busy = False
        self._given = 0
        self._problems: list[Problem] = []
        view.pictures.kept = session.kept
        view.attachment_opened.connect(self.show_whole)
        composer.attach_requested.connect(self.choose)
        composer.given.connect(self.give)

    # ------------------------------------------------------------ what the user gives

    def choose(self) -> None:
        """Ask for files, without holding up the window."""
        dialog = QFileDialog(self._composer.window(), "Attach images and text files", "", KINDS)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(self.give)
        dialog.open()

    def give(self, given: object) -> None:
        """Attach files (a list of paths) or an image (QImage)."""
        ops: list[Callable[[], Found]] = []
        if isinstance(given, QImage):
            ops.append(partial(look_at_image, given))
        elif isinstance(given, list):
            ops += [partial(look, path) for path in given]
        if len(ops) > MOST_AT_ONCE - len(self._session.state.attached) - self.waiting:
            self._failed(too_many())
            return
        chat_id = self._session.state.chat_id
        self._wishes += [(op, chat_id) for op in ops]
        self._given += len(ops)
        self.show_attached()

    def _next(self) -> None:
        """Look at the next thing once the last is on the disk: one at a time is in memory."""
        if not self._busy and not self._session.keeping and self._wishes:
            self._busy = True
            op, chat_id = self._wishes.popleft()
            jobs.run(op, then=partial(self._found, chat_id), failed=self._refused, owner=self)
        elif not self.waiting and self._problems:
            problems, self._problems = self._problems, []
            self._failed(together(problems, self._given))
        if not self.waiting:
            self._given = 0

    def _found(self, chat_id: str | None, found: Found) -> None:
        """Attach something to the chat it was given to, which may not be the open one any more."""
        self._busy = False
        self._do(partial(self._session.attach, found, chat_id))
        self.show_attached()

    def _refused(self, problem: Problem) -> None:
        self._busy = False
        self._problems.append(problem)
        self.show_attached()

    @property
    def waiting(self) -> int:
        """How many were given and are not attached yet: looked at, or on their way to disk."""
        return len(self._wishes) + self._busy + self._session.keeping

    # ------------------------------------------------------------ what is shown

    def show_attached(self) -> None:
        """Show what is attached to the draft, and what stands in the way of sending it."""
        self._next()
        parts = self._session.state.attached
        if self._composer.strip is None:
            if not parts and not self.waiting:
                return
            strip = self._composer.attachments(self._view.pictures)
            strip.removed.connect(lambda at: self._do(partial(self._session.detach, at)))
            strip.opened.connect(lambda at: self._open(self._session.state.attached[at]))
        strip = self._composer.attachments(self._view.pictures)
        strip.show_parts(parts, self.waiting)
        self.explain()

    def explain(self) -> None:
        """Say what stands in the way of sending what is attached."""
        strip = self._composer.strip
        if strip is None:
            return
        session = self._session
        images = sum(isinstance(part, Image) for part in session.state.attached)
        one = images == 1
        model = session.state.model
        if self.waiting:
            strip.explain(f"Looking at {_files(self.waiting)}…", blocked=False)
        elif images and session.sight == "blind":
            it, them = ("the image", "it") if one else ("the images", "them")
            strip.explain(
                f"{session.blindness.title} Remove {it}, choose a model that sees, "
                f"or send the message without showing {them} to the model.",
                blocked=True,
            )
        elif images and session.sight == "unknown":
            strip.explain(
                f"Whether {model.name or 'the model'} can see images is known once it is loaded.",
                blocked=True,
            )
        else:
            strip.explain(_too_long(session.state.attached, self._room()), blocked=False)

    def _room(self) -> int:
        """Return how many tokens of the context are free, 0 where it is not known."""
        state = self._session.state
        if not state.context_total:
            return 0
        # What is attached is counted already, as part of what would be sent next.
        used = state.context_used - (state.filling.draft if state.filling is not None else 0)
        return max(0, state.context_total - used)

    def show_whole(self, message_id: str, number: int) -> None:
        """Show an attachment of a message whole."""
        message = self._session.state.conversation.messages.get(message_id)
        if message is not None and number < len(message.attachments):
            self._open(message.attachments[number])

    def _open(self, part: Attachment) -> None:
        window: QWidget = self._composer.window()
        Viewer(window, part, self._session.kept).show()


def _files(count: int) -> str:
    return "a file" if count == 1 else f"{count} files"


def _too_long(parts: tuple[Attachment, ...], room: int) -> str:
    """Return what is said of text files that are larger than what is free of the context.

    room: tokens, 0 where it is not known.
    """
    tokens = sum(attached_text.about_tokens(part) for part in parts if isinstance(part, File))
    if not room or tokens <= room:
        return ""
    return (
        f"About {tokens:,} tokens of text are attached, and {room:,} of the context are free: "
        "attach a part of it, or load the model with a larger context."
    )
