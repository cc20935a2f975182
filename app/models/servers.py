"""The servers that the user connected to: a small file, and their keys in the system's keychain.

The file holds addresses and what was found there; never a key. A server that is in no file can be
used all the same, by its address alone (`ponder ask --model server:HOST:PORT/MODEL`).
"""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from app import files, paths
from app.errors import Problem, WorldError
from app.models import tokens
from app.server import address
from app.server.address import Address

KEY_VARIABLE = "PONDER_SERVER_KEY"
"""Serves where there is no keychain: for servers that the user gave a key to."""

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Server:
    """A server and what was found there. base: its address, as app.server.address has it.

    kind: its row of app.server.kinds, "" until it was looked at. models: the names it listed last.
    model: the one chosen last. key: one is in the keychain. ca_file: certificates that are trusted
    beside the system's, "" for none. first_s, silence_s: how long it may say nothing before the
    first word of an answer (a long prompt is read in that time), and between two, in seconds.
    """

    base: str
    kind: str = ""
    models: tuple[str, ...] = ()
    model: str = ""
    key: bool = False
    ca_file: str = ""
    first_s: float = 900.0
    silence_s: float = 120.0

    @property
    def address(self) -> Address:
        """Return where it is."""
        return Address(self.base)

    @property
    def id(self) -> str:
        """Return its name in the paths of its models."""
        return self.address.id


def known() -> tuple[Server, ...]:
    """Return the servers, the one used last first. A file that cannot be read has none."""
    try:
        value = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return ()
    if not isinstance(value, dict) or value.get("version") != _VERSION:
        return ()
    listed = value.get("servers")
    found = (_server(each) for each in listed) if isinstance(listed, list) else ()
    return tuple(server for server in found if server is not None)


def find(server_id: str) -> Server:
    """Return the server of an id; one that is not known, by its address. Raises WorldError."""
    for server in known():
        if server.id == server_id:
            return server
    return Server(address.of_id(server_id).base)


def remember(server: Server, key: str | None = None) -> Server:
    """Keep a server, as the one used last, and return it as it is kept. Raises WorldError.

    key: put into the keychain, "" takes it out, None leaves it. May wait for the keychain.
    """
    if key is not None:
        tokens.keep(key, _name(server.id))
        server = replace(server, key=bool(key.strip()))
    _write((server, *(other for other in known() if other.id != server.id)))
    return server


def forget(server_id: str) -> None:
    """Forget a server and its key. Raises WorldError."""
    kept = [server for server in known() if server.id != server_id]
    gone = find(server_id)
    _write(kept)
    if gone.key:
        tokens.keep("", _name(server_id))


def key_of(server: Server) -> str | None:
    """Return the key of a server, None where it needs none. Raises WorldError.

    May wait for the keychain: not for the window's thread.
    """
    if not server.key:
        return None
    variable = os.environ.get(KEY_VARIABLE, "").strip()
    try:
        return tokens.read(_name(server.id)) or variable or None
    except WorldError:
        if variable:
            return variable
        raise


def _name(server_id: str) -> str:
    return f"server {server_id}"


def _file() -> Path:
    return paths.config_dir() / "servers.json"


def _server(value: Any) -> Server | None:
    """Return the server of a record, None where it is none: someone may have edited it."""
    if not isinstance(value, dict):
        return None
    names = {field.name for field in fields(Server)}
    record = {name: item for name, item in value.items() if name in names}
    models = record.get("models", ())
    record["models"] = tuple(models) if isinstance(models, list | tuple) else ()
    with suppress(TypeError, WorldError, AttributeError):
        server = Server(**record)
        texts = (server.base, server.kind, server.model, server.ca_file, *server.models)
        times = (server.first_s, server.silence_s)
        sound = (
            all(isinstance(text, str) for text in texts)
            and all(isinstance(time, int | float) and time > 0 for time in times)
            and isinstance(server.key, bool)
        )
        if sound and address.parse(server.base).base == server.base:
            return server
    return None


def _write(servers: Iterable[Server]) -> None:
    value = {"version": _VERSION, "servers": [asdict(server) for server in servers]}
    try:
        files.replace(_file(), json.dumps(value, indent=1))
    except OSError as error:
        raise WorldError(
            Problem(
                "servers-unsaved",
                "The list of your servers could not be saved.",
                f"Check that there is room on the disk and that you may write to {_file().parent}.",
                str(error),
            )
        ) from error
