"""`ponder chats search`: the chats that have these words, from the same index as the window's."""

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from app import paths
from app.cli.numbers import whole

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from app.chat.search import Found

_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def add_parser(own: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `search` to the commands of `chats`."""
    parser = own.add_parser("search", help="where titles, messages and thoughts have these words")
    parser.add_argument(
        "words", nargs="+", metavar="WORDS", help='all of them; "a phrase" in order'
    )
    parser.add_argument("--limit", type=whole(1), default=20, metavar="N", help="how many at most")
    parser.add_argument("--rebuild", action="store_true", help="make the index anew first")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=_search)


def _search(arguments: argparse.Namespace) -> int:
    from app.chat.search import find
    from app.chat.search_index import drop
    from app.chat.store import Store

    path = paths.database()
    # Opened for its own sake: it is brought up to date, and what a crash left is tidied.
    store = Store(path)
    try:
        if arguments.rebuild:
            drop(path)
        places = find(path, " ".join(arguments.words), arguments.limit)
    finally:
        store.close()
    if arguments.json:
        print(json.dumps([asdict(place) for place in places], ensure_ascii=False, indent=2))
        return 0
    for place in places:
        thought = " (thinking)" if place.part == "thinking" else ""
        print(f"{place.chat_id[:8]}  {' '.join(place.title.split())}{thought}")
        if place.part != "title":
            print(f"          {_marked(place)}")
    if not places:
        print("Nothing was found.")
    return 0


def _marked(place: "Found") -> str:
    """Return an excerpt, what was found in bold where it is read in a terminal."""
    if not sys.stdout.isatty():
        return place.excerpt
    said, at = "", 0
    for start, end in place.marks:
        said += f"{place.excerpt[at:start]}{_BOLD}{place.excerpt[start:end]}{_PLAIN}"
        at = end
    return said + place.excerpt[at:]
