"""`ponder chat`: the same chats in the terminal, for a machine without a display.

The same session as the window's drives it, so a chat begun here goes on there.
"""

import argparse
import os
import sys
import threading
from typing import TYPE_CHECKING

from app import paths, settings
from app.chat.session import Session
from app.cli.engine import model_path

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_HELP = "Enter sends. /new starts another chat, /quit (or Ctrl+D) leaves, Ctrl+C stops an answer."


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `chat` to the commands."""
    parser = commands.add_parser("chat", help="chat in the terminal")
    parser.add_argument("--model", metavar="M", help='a GGUF file, or "demo"')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Chat until the input ends."""
    news = threading.Event()
    path = model_path(arguments.model)
    loaded_settings, problem = settings.load()
    if problem is not None:
        print(problem.sentence(), file=sys.stderr)
    session = Session(paths.database(), settings=loaded_settings, wakeup=news.set)
    try:
        session.new_chat()
        session.load_model(str(path))
        print(f"Ponder in the terminal, with {path.stem}. {_HELP}")
        return _loop(session, news)
    finally:
        session.close()


def _loop(session: Session, news: threading.Event) -> int:
    while True:
        try:
            text = input("\n> ").strip()
        except EOFError:
            print()
            return 0
        except KeyboardInterrupt:
            print()
            return 130
        if text in ("/quit", "/exit"):
            return 0
        if text == "/new":
            session.new_chat()
            print("A new chat.")
        elif text == "/help":
            print(_HELP)
        elif text:
            session.send(text, alone=True)
            _follow(session, news)


def _follow(session: Session, news: threading.Event) -> None:
    """Print the running answer until it is over; Ctrl+C stops the answer, not the chat."""
    dim, plain = ("\033[2m", "\033[0m") if _colours() else ("", "")
    shown_thinking = shown_answer = 0
    running = True
    while running:
        try:
            news.wait(0.5)
            news.clear()
            session.pump()
            for problem in session.problems():
                print(f"\n{problem.sentence()}", file=sys.stderr)
            turn = session.state.turn
            running = session.state.running is not None
            if turn is None:
                continue
            new_thinking, shown_thinking = turn.thinking[shown_thinking:], len(turn.thinking)
            sys.stdout.write(f"{dim}{new_thinking}{plain}" if new_thinking else "")
            if turn.answer and not shown_answer and turn.thinking:
                sys.stdout.write("\n\n")
            sys.stdout.write(turn.answer[shown_answer:])
            shown_answer = len(turn.answer)
            sys.stdout.flush()
        except KeyboardInterrupt:
            session.stop()
    print()


def _colours() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
