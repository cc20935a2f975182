"""The part of a session about what is attached to the draft: kept as it comes, sent with it.

Whether an image can be sent depends on the model. One that cannot see is never quietly sent a
message without its image: the user says so first (`send(..., without_images=True)`).
"""

from abc import abstractmethod
from dataclasses import replace
from typing import Literal

from app.chat.attachments import MOST_AT_ONCE, Found, too_many
from app.chat.message import Attachment, Image
from app.chat.session_core import SessionCore
from app.chat.sight import blind, not_read
from app.chat.store import Store
from app.errors import Problem, WorldError

Sight = Literal["sees", "blind", "unknown"]
"""Whether the model takes images; unknown until it has been loaded."""


class SessionAttachments(SessionCore):
    """What can be done with attachments. keeping: how many are on their way to the disk."""

    keeping = 0

    def attach(self, found: Found, chat_id: str | None) -> None:
        """Keep something and attach it to a chat's draft, once it is on the disk.

        chat_id: the chat that was open when it was given; None is the one not yet begun.
        """

        def keep(store: Store) -> Problem | None:
            # A disk that refuses is told once and not tried again: the user may give it anew.
            try:
                store.attach(chat_id, found)
            except WorldError as error:
                return error.problem
            return None

        def kept(problem: Problem | None) -> None:
            self.keeping -= 1
            self._change("attached")
            if problem is not None:
                self._report(problem)
            elif self.state.chat_id == chat_id:
                self._change("attached", attached=(*self.state.attached, found.part))
            # In another chat by now: its draft has it, as the store has written it down.

        here = self.state.chat_id == chat_id
        if here and len(self.state.attached) >= MOST_AT_ONCE:
            self._report(too_many())
            return
        self.keeping += 1
        # Behind the writes that wait: the chat itself may be among them.
        self._durable.put(keep, kept)
        self._want_model()

    def detach(self, number: int) -> None:
        """Take one of the draft's attachments away again. number: counted from 0."""
        kept = self.state.attached[:number] + self.state.attached[number + 1 :]
        self._change("attached", attached=kept)
        chat_id = self.state.chat_id
        self._durable.put(lambda store: store.set_attached(chat_id, kept))

    @abstractmethod
    def _want_model(self) -> None:
        """Load the model that will be asked, so that it is known whether it sees."""

    @property
    def sight(self) -> Sight:
        """Whether the model that is chosen takes images."""
        info = self.state.model.info
        if info is None:
            return "unknown"
        return "sees" if info.sees else "blind"

    @property
    def blindness(self) -> Problem:
        """Return why images are not shown to the model that is chosen."""
        model = self.state.model
        left_out = model.plan is not None and not model.plan.projector
        return blind(model.name, model.info, left_out=left_out)

    def _shown_again(self, parts: tuple[Attachment, ...]) -> tuple[Attachment, ...]:
        """Return what a message sent anew has attached; a model that sees is shown all of it."""
        if self.sight != "sees":
            return parts
        return tuple(
            replace(part, withheld=False) if isinstance(part, Image) else part for part in parts
        )

    def _outgoing(self, *, without_images: bool) -> tuple[Attachment, ...] | None:
        """Return what is sent with the draft; None where that must not be yet (it is said why)."""
        attached = self.state.attached
        images = [part for part in attached if isinstance(part, Image)]
        info = self.state.model.info
        if images and info is not None and info.sees and info.server is None:
            unread = next((part for part in images if part.mime == "image/webp"), None)
            if unread is not None and not without_images:
                self._report(not_read(unread.name))
                return None
        if not images or (self.sight == "sees" and not without_images):
            return attached
        if without_images:
            return tuple(
                replace(part, withheld=True) if isinstance(part, Image) else part
                for part in attached
            )
        self._want_model()
        self._report(self.blindness)
        return None
