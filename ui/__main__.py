"""`ponder` and `python -m ui`: the window, or a command of the command line.

Nothing here may import Qt, or anything heavy, at the top: the engine child is spawned, and spawn
imports this module again in the child.
"""

import gc
import os
import sys
from collections.abc import Sequence

USAGE = """usage: ponder [FILE.gguf]     open the window (and a model)
       ponder --smoke         open the window, print how long its first paint took, and leave
       ponder COMMAND …       ask, chats, fit, models, render, doctor …: ponder COMMAND --help"""

NO_DISPLAY = (
    "ponder: there is no display to open a window on. "
    'Chat in the terminal instead: ponder ask "Your question".'
)


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
    if first and not smoke and not _is_model(first):
        from app.cli import main as command_line

        return command_line(arguments)
    if not has_display():
        print(NO_DISPLAY, file=sys.stderr)
        return 1
    # Until the first paint nothing becomes garbage, and looking for it costs 9 ms.
    gc.disable()
    # Before anything of Qt: PySide reads the source of every module that is imported after it.
    from app import settings

    loaded = settings.load()
    from ui import application

    return application.run(*loaded, model="" if smoke else first, smoke=smoke)


def _is_model(argument: str) -> bool:
    """Return whether an argument is a file to open rather than the name of a command."""
    return argument.lower().endswith(".gguf") or os.sep in argument


def has_display() -> bool:
    """Return whether Qt will find a display. It ends the process where it does not."""
    if sys.platform in ("win32", "darwin"):
        return True
    named = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return any(os.environ.get(name) for name in named)


if __name__ == "__main__":
    from multiprocessing import freeze_support

    freeze_support()
    sys.exit(main())
