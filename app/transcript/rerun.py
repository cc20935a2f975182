"""Running a transcript's answers again behind the window: news to be polled, and a way to stop.

The engine child is one of its own: the chat that is being written in keeps its model, if the memory
holds both.
"""

import threading
from collections.abc import Callable, Collection
from contextlib import suppress

from app.engine.straight import AbandonedError, Engine, engine
from app.errors import Problem, WorldError
from app.transcript.record import Record
from app.transcript.replay import Compared, Progress, replay

News = Progress | Compared | Problem
"""What is heard of it. A problem is the last."""


class Rerun:
    """One run, on a thread of its own. `poll`, `stop` and `close` belong to one thread.

    over: there will be no more news than those that wait. stopped: by `stop`.
    """

    def __init__(
        self,
        record: Record,
        *,
        model: str | None = None,
        changed: Collection[int] = (),
        others: Callable[[str], str] = lambda _: "",
        wakeup: Callable[[], None],
    ) -> None:
        """Begin. model, changed, others: as for `replay`; others is asked on the other thread.

        wakeup: called on the other thread with news.
        """
        self.over = False
        self.stopped = False
        self._record = record
        self._model = model
        self._changed = changed
        self._others = others
        self._wakeup = wakeup
        self._news: list[News] = []
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._thread = threading.Thread(target=self._run, name="rerun", daemon=True)
        self._thread.start()

    def poll(self) -> list[News]:
        """Take the news since the last call; of the progress only the newest."""
        with self._lock:
            news, self._news = self._news, []
        return news

    def stop(self) -> None:
        """Stop soon; what was compared so far stands."""
        with self._lock:
            self.stopped = True
            if self._engine is not None:
                self._engine.abandon()

    def close(self) -> None:
        """Stop, and wait for the engine's end."""
        self.stop()
        self._thread.join()

    def _run(self) -> None:
        try:
            with suppress(AbandonedError), engine() as opened:
                with self._lock:
                    self._engine = opened
                    if self.stopped:
                        return
                for compared in replay(
                    self._record,
                    opened,
                    model=self._model,
                    changed=self._changed,
                    others=self._others,
                    told=self._tell,
                ):
                    self._tell(compared)
        except WorldError as error:
            self._tell(error.problem)
        finally:
            self.over = True
            self._wakeup()

    def _tell(self, news: News) -> None:
        with self._lock:
            if self._news and isinstance(self._news[-1], Progress):
                self._news.pop()
            self._news.append(news)
        self._wakeup()
