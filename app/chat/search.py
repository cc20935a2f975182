"""Finding chats by their words: in titles, in what was said and in what was thought.

`Searcher` belongs to one thread, the window's, and never makes it wait: a thread of its own answers
the newest search, and brings the index up to date in between. `find` does the same at once, for the
command line.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.chat.search_index import (
    Filler,
    drop,
    identity,
    index_errors,
    index_path,
    is_damage,
    open_index,
)
from app.chat.search_query import LIMIT, Found, find, found
from app.errors import Problem, WorldError

__all__ = ["Found", "Searcher", "find"]

_SHOW_EVERY = 32
"""Steps of filling after which a search is answered again: about a second while all is new."""


@dataclass(frozen=True, slots=True)
class _Search:
    text: str
    limit: int
    done: Callable[[tuple[Found, ...]], None]


class Searcher:
    """Answers the newest search; what was asked before is forgotten. Belongs to one thread.

    Nothing runs and no file is made before the first `search` or `refresh`.
    """

    def __init__(
        self,
        store: Path,
        *,
        wakeup: Callable[[], None] | None = None,
        on_problem: Callable[[Problem], None] | None = None,
    ) -> None:
        """Search the chats of the store at this path.

        wakeup: called on another thread when there is something to poll; it must only pass the word
        on. on_problem: told by poll() what is wrong with the index, once until it works again.
        """
        self._store = store
        self._wakeup = wakeup
        self._on_problem = on_problem
        self._news = threading.Condition()
        self._wanted: _Search | None = None
        self._asked = False
        self._stale = False
        self._filling: Iterator[bool] | None = None
        self._answering = False
        self._closing = False
        self._searching: sqlite3.Connection | None = None
        self._answers: deque[Callable[[], None]] = deque()
        self._told = ""
        self._shown: tuple[_Search, tuple[Found, ...]] | None = None
        self._thread: threading.Thread | None = None

    def search(
        self, text: str, done: Callable[[tuple[Found, ...]], None], *, limit: int = LIMIT
    ) -> None:
        """Look for text; poll() gives `done` what is found, the best first.

        It is called again whenever the index has come to know more, until the next `search` or
        `cancel`. A search that is under way for an earlier text is broken off.
        """
        self._ask(_Search(text, limit, done))

    def cancel(self) -> None:
        """Forget the search: `done` is not called any more."""
        with self._news:
            self._wanted = None
            self._asked = False
            self._break_off()

    def refresh(self) -> None:
        """Say that the chats have changed: a message was finished, a chat renamed or deleted."""
        self._ask(self._wanted, again=False)

    def poll(self) -> bool:
        """Deliver what was found; return whether anything is still being worked on."""
        while True:
            with self._news:
                if not self._answers:
                    return (
                        self._asked or self._answering or self._stale or self._filling is not None
                    )
                answer = self._answers.popleft()
            answer()

    def close(self) -> None:
        """End the thread; what is not indexed yet is at the next start."""
        with self._news:
            self._closing = True
            self._wanted = None
            self._break_off()
            self._news.notify()
        if self._thread is not None:
            self._thread.join()

    def _ask(self, wanted: _Search | None, *, again: bool = True) -> None:
        with self._news:
            if self._closing:
                return
            self._wanted = wanted
            self._asked = self._asked or again
            self._stale = True
            if again:
                self._break_off()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="search", daemon=True)
                self._thread.start()
            self._news.notify()

    def _break_off(self) -> None:
        if self._searching is not None:
            self._searching.interrupt()

    # ------------------------------------------------------------ on the thread of its own

    def _run(self) -> None:
        rebuilt = False
        while not self._closing:
            try:
                with index_errors(self._store), closing(open_index(self._store)) as database:
                    self._serve(database)
            except FileNotFoundError:
                self._give_up(None)
            except WorldError as error:
                cause = error.__cause__
                if isinstance(cause, sqlite3.DatabaseError) and is_damage(cause) and not rebuilt:
                    # Once: were it the store that is damaged, it would never end.
                    rebuilt = True
                    with suppress(WorldError):
                        drop(self._store)
                        continue
                self._give_up(error.problem)

    def _serve(self, database: sqlite3.Connection) -> None:
        """Answer and fill until the end, or an error."""
        filler = Filler(database)
        index = index_path(self._store)
        files = identity(self._store), identity(index)
        steps = 0
        changed = False
        with self._news:
            self._stale = True
            self._filling = None
            self._asked = self._wanted is not None
        while self._await():
            search = self._taken()
            if search is not None:
                self._answer(database, search)
                continue
            if self._filling is None:
                if (identity(self._store), identity(index)) != files:
                    return
                with self._news:
                    self._stale = False
                    self._filling = filler.fill()
            step = next(self._filling, None)
            steps += 1
            changed = changed or bool(step)
            if step is None or steps % _SHOW_EVERY == 0:
                with self._news:
                    self._asked = self._asked or (changed and self._wanted is not None)
                changed = False
            if step is None:
                with self._news:
                    self._filling = None
                self._wake()

    def _await(self) -> bool:
        """Wait for something to do; False at the end."""
        with self._news:
            while not (self._asked or self._stale or self._filling is not None or self._closing):
                self._news.wait()
            return not self._closing

    def _taken(self) -> _Search | None:
        with self._news:
            search = self._wanted if self._asked else None
            self._asked = False
            self._answering = search is not None
            return search

    def _answer(self, database: sqlite3.Connection, search: _Search) -> None:
        with self._news:
            self._searching = database
        places: list[Found] = []
        try:
            for place in found(database, search.text, search.limit):
                places.append(place)
                if self._wanted is not search:
                    return
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_INTERRUPT:
                raise
            return
        else:
            self._told = ""
            with self._news:
                if self._wanted is search:
                    self._answers.append(partial(self._deliver, search, tuple(places)))
        finally:
            with self._news:
                self._searching = None
                self._answering = False
            self._wake()

    def _deliver(self, search: _Search, places: tuple[Found, ...]) -> None:
        if self._wanted is search and self._shown != (search, places):
            self._shown = (search, places)
            search.done(places)

    def _give_up(self, problem: Problem | None) -> None:
        """Say that nothing is found, and why; wait until somebody asks again."""
        with self._news:
            self._filling = None
            self._stale = self._asked = False
            if self._wanted is not None:
                self._answers.append(partial(self._deliver, self._wanted, ()))
            if problem is not None and problem.key != self._told and self._on_problem is not None:
                self._told = problem.key
                self._answers.append(partial(self._on_problem, problem))
        self._wake()
        with self._news:
            while not (self._asked or self._stale or self._closing):
                self._news.wait()

    def _wake(self) -> None:
        if self._wakeup is not None:
            self._wakeup()
