"""When a sequence is put aside on disk, and when one is taken up again.

Put aside: before another conversation takes its place, before the model goes, and when nothing was
asked for a while: for a long while, if the file is too large to be written often. Only what belongs
to a chat is. Taken up: where it spares more reading than finding it costs.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from app.engine.backends.base import Backend
from app.engine.prefix import common_prefix, reusable
from app.engine.states import WORTH_TOKENS, States

IDLE_S = (20.0, 180.0)
"""After so long without a job the sequence is kept: somebody reads; has gone."""
IDLE_MOST_BYTES = 1 << 30
"""A larger state waits for the longer of the two: disks wear."""
IDLE_TOKENS = 1024
"""So many tokens have to be new since it was kept last."""


class Resuming:
    """Keeps and takes up the sequences of a loaded back end."""

    def __init__(self, backend: Backend, states: States) -> None:
        self._backend = backend
        self._states = states
        self._kept: tuple[int, ...] = ()
        self._chat = ""

    def prepare(self, ids: Sequence[int], chat: str) -> None:
        """Bring the back end as near to ids as what is on disk allows, before it is asked.

        chat: whose the sequence will be, "" for nobody's.
        """
        have = reusable(self._backend.sequence, ids)
        found = self._states.best(ids)
        gain = 0 if found is None else min(found[1], len(ids) - 1) - have
        lost = len(self._backend.sequence) - have
        if lost >= WORTH_TOKENS:
            self._keep()
        self._chat = chat
        if found is None or gain < WORTH_TOKENS:
            return
        state, _ = found
        path = self._states.checked(state)
        if path is not None and not self._backend.restore(path, state.ids):
            self._states.forget(state)

    def idle(self, *, long: bool) -> None:
        """Keep what is new, if that is not too much to be written now and then. long: for long."""
        new = len(self._backend.sequence) - common_prefix(self._kept, self._backend.sequence)
        if new >= IDLE_TOKENS and (long or self._backend.state_bytes() <= IDLE_MOST_BYTES):
            self._keep()

    def close(self) -> None:
        """Keep what would be lost with the model."""
        if len(self._backend.sequence) >= WORTH_TOKENS:
            self._keep()

    def forget(self, chats: Collection[str]) -> None:
        """Forget what was read for some chats, here and on disk."""
        if self._chat in chats:
            self._backend.reuse(())
            self._kept, self._chat = (), ""
        self._states.forget_chats(chats)

    def _keep(self) -> None:
        ids = tuple(self._backend.sequence)
        size = self._backend.state_bytes() if self._chat else 0
        if not size or self._states.holds(ids):
            return
        if self._states.keep(ids, size, self._save, chat=self._chat):
            self._kept = ids

    def _save(self, path: Path) -> bool:
        return self._backend.save(path)
