"""`ponder chats`: the kept chats, listed, shown, exported, imported and checked."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app import given, paths
from app.cli import chats_salvage, chats_search
from app.cli.numbers import MOST_SEED, whole
from app.errors import Problem, WorldError
from app.transcript.export import FORMS

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from collections.abc import Iterator

    from app.chat.store import Store
    from app.transcript.chain import Verdict
    from app.transcript.record import Record


_MOST_FAULTS = 20


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `chats` and its own commands to the commands."""
    parser = commands.add_parser("chats", help="list, show, export, import and check chats")
    own = parser.add_subparsers(dest="chats", required=True, metavar="COMMAND")

    listing = own.add_parser("list", help="the chats, the one written in last first")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(run=_list)

    show = own.add_parser("show", help="a chat as Markdown")
    show.add_argument("chat", metavar="ID", help="its id, or how that begins")
    _add_thinking(show)
    show.set_defaults(run=_show)

    chats_search.add_parser(own)
    chats_salvage.add_parser(own)

    export = own.add_parser("export", help="a chat, or all, as a file")
    which = export.add_mutually_exclusive_group(required=True)
    which.add_argument("chat", nargs="?", metavar="ID", help="its id, or how that begins")
    which.add_argument("--last", action="store_true", help="the chat written in last")
    which.add_argument("--all", action="store_true", help="all chats (a zip, except jsonl)")
    part = export.add_mutually_exclusive_group()
    part.add_argument(
        "--branch", metavar="MESSAGE", help="one branch: through a message, by how its id begins"
    )
    part.add_argument("--messages", metavar="N", help="some of the shown branch: 1-3,5")
    export.add_argument("--format", choices=FORMS, required=True)
    export.add_argument("--out", metavar="PATH", required=True, help='a file, or "-"')
    _add_thinking(export)
    export.set_defaults(run=_export, wrong=export.error)

    imported = own.add_parser(
        "import", help="put chats among the others: Ponder's own exports, and other programs' files"
    )
    imported.add_argument("files", nargs="+", metavar="FILE")
    imported.set_defaults(run=_import)

    verify = own.add_parser("verify", help="whether an exported JSON is as it was written")
    verify.add_argument("file", metavar="FILE")
    verify.add_argument("--head", metavar="HASH", help="the last hash, as it was kept apart")
    verify.add_argument("--json", action="store_true", help="as JSON")
    verify.set_defaults(run=_verify)

    replay = own.add_parser("replay", help="run an exported JSON's answers again and compare")
    replay.add_argument("file", metavar="FILE")
    replay.add_argument("--model", metavar="M", help="a model in place of the recorded one")
    seed = whole(0, MOST_SEED)
    replay.add_argument(
        "--seed", type=seed, metavar="N", help="a seed in place of the recorded one"
    )
    replay.add_argument("--json", action="store_true", help="a line of JSON per answer")
    replay.set_defaults(run=_replay)


def _add_thinking(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--thinking",
        choices=("details", "quote", "none"),
        default="details",
        help="folded away, quoted or left out (JSON has it always)",
    )


def _store() -> "Store":
    from app.chat.store import Store

    return Store(paths.database())


def _list(arguments: argparse.Namespace) -> int:
    from app.transcript.made_by import when

    store = _store()
    try:
        chats = store.list_chats()
    finally:
        store.close()
    if arguments.json:
        values = [
            {"id": chat.id, "title": chat.title, "updated_at": chat.updated_at} for chat in chats
        ]
        print(json.dumps(values, ensure_ascii=False, indent=2))
    else:
        for chat in chats:
            print(f"{chat.id[:8]}  {when(chat.updated_at)}  {chat.title}")
        if not chats:
            print("There are no chats yet.")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from app.transcript import readable
    from app.transcript.export import find, record_from

    store = _store()
    try:
        record = record_from(store, find(store, arguments.chat).id)
    finally:
        store.close()
    sys.stdout.write(readable.markdown(record, thinking=arguments.thinking))
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from app.transcript import export

    form, thinking = arguments.format, arguments.thinking
    if arguments.all and (arguments.branch is not None or arguments.messages is not None):
        arguments.wrong("--branch and --messages are of one chat, not of --all")
    if not arguments.out:
        arguments.wrong("--out needs the name of a file")
    store = _store()
    try:
        wanted = _wanted(store, arguments)
        records = (_part(export.record_from(store, one), arguments) for one in wanted)
        if arguments.all:
            # One after the other: all of them at once may be larger than the memory.
            data = export.together(records, form, kept=store.kept, thinking=thinking)
        else:
            data = export.exported(next(records), form, kept=store.kept, thinking=thinking)
    finally:
        store.close()
    if arguments.out == "-":
        sys.stdout.buffer.write(data)
        return 0
    export.write(Path(arguments.out), data)
    print(f"{_count(len(wanted), 'chat')} written to {arguments.out}.")
    return 0


