"""`ponder` and `python -m ui`: the window, or a command of the command line.

Nothing here may import Qt, or anything heavy, at the top: the engine child is spawned, and spawn
imports this module again in the child.
"""

import gc
import os
import sys
from collections.abc import Sequence

USAGE = """usage: ponder [FILE …]        open the window (and a model, or files with chats)
       ponder --smoke         open the window, print how long its first paint took, and leave
       ponder COMMAND …       ask, chats, fit, models, render, doctor …: ponder COMMAND --help"""

INSTEAD = 'Chat in the terminal instead: ponder ask "Your question".'


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window or run a command; return the exit status of the process."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    first = arguments[0] if arguments else ""
    if first in ("-h", "--help"):
        print(USAGE)
        return 0
    if first == "--paint":  # from app.cli.render: a picture, and no window
        from ui import render

        return render.main(arguments[1:])
    if first == "--print":  # from app.transcript.paper: a PDF, and no window
        from ui import printing

        return printing.main(arguments[1:])
    smoke = first == "--smoke"
    files = () if smoke else tuple(arguments)
    if first and not smoke and not _is_file(first):
        from app.cli import main as command_line

        return command_line(arguments)
    return _open(files, smoke=smoke)


def _open(files: Sequence[str], *, smoke: bool) -> int:
    """Open the window here, or lead to the one that is open; return the exit status."""
    from ui import display

    without = display.hindrance()
    if without:
        print(f"ponder: {without} {INSTEAD}", file=sys.stderr)
        return 1
    from app import instance
    from app.errors import WorldError

    try:
        claim = None if smoke else instance.first_or_ring(files)
    except WorldError as error:
        print(f"ponder: {error.problem.sentence()}", file=sys.stderr)
        return 1
    if claim is None and not smoke:
        return 0
    # Until the first paint nothing becomes garbage, and looking for it costs 9 ms.
    gc.disable()
    # Before anything of Qt: PySide reads the source of every module that is imported after it.
    from app import settings

    loaded = settings.load()
    from ui import application

    # The claim lasts as long as this function does.
    return application.run(*loaded, files=files, smoke=smoke)


def _is_file(argument: str) -> bool:
    """Return whether an argument is a file to open rather than the name of a command."""
    from app.given import CHAT_ENDINGS

    return argument.lower().endswith((".gguf", *CHAT_ENDINGS)) or os.sep in argument


if __name__ == "__main__":
    from multiprocessing import freeze_support

    freeze_support()
    sys.exit(main())
