"""The typesetter's process: MathJax in V8, kept from running away with time or memory.

A formula is whatever a model wrote. V8 in a process of its own costs the window nothing before the
first formula, cannot take it down, and is gone with it. What was typeset once is kept on disk, so
that a chat that is opened again needs no V8 at all.
"""

import contextlib
import hashlib
import json
import mmap
import os
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from py_mini_racer import MiniRacer

PATIENCE_S = 1.6
"""For one formula, so that it ends within two seconds. The slowest of a corpus of 260 ordinary ones
took 0.1 s."""
TRIES = 3
LEAST_S = 0.8
"""On a computer that is busy with other things that may be a tenth of it for a formula: one that
had less than this of the processor is tried again, with twice as much of the clock."""
MEMORY_BYTES = 96 * 2**20
"""For V8's heap; MathJax takes 7 MB of it, 14 with the parts of its font that the 313 formulas of a
corpus need, and 34 while they were typeset."""
ENOUGH_BYTES = 150 * 2**20
"""A process that has grown to this gives back what it can, and ends if that is not enough: the next
formula starts another. After a thousand formulas of the usual kind it has 130 MB."""
FLAGS = ("--single-threaded", "--optimize-for-size", "--max-semi-space-size=2")
"""V8 by itself lets twice as much pile up before it looks for what can go; it is a tenth faster."""
PART = b"\n//# part "
"""What begins the line that names a part of the font, behind MathJax itself in the bundle."""
LONGEST = 10_000
"""Characters: more is no formula. Of letters alone that many take half of the time there is."""
_KEPT_BYTES = 64 * 2**20
_SCHEMA = "CREATE TABLE IF NOT EXISTS formula (key BLOB PRIMARY KEY, said TEXT, used INTEGER)"

Question = tuple[int, str, bool, float]
"""Number, TeX, whether displayed, and the width of the column in em."""
Reply = tuple[int, str]
"""The question's number, and the display list or refusal as JSON; a number below 0 is the last."""


def main(connection: "Connection[Reply, Question]", bundle: str, cache: str) -> None:
    """Answer questions until the other end is gone. bundle: MathJax; cache: the kept answers."""
    kept = Kept(Path(cache), Path(bundle))
    mathjax = MathJax(Path(bundle))
    try:
        with contextlib.suppress(EOFError, OSError):
            while True:
                number, tex, display, width_em = connection.recv()
                said = kept.find(tex, display=display, width_em=width_em)
                if said is None:
                    said = mathjax.typeset(tex, display=display, width_em=width_em)
                    kept.keep(tex, said, display=display, width_em=width_em)
                if mathjax.spent or mathjax.too_large():
                    connection.send((-number, said))
                    kept.close()
                    os._exit(0)  # closing V8 would wait for it
                connection.send((number, said))
    finally:
        mathjax.close()
        kept.close()


