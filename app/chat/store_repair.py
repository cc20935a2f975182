"""A damaged database is put away untouched, and what can be saved of it is in its place.

The new one is made beside the old one, whole, before either is moved: whenever this is cut short,
the next opening finds the damaged one again, or the new one ready to take its place.
"""

import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from sqlite3 import Error as SqliteError

from app.chat.salvage import Salvaged, salvage
from app.chat.search_index import drop
from app.chat.store import Store
from app.chat.store_errors import unreachable
from app.chat.store_presence import Presence
from app.errors import Problem, WorldError

_FILES = ("-wal", "-shm", "")
"""The log first: were the moving cut short, the database itself is still found damaged."""


def take_place(path: Path) -> None:
    """Move a repaired database to its place, where a crash kept it from getting there."""
    ready = _beside(path, "salvaged")
    if ready.exists() and not path.exists():
        _move(ready, path)


def repair(path: Path, open_store: Callable[[Path], Store], detail: str = "") -> Problem:
    """Put a damaged database away and what can be saved of it in its place; return what to say.

    detail: what was found wrong. Raises WorldError where the disk does not let it, or another
    program has the database open; then everything is as it was.
    """
    alone(path)
    chats = salvage(path)
    if chats:
        _build(path, chats, open_store)
    aside = set_aside(path)
    take_place(path)
    with suppress(WorldError):
        drop(path)
    messages = sum(len(chat.conversation.messages) for chat in chats)
    torn = sum(chat.damaged for chat in chats)
    if not messages:
        return Problem(
            "chats-damaged",
            "The file with your chats is damaged, so Ponder began a new one.",
            f"The damaged file is kept as {aside}.",
            detail,
        )
    lost = f"; of {torn:,} of them only a part" if torn else ""
    return Problem(
        "chats-damaged",
        f"The file with your chats was damaged: {messages:,} messages in {len(chats):,} chats"
        f" could be saved{lost}.",
        f"The damaged file is kept as {aside}.",
        detail,
    )


def alone(path: Path) -> None:
    """Raise WorldError where another program has the database open."""
    try:
        presence = Presence(path, wait_s=0)
    except SqliteError as error:
        raise unreachable(path, str(error)) from error
    with closing(presence):
        if not presence.alone:
            raise WorldError(
                Problem(
                    "chats-damaged-shared",
                    "The file with your chats is damaged, and another window of Ponder uses it.",
                    "Close the other windows of Ponder, then start it again.",
                    str(path),
                )
            )


def _build(path: Path, chats: list[Salvaged], open_store: Callable[[Path], Store]) -> None:
    """Make a database of what could be saved, at last under a name that says that it is whole."""
    unfinished = _beside(path, "salvaging")
    for suffix in (*_FILES, "-lock"):
        unfinished.with_name(unfinished.name + suffix).unlink(missing_ok=True)
    with closing(open_store(unfinished)) as store:
        for chat in reversed(chats):
            store.restore(chat)
    unfinished.with_name(unfinished.name + "-lock").unlink(missing_ok=True)
    _move(unfinished, _beside(path, "salvaged"))


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.stem}.{what}{path.suffix}")


def _move(path: Path, to: Path) -> None:
    try:
        for suffix in _FILES:
            file = path.with_name(path.name + suffix)
            if file.exists():
                file.replace(to.with_name(to.name + suffix))
    except OSError as error:
        raise unreachable(to, str(error)) from error


def set_aside(path: Path) -> Path:
    """Move a database and its log files to a name that tells the time; return the new path.

    Nothing is overwritten or changed. Raises WorldError where the folder does not let it.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = _beside(path, f"damaged-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = _beside(path, f"damaged-{stamp}-{number}")
    _move(path, aside)
    return aside
