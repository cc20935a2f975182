"""`ponder chats salvage`: what can be read of a damaged database, as JSON, a file for each chat."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import Problem, WorldError

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_parser(own: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `salvage` to the commands of `chats`."""
    parser = own.add_parser("salvage", help="save what can be read of a damaged file of chats")
    parser.add_argument("file", metavar="FILE", help="the damaged database; it is only read")
    parser.add_argument("out", metavar="OUT", help="a folder, which is made")
    parser.set_defaults(run=_salvage)


def _salvage(arguments: argparse.Namespace) -> int:
    from app.chat import attachments
    from app.chat.salvage import salvage
    from app.transcript import chain, export
    from app.transcript.names import file_name
    from app.transcript.record import Record

    file, out = Path(arguments.file), Path(arguments.out)
    chats = salvage(file)
    if not chats:
        raise WorldError(
            Problem(
                "salvage-nothing",
                f"Nothing of a chat could be found in {file}.",
                "Check that it is a database of Ponder's, or try an older copy of it.",
            )
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        taken = [found.name for found in out.iterdir()]
    except OSError as error:
        raise WorldError(
            Problem(
                "export-unwritable",
                f"The folder {out} cannot be made or read.",
                "Choose another folder, or free some space on its disk.",
                str(error),
            )
        ) from error
    kept = attachments.Kept(file.with_name(attachments.FOLDER))
    for chat in chats:
        record = Record(
            id=chat.id,
            title=chat.title,
            conversation=chat.conversation,
            system_prompt=chat.system_prompt,
            thinking_budget=chat.thinking_budget,
            model=chat.model,
        )
        taken.append(file_name(chat.title, "json", taken))
        data = chain.dumps(record, export.attachments_of(record, kept))
        export.write(out / taken[-1], data)
    messages = sum(len(chat.conversation.messages) for chat in chats)
    torn = sum(chat.damaged for chat in chats)
    of_some = f"; of {torn:,} of them something is missing" if torn else ""
    print(f"Messages: {messages:,} in {len(chats):,} chats, written to {out}{of_some}.")
    return 0
