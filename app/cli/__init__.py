"""The command line: everything the window can do, as words for people and as JSON for programs.

Names and flags are a contract: scripts and checks use them. Exit status: 0 done; 1 the world's
fault, told in one sentence with what to do; 2 wrong usage; 130 interrupted.
"""

import argparse
import sys
from collections.abc import Sequence

from app.errors import WorldError


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; each sets `run`, a function of the parsed arguments."""
    from app.cli import ask, chat, chats, fit, inspect, math, models, render, servers

    top = argparse.ArgumentParser(
        prog="ponder",
        description="A chat for reasoning models that run on your own computer. "
        "Without a command it opens the window.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    ask.add_parser(commands)
    chat.add_parser(commands)
    chats.add_parser(commands)
    inspect.add_parsers(commands)
    fit.add_parser(commands)
    math.add_parser(commands)
    models.add_parser(commands)
    render.add_parser(commands)
    servers.add_parser(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    from app import logs

    try:
        arguments = parser().parse_args(argv)
        logs.set_up()
        status: int = arguments.run(arguments)
    except WorldError as error:
        print(f"ponder: {error.problem.sentence()}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader (head, a closed pager) has what it wanted; Python would complain at exit.
        sys.stdout = None
        return 0
    except KeyboardInterrupt:
        return 130
    return status
