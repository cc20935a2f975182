"""`ponder servers`: the servers whose models Ponder can use, looked at and remembered."""

import argparse
import getpass
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.errors import Problem, WorldError
from app.models import servers
from app.models.servers import Server
from app.server import kinds, words
from app.server.address import path_of
from app.server.probe import Found

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `servers` to the commands."""
    parser = commands.add_parser("servers", help="models on servers: test, add, list, forget")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, run, text in (
        ("test", _test, "look at a server, and remember nothing"),
        ("add", _add, "look at a server and remember it; its key goes to the keychain"),
    ):
        one = actions.add_parser(name, help=text)
        one.add_argument("address", metavar="ADDRESS", help="such as localhost:8080")
        one.add_argument("--ca-file", metavar="FILE", default="", help="certificates to trust too")
        one.add_argument("--key", action="store_true", help="ask for a key, or read it from stdin")
        one.add_argument("--json", action="store_true")
        one.set_defaults(run=run)
        if name == "add":
            one.add_argument("--model", metavar="M", help="the one to use, else the first")
    listed = actions.add_parser("list", help="the servers that are remembered")
    listed.add_argument("--json", action="store_true")
    listed.set_defaults(run=_list)
    gone = actions.add_parser("forget", help="forget a server and its key")
    gone.add_argument("id", metavar="ID", help="as `list` shows it")
    gone.set_defaults(run=_forget)


def _looked(arguments: argparse.Namespace) -> tuple[Server, Found, str | None]:
    from app.server import probe

    key = None
    if arguments.key:
        terminal = sys.stdin.isatty()
        key = getpass.getpass("Key: ") if terminal else sys.stdin.readline().strip()
    server, found = probe.ask(arguments.address, key=key, ca_file=arguments.ca_file)
    return server, found, key


def _test(arguments: argparse.Namespace) -> int:
    server, found, _ = _looked(arguments)
    _show(server, found, as_json=arguments.json)
    return 0


def _add(arguments: argparse.Namespace) -> int:
    server, found, key = _looked(arguments)
    model = arguments.model or found.models[0]
    if model not in found.models:
        raise WorldError(
            Problem(
                "server-model",
                f"{server.address.host} has no model named {model}.",
                f"It has {', '.join(found.models[:20])}.",
            )
        )
    server = servers.remember(replace(server, model=model), key)
    _show(server, found, as_json=arguments.json)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    known = servers.known()
    if arguments.json:
        _write([_value(server) for server in known])
        return 0
    for server in known:
        print(f"{server.id}  {words.subtitle(server)}  {server.model}")
    if not known:
        print("No server is remembered: ponder servers add ADDRESS")
    return 0


def _forget(arguments: argparse.Namespace) -> int:
    if all(server.id != arguments.id for server in servers.known()):
        title = f"No server {arguments.id} is remembered."
        raise WorldError(Problem("server-unknown", title, "`ponder servers list` shows them."))
    servers.forget(arguments.id)
    return 0


def _show(server: Server, found: Found, *, as_json: bool) -> None:
    if as_json:
        models = [
            {
                "name": name,
                "path": path_of(server.address, name),
                "context": found.contexts.get(name),
                "sees": name in found.sees,
            }
            for name in found.models
        ]
        told = {"version": found.version, "limits": kinds.limits(found.kind), "models": models}
        _write(_value(server) | told)
        return
    print(words.found(server, found))
    print(words.privacy(server.address))
    for limit in kinds.limits(found.kind):
        print(limit)
    for name in found.models:
        facts = words.model(found, name)
        print(f"  {path_of(server.address, name)}{f'  ({facts})' if facts else ''}")


def _value(server: Server) -> dict[str, Any]:
    where = server.address
    return {
        "id": server.id,
        "address": server.base,
        "kind": server.kind,
        "reach": where.reach,
        "encrypted": where.encrypted,
        "key": server.key,
        "model": server.model,
    }


def _write(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))
