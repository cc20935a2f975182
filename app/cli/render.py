"""The command `render`: a Markdown file as the transcript would show it.

As HTML, as plain text or as a picture; the first two go to a file or, with "-", to the terminal.
The picture is painted by the window's own classes. They are Qt's, which nothing here may import:
`ui` does it in a process of its own, without a display.
"""

import argparse
import logging
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import Problem, WorldError
from app.files import replace
from app.offscreen import command, environment

if TYPE_CHECKING:
    from argparse import _SubParsersAction

WIDTHS_PX = (120, 8000)
SCALES = (0.25, 8.0)
WIDTH_PX = 860
"""Of the window's default, less its sidebar."""
MOST_BYTES = 20_000_000
_log = logging.getLogger(__name__)

PAINT = "--paint"
"""The argument by which `ui` is told to paint; it is no part of the command line."""


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    render = commands.add_parser("render", help="a Markdown file as the transcript shows it")
    render.add_argument("file", metavar="FILE.md", type=Path)
    form = render.add_mutually_exclusive_group(required=True)
    form.add_argument("--png", metavar="OUT", type=Path, help="paint it into this picture")
    form.add_argument("--html", metavar="OUT", help='write its HTML to this file, "-": print it')
    form.add_argument("--text", metavar="OUT", help='write its plain text, "-": print it')
    render.add_argument(
        "--width",
        metavar="PX",
        type=_within(int, WIDTHS_PX),
        default=WIDTH_PX,
        help=f"of the picture before it is scaled (default {WIDTH_PX})",
    )
    render.add_argument(
        "--scale",
        metavar="S",
        type=_within(float, SCALES),
        default=1.0,
        help="the picture's pixels to one of the window's (default 1)",
    )
    render.add_argument("--theme", choices=("light", "dark"), default="light")
    render.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Render the file in the form that was asked for."""
    text = read(arguments.file)
    if arguments.png is not None:
        return paint(arguments)
    from app.markup import to_html
    from app.markup.plain import to_text

    if arguments.html is not None:
        write(arguments.html, to_html(text))
    else:
        write(arguments.text, to_text(text))
    return 0


def write(where: str, text: str) -> None:
    """Write a text to a file, or print it where that is "-". Raises WorldError."""
    if where == "-":
        sys.stdout.write(text)
        return
    try:
        replace(Path(where), text.encode())
    except OSError as error:
        why = error.strerror or str(error)
        raise WorldError(
            Problem("not-written", f"{where} cannot be written: {why}.", "Choose another place.")
        ) from error


def read(path: Path) -> str:
    """Return the text of a file, which is UTF-8 and has something in it. Raises WorldError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise WorldError(
                Problem(
                    "file-too-large",
                    f"{path} is larger than {MOST_BYTES // 1_000_000} MB.",
                    "Render it in parts.",
                )
            )
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        why = error.strerror or str(error)
        raise WorldError(
            Problem("file-unreadable", f"{path} cannot be read: {why}.", "Check its name.")
        ) from error
    except UnicodeDecodeError as error:
        raise WorldError(
            Problem("not-utf8", f"{path} is not UTF-8 text.", "Save it as UTF-8.", str(error))
        ) from error
    if not text.strip():
        raise WorldError(Problem("file-empty", f"{path} is empty: there is nothing to render."))
    return text


def paint(arguments: argparse.Namespace) -> int:
    """Have the picture painted, by the window's classes in another process."""
    wanted = (str(arguments.file), str(arguments.png), str(arguments.width), arguments.theme)
    done = subprocess.run(
        command(PAINT, *wanted),
        env=environment(arguments.scale),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode in (0, 1):
        said = [line for line in done.stderr.splitlines() if line.startswith("ponder: ")]
        if done.returncode == 0 or said:
            print(*said[-1:], sep="", end="\n" if said else "", file=sys.stderr)
            return done.returncode
    _log.error("the painter ended with %s:\n%s", done.returncode, done.stderr)
    raise WorldError(
        Problem(
            "no-painter",
            f"The part of Ponder that paints ended with status {done.returncode}.",
            "The log says why, and ponder doctor what is missing.",
            done.stderr,
        )
    )


def _within(kind: Callable[[str], float], limits: tuple[float, float]) -> Callable[[str], float]:
    """Return what reads a number and refuses one outside of the limits."""
    least, most = limits

    def parsed(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least:g} and {most:g}")
        return value

    return parsed