class MathJax:
    """MathJax, loaded once it is needed, and anew after a formula that broke it.

    Of the bundle only MathJax itself is read at once, and each part of its font when a formula has
    one of its letters: MathJax then says which, and is asked again.
    """

    def __init__(self, bundle: Path) -> None:
        self._bundle = bundle
        self._context: MiniRacer | None = None
        self.spent = False
        """Whether a formula took all there is. V8 may still be at it (some of its work cannot be
        interrupted: 11 s were seen), and gives little of its memory back."""

    def typeset(self, tex: str, *, display: bool, width_em: float) -> str:
        """Return the display list or the refusal, as JSON."""
        from py_mini_racer import JSEvalException, JSOOMException, JSTimeoutException

        if len(tex) > LONGEST:
            return refusal("the formula is too long")
        call = f"displayList({json.dumps(tex)}, {json.dumps(display)}, {width_em!r})"
        try:
            for attempt in range(TRIES):
                patience_s, before = PATIENCE_S * 2**attempt, time.process_time()
                try:
                    return self._said(call, patience_s)
                except JSTimeoutException:
                    if time.process_time() - before > LEAST_S:
                        break
            self.spent = True
            return refusal("typesetting took too long")
        except JSOOMException:
            self.spent = True
            return refusal("typesetting took too much memory")
        except JSEvalException as error:
            self.close()
            return refusal(str(error).splitlines()[0])

    def _said(self, call: str, patience_s: float) -> str:
        """Ask, and give MathJax the parts of its font that it wants for the answer."""
        context = self._loaded()
        while True:
            said = str(context.eval(call, timeout_sec=patience_s))
            if not said.startswith('{"need":'):
                return said
            name = str(json.loads(said)["need"])
            context.eval(self._code(name))
            context.eval(f"fontPartIsThere({json.dumps(name)})")

    def too_large(self) -> bool:
        """Whether the process takes too much memory, and goes on to when it has tidied up."""
        if self._context is None or taken_bytes() < ENOUGH_BYTES:
            return False
        self._context.low_memory_notification()
        return taken_bytes() >= ENOUGH_BYTES

    def _loaded(self) -> "MiniRacer":
        from py_mini_racer import MiniRacer, init_mini_racer

        if self._context is None:
            init_mini_racer(flags=FLAGS, ignore_duplicate_init=True)
            self._context = MiniRacer()
            self._context.set_hard_memory_limit(MEMORY_BYTES)
            self._context.eval(self._code(""))
        return self._context

    def _code(self, name: str) -> str:
        """Return a part of the bundle: of the font by its name, MathJax itself for "".

        Raises ValueError for a name that it does not have.
        """
        with (
            self._bundle.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole,
        ):
            start = 0
            if name:
                start = whole.find(PART + name.encode() + b"\n") + len(PART)
                if start < len(PART):
                    raise ValueError(f"no part of the font: {name}")
                start += len(name)
            end = whole.find(PART, start)
            return whole[start : end if end >= 0 else len(whole)].decode()

    def close(self) -> None:
        """Let V8 go. Without this the interpreter would wait for it for ever at its end."""
        if self._context is not None:
            self._context.close()
            self._context = None


class Kept:
    """What was typeset, on disk. A cache that cannot be read or written costs time, no more."""

    def __init__(self, path: Path, bundle: Path) -> None:
        with bundle.open("rb") as file:
            self._made_by = hashlib.file_digest(file, "sha256").digest()
        self._clock = 0
        self._database: sqlite3.Connection | None = None
        with contextlib.suppress(OSError, sqlite3.Error):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=1.0, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.execute(_SCHEMA)
            self._forget()
            last = self._database.execute("SELECT max(used) FROM formula").fetchone()[0]
            self._clock = last or 0

    def find(self, tex: str, *, display: bool, width_em: float) -> str | None:
        """Return what was said of a formula before."""
        if self._database is None:
            return None
        self._clock += 1
        key = self._key(tex, display=display, width_em=width_em)
        with contextlib.suppress(sqlite3.Error):
            found = self._database.execute(
                "UPDATE formula SET used = ? WHERE key = ? RETURNING said", (self._clock, key)
            ).fetchone()
            return str(found[0]) if found else None
        return None

    def keep(self, tex: str, said: str, *, display: bool, width_em: float) -> None:
        """Keep an answer. What took too long may do better on a day that is less busy."""
        if self._database is None or "too long" in said[:60]:
            return
        key = self._key(tex, display=display, width_em=width_em)
        with contextlib.suppress(sqlite3.Error):
            self._database.execute(
                "INSERT OR REPLACE INTO formula VALUES (?, ?, ?)", (key, said, self._clock)
            )

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()

    def _key(self, tex: str, *, display: bool, width_em: float) -> bytes:
        parts = json.dumps([tex, display, width_em]).encode()
        return hashlib.sha256(self._made_by + parts).digest()

    def _forget(self) -> None:
        """Drop the half that was used longest ago, once there is too much."""
        if self._database is None:
            return
        pages, size = (
            int(self._database.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "page_size")
        )
        if pages * size > _KEPT_BYTES:
            self._database.execute(
                "DELETE FROM formula WHERE used < (SELECT avg(used) FROM formula)"
            )
            self._database.execute("VACUUM")


def taken_bytes() -> int:
    """Return the memory that this process has for itself and what it has of files, in bytes."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def refusal(error: str) -> str:
    """Return a refusal as the JSON that the typesetter would say."""
    return json.dumps({"ok": False, "error": error})