def _part(record: "Record", arguments: argparse.Namespace) -> "Record":
    from app.transcript import extract

    if arguments.messages is not None:
        return extract.selection(record, extract.numbered(record, arguments.messages))
    if arguments.branch is None:
        return record
    found = [one for one in record.conversation.messages if one.startswith(arguments.branch)]
    if len(found) == 1:
        return extract.branch(record, found[0])
    raise WorldError(
        Problem(
            "message-unknown",
            f"{len(found) or 'No'} messages of this chat have an id that begins with"
            f" {arguments.branch!r}.",
            "An export as JSON shows the ids.",
        )
    )


def _wanted(store: "Store", arguments: argparse.Namespace) -> list[str]:
    from app.transcript.export import find

    if arguments.chat is not None:
        return [find(store, arguments.chat).id]
    chats = [chat.id for chat in store.list_chats()]
    if not chats:
        raise WorldError(
            Problem("chats-none", "There are no chats yet.", "Ask something first: ponder chat.")
        )
    return chats if arguments.all else chats[:1]


def _import(arguments: argparse.Namespace) -> int:
    from app.transcript import importing

    store = _store()
    status = 0
    try:
        for name in arguments.files:
            try:
                found = importing.read(Path(name))
                for chat in found.chats:
                    chat_id = importing.put(store, chat)
                    count = _count(len(chat.record.conversation.messages), "message")
                    said = f"{chat_id[:8]}  {chat.record.title} ({count}, from {found.kind})"
                    print(said.encode("utf-8", "replace").decode())
                for what in found.left_out:
                    print(f"ponder: {name}: left out: {what}.", file=sys.stderr)
            except WorldError as error:
                # The others may be good.
                print(f"ponder: {name}: {error.problem.sentence()}", file=sys.stderr)
                status = 1
    finally:
        store.close()
    return status


def _verify(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from app.transcript import chain

    verdict = chain.verify(given.read(Path(arguments.file)))
    other_head = arguments.head is not None and arguments.head != verdict.head
    if arguments.json:
        found = {**asdict(verdict), "intact": verdict.intact, "other_head": other_head}
        print(json.dumps(found, ensure_ascii=False))
    elif verdict.intact and not other_head:
        print(f"Intact: {_count(verdict.messages, 'message')}, head {verdict.head}.")
    else:
        for line in _told(verdict):
            print(line)
        if other_head:
            print("The head is not the one that was kept: this is another transcript.")
    return 0 if verdict.intact and not other_head else 1


def _told(verdict: "Verdict") -> "Iterator[str]":
    """Yield what a check found, in words: a sentence for each place, up to a number of them."""
    if verdict.faults and not verdict.messages and len(verdict.faults) == 1:
        yield f"Not intact: {verdict.faults[0].what}."
    elif verdict.faults and verdict.same_content:
        yield (
            "The file is not as Ponder wrote it, but what it says is: another program has saved"
            " it anew."
        )
    else:
        for fault in verdict.faults[:_MOST_FAULTS]:
            yield f"{_place(fault.message)} was changed: {fault.what}."
        if len(verdict.faults) > _MOST_FAULTS:
            yield f"{len(verdict.faults) - _MOST_FAULTS:,} more places were changed."


def _replay(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from app.engine.straight import engine
    from app.transcript import chain, lossless
    from app.transcript.replay import replay

    data = given.read(Path(arguments.file))
    found = lossless.loads(data)
    verdict = chain.verify(data)
    # A file that another program has spelled otherwise still says what was written.
    faults = () if verdict.same_content else verdict.faults
    changed = {fault.message for fault in faults if fault.message is not None}
    alike = True
    with engine() as opened:
        for compared in replay(
            found.record, opened, model=arguments.model, seed=arguments.seed, changed=changed
        ):
            alike = alike and compared.outcome != "different"
            if arguments.json:
                print(json.dumps(asdict(compared), ensure_ascii=False), flush=True)
                continue
            at = f" from token {compared.token}" if compared.token is not None else ""
            why = f" ({'; '.join(compared.why)})" if compared.why else ""
            print(f"Message {compared.number}: {compared.outcome}{at}{why}", flush=True)
    return 0 if alike else 1


def _place(message: int | None) -> str:
    if message is None:
        return "What follows the last message"
    return f"Message {message}" if message else "What is said of the chat itself"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
