"""Taking the chats of a file in, in a process of its own.

Years of chats are hundreds of megabytes of JSON, and reading it holds Python's interpreter for
seconds, during which no window would draw; it takes some four times that in memory, too. So a child
reads, and writes chat by chat into the store, beside whoever else writes there.
"""

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import Problem, WorldError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Step:
    """A chat is in. number: of it, from 1, of `count`; id, title: as it is in the store."""

    number: int
    count: int
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a file. ids: of the chats that are in; kind, left_out: as `Imported` has them.

    title: of the last one. stopped: there may have been more.
    """

    ids: tuple[str, ...]
    title: str
    kind: str
    left_out: tuple[str, ...]
    stopped: bool = False


_Said = Step | Taken | Problem


def take_in(
    path: Path,
    database: Path,
    *,
    told: Callable[[Step], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Taken:
    """Put the chats of a file into a store; wait for it. Not to be called on the window's thread.

    told: hears of each chat. stopped: asked often; what is in by then stays. Raises WorldError
    where nothing of the file can be read, or the store cannot be written.
    """
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    child = spawn.Process(target=_child, args=(theirs, str(path), str(database)), daemon=True)
    child.start()
    theirs.close()
    steps: list[Step] = []
    try:
        while True:
            if stopped():
                return _so_far(steps)
            if not ours.poll(_LOOK_S):
                continue
            said: _Said = ours.recv()
            match said:
                case Step():
                    steps.append(said)
                    told(said)
                case Taken():
                    return said
                case Problem():
                    raise WorldError(said)
    except EOFError:
        child.join()
        raise WorldError(
            Problem(
                "import-died",
                f"Reading {path.name} ended early; {len(steps):,} of its chats are in.",
                "Import it again when more memory is free, or in parts.",
                f"the child ended with {child.exitcode}",
            )
        ) from None
    finally:
        child.terminate()
        child.join()
        ours.close()


def _so_far(steps: list[Step]) -> Taken:
    title = steps[-1].title if steps else ""
    return Taken(tuple(step.id for step in steps), title, "", (), stopped=True)


def _child(out: "Connection[_Said, None]", path: str, database: str) -> None:
    """Read, write, and say so. Runs in the child."""
    from app.chat.store import Store
    from app.transcript import importing

    try:
        found = importing.read(Path(path))
        store = Store(Path(database))
        ids: list[str] = []
        title = ""
        try:
            for number, chat in enumerate(found.chats, 1):
                ids.append(importing.put(store, chat))
                title = chat.record.title
                out.send(Step(number, len(found.chats), ids[-1], title))
        finally:
            store.close()
        out.send(Taken(tuple(ids), title, found.kind, found.left_out))
    except WorldError as error:
        out.send(error.problem)
    except BrokenPipeError:
        pass  # nobody waits any more
