"""What `ponder ask --save` keeps: the question before it is asked, the answer as it is written.

As in the window: a kill costs a second of the answer, no more, and the next who opens the chats
finds it as interrupted. By which weights it was made is worked out beside the answer, and told
once it is known.
"""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from app import paths
from app.chat import titles
from app.chat.answer import Answer
from app.chat.conversation import Conversation
from app.chat.message import Message
from app.chat.store import Store
from app.chat.weighed import files_of, weighed
from app.cli.ask_images import Shown
from app.engine.protocol import ModelInfo
from app.errors import WorldError
from app.models.weights import Weights, worked_out


class Keeper:
    """Keeps one question and its answer as a chat. Raises WorldError where the disk is at fault."""

    def __init__(self, text: str, user: Message, answer: Answer, images: Sequence[Shown]) -> None:
        self._answer = answer
        self._weights: dict[str, Weights] = {}
        self._enough = threading.Event()
        self._weighing: threading.Thread | None = None
        self._store = store = Store(paths.database())
        title, messages = titles.title_of(text), (user, answer.message)
        try:
            if images:
                conversation = Conversation({each.id: each for each in messages}, messages[-1].id)
                kept = {image.part.sha256: image.data for image in images}
                store.import_chat(answer.chat_id, conversation, title=title, attachments=kept)
            else:
                store.create_chat(answer.chat_id, title=title, messages=messages)
        except BaseException:
            store.close()
            raise

    def loaded(self, info: ModelInfo) -> None:
        """Begin to work out which weights answer, where they are files of this machine."""

        def weigh() -> None:
            for path in filter(None, (info.path, info.projector)):
                found = worked_out(path, self._enough.is_set)
                if found is not None:
                    self._weights[path] = found

        if info.backend in ("llama_cpp", "mlx"):
            self._weighing = threading.Thread(target=weigh, name="weights", daemon=True)
            self._weighing.start()

    def took(self) -> None:
        """Save how far the answer has come, if the last time is long enough ago."""
        now = time.monotonic()
        if self._answer.checkpoint_due(now):
            self._answer.saved_at = now
            # What the disk refuses now is tried again with the next, and told at the end.
            with suppress(WorldError):
                self._store.checkpoint(self._answer.current())

    def close(self) -> None:
        """Save the answer as it ended; then wait for its weights, which Ctrl+C cuts short."""
        try:
            message = self._answer.current()
            if message.status == "running":  # nothing of it was asked for
                message = replace(message, status="failed")
            self._store.finish(message)
            self._tell_weights(message)
        finally:
            self._enough.set()
            if self._weighing is not None:
                self._weighing.join()
            self._store.close()

    def _tell_weights(self, message: Message) -> None:
        by = message.provenance
        if by is None or not files_of(by) or self._weighing is None:
            return
        with suppress(KeyboardInterrupt):
            self._weighing.join()
        told = weighed(by, self._weights)
        if told is not by:
            self._store.tell(replace(message, provenance=told))
