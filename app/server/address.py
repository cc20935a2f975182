"""What a user types for a server, and the names that its models have in settings and chats.

A model on a server is named like a file, by one text: "server:HOST:PORT/MODEL". It is kept where a
model's path is kept (the last model, a chat's model, the engine's Load), so nothing else has to
know of servers. It survives being taken for a path, and holds no key: keys are in the keychain.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from app.errors import Problem, WorldError

PREFIX = "server:"

Reach = Literal["here", "near", "away"]
"""here: this machine. near: a private network, such as the one at home. away: anywhere else."""

_NEAR_ENDINGS = (".local", ".lan", ".home", ".internal", ".home.arpa")
_ENDPOINTS = ("/chat/completions", "/completions", "/models")
"""What is typed with the address by those who copy it from an example."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is. base: "http://localhost:8080/v1", without a slash at its end."""

    base: str

    @property
    def host(self) -> str:
        """Return host and port, as the window shows them."""
        return urlsplit(self.base).netloc

    @property
    def root(self) -> str:
        """Return the address above the API: "http://localhost:8080"."""
        return self.base.removesuffix("/v1")

    @property
    def reach(self) -> Reach:
        """Return how far away it is, by its name alone."""
        return reach(urlsplit(self.base).hostname or "")

    @property
    def encrypted(self) -> bool:
        """Return whether what is said on the way can be read by no one."""
        return self.base.startswith("https://")

    @property
    def id(self) -> str:
        """Return its name in a model's: the host, with the rest where that is unusual."""
        parts = urlsplit(self.base)
        rest = "" if parts.path == "/v1" else "~" + parts.path.strip("/").replace("/", "~")
        usual = _scheme(parts.netloc) == parts.scheme
        return f"{'' if usual else parts.scheme + '~'}{parts.netloc}{rest}"


def parse(text: str) -> Address:
    """Return the address that a user typed: "host:port", with or without http:// and /v1.

    Raises WorldError where it is none, or has a password in it.
    """
    text = text.strip()
    scheme, split, rest = text.partition("://")
    if not split:
        scheme, rest = "", text
    if not rest or any(char.isspace() for char in rest) or scheme not in ("", "http", "https"):
        raise WorldError(_bad(text))
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise WorldError(_bad(text)) from error
    if not host:
        raise WorldError(_bad(text))
    if "@" in parts.netloc:
        raise WorldError(
            Problem(
                "server-address",
                "The address has a name or a password in it.",
                "Take it out, and enter the key in its own field: there it goes to the keychain.",
            )
        )
    netloc = f"[{host}]" if ":" in host else host
    if port is not None:
        netloc += f":{port}"
    path = parts.path.rstrip("/")
    for ending in _ENDPOINTS:
        path = path.removesuffix(ending)
    return Address(f"{scheme or _scheme(netloc)}://{netloc}{path or '/v1'}")


def _scheme(netloc: str) -> str:
    """Return what is meant where no scheme is typed: a host with a port is rarely one of https."""
    parts = urlsplit(f"//{netloc}")
    if parts.port == 443:
        return "https"
    plain = parts.port is not None or reach(parts.hostname or "") != "away"
    return "http" if plain else "https"


def _bad(text: str) -> Problem:
    return Problem(
        "server-address",
        f"“{text}” is not the address of a server." if text else "There is no address.",
        "Write it like localhost:8080, gpu-box:8000 or https://api.mistral.ai.",
    )


def reach(host: str) -> Reach:
    """Return how far away a host is, by its name: nothing is looked up."""
    host = host.lower().strip("[]").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return "here"
    try:
        ip = ip_address(host)
    except ValueError:
        return "near" if "." not in host or host.endswith(_NEAR_ENDINGS) else "away"
    if ip.is_loopback:
        return "here"
    return "near" if ip.is_private or ip.is_link_local else "away"


# ---------------------------------------------------------------- a model's name


def is_server(path: str) -> bool:
    """Return whether a model's path names one on a server."""
    return path.startswith(PREFIX)


def path_of(address: Address, model: str) -> str:
    """Return the path of a model on a server."""
    return f"{PREFIX}{address.id}/{model}"


def split(path: str) -> tuple[str, str]:
    """Return the server's id and the model's name of a path. Raises WorldError."""
    server_id, slash, model = path.removeprefix(PREFIX).partition("/")
    if not is_server(path) or not server_id or not slash or not model:
        raise WorldError(
            Problem(
                "server-path",
                f"“{path}” does not name a model on a server.",
                f"Write it like {PREFIX}localhost:8080/MODEL.",
            )
        )
    return server_id, model


def of_id(server_id: str) -> Address:
    """Return the address that an id stands for. Raises WorldError."""
    parts = server_id.split("~")
    scheme = parts.pop(0) if parts[0] in ("http", "https") and len(parts) > 1 else ""
    host, *rest = parts
    typed = f"{scheme}://{host}" if scheme else host
    return parse("/".join((typed, *rest)))


def name_of(path: str) -> str:
    """Return the short name of a model on a server, by its path."""
    return path.removeprefix(PREFIX).rpartition("/")[2]
