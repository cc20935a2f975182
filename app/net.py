"""The one door through which Ponder reaches the network.

A process that talks to others opens the door once, for one purpose. From then on each host that is
asked is noted in a file, which the user can read in the settings, and nothing passes while the
offline switch is on, but to this machine and its own network: a server that runs there is no one
else's. Proxies come from the environment, the system's certificates are trusted (and
SSL_CERT_FILE), so that an office's own proxy works without a setting.

Only child processes call `open_door` and `server_client`: they import the clients.
"""

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app import paths, settings
from app.errors import Problem, WorldError
from app.server.address import reach

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2

DEFAULT_ENDPOINT = "https://huggingface.co"
CONNECT_S = 15.0
SILENCE_S = 30.0
"""How long a server may say nothing before the connection counts as lost."""

_MOST_BYTES = 1_000_000  # of the list of connections: about 10,000 of them


@dataclass(frozen=True, slots=True)
class Contact:
    """A host that was asked: what for, how often (per process), and when last (time.time())."""

    host: str
    purpose: str
    times: int
    last: float


def endpoint() -> str:
    """Return the hub's address: HF_ENDPOINT names a mirror."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or DEFAULT_ENDPOINT


def check_allowed(server: str = "") -> None:
    """Raise WorldError while the user wants no connections. server: of models, "" for the hub."""
    chosen, _ = settings.load()
    if chosen.offline:
        undone = f"{server} was not asked" if server else "nothing was fetched"
        raise WorldError(
            Problem(
                "offline",
                f"Ponder is switched to offline, so {undone}.",
                "Switch it back in the settings, under Privacy.",
            )
        )


def contacts() -> tuple[Contact, ...]:
    """Return all hosts that were asked, the latest first."""
    found: dict[tuple[str, str], Contact] = {}
    for path in (_log_path().with_suffix(".1.jsonl"), _log_path()):
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        for line in lines:
            try:
                host, purpose, when = json.loads(line)
                key = (str(host), str(purpose))
                times = found[key].times + 1 if key in found else 1
                found[key] = Contact(*key, times, float(when))
            except (ValueError, TypeError):
                continue  # a line that a power cut has broken
    return tuple(sorted(found.values(), key=lambda contact: -contact.last))


def forget_contacts() -> None:
    """Empty the list of hosts."""
    for path in (_log_path().with_suffix(".1.jsonl"), _log_path()):
        with suppress(OSError):
            path.unlink()


def open_door(purpose: str) -> None:
    """Let the hub's client of this process through; once, before anything else imports it.

    purpose: in the user's words, such as "Search for models".
    """
    # hf_xet fetches by connections of its own, past this door: no list, no switch, no proxy.
    os.environ["HF_HUB_DISABLE_XET"] = "1"
    # Otherwise the client asks the hub for lists of its own, and says what else is installed.
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_DISABLE_UPDATE_CHECK"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

    import httpx2
    from huggingface_hub import set_client_factory

    known: set[str] = set()

    def pass_door(request: "httpx2.Request") -> None:
        check_allowed()
        request.headers["user-agent"] = "Ponder"
        host = request.url.host
        if host not in known:
            known.add(host)
            _note(host, purpose)

    def client() -> "httpx2.Client":
        return httpx2.Client(
            event_hooks={"request": [pass_door]},
            follow_redirects=True,
            timeout=httpx2.Timeout(SILENCE_S, connect=CONNECT_S),
        )

    set_client_factory(client)


def server_client(host: str, purpose: str, ca_file: str = "") -> "httpx2.AsyncClient":
    """Return a client for one server of models; its answers are not waited for with a clock.

    host: without its port. purpose: in the user's words. ca_file: certificates that are trusted
    beside the system's. Raises WorldError where that file is none.
    """
    import httpx2

    known: set[str] = set()

    async def pass_door(request: "httpx2.Request") -> None:
        asked = request.url.host
        if reach(asked) == "away":
            check_allowed(asked)
        request.headers["user-agent"] = "Ponder"
        if asked not in known:
            known.add(asked)
            _note(asked, purpose)

    trusted = httpx2.create_ssl_context()
    if ca_file:
        try:
            trusted.load_verify_locations(ca_file)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise WorldError(
                Problem(
                    "server-certificates",
                    f"The file of certificates {ca_file} cannot be used.",
                    "Choose a file of certificates in PEM form, or none.",
                    str(error),
                )
            ) from error
    return httpx2.AsyncClient(
        event_hooks={"request": [pass_door]},
        verify=trusted,
        # What is asked holds a chat: it goes where the user said, or nowhere.
        follow_redirects=False,
        # An office's proxy knows nothing of this machine.
        trust_env=reach(host) != "here",
        timeout=httpx2.Timeout(None, connect=CONNECT_S, write=SILENCE_S),
    )


def _log_path() -> "Path":
    return paths.log_dir() / "connections.jsonl"


def _note(host: str, purpose: str) -> None:
    """Add a line to the list; several processes may, a short append is one write."""
    path = _log_path()
    line = json.dumps([host, purpose, round(time.time(), 1)]) + "\n"
    with suppress(OSError):  # a full disk must not keep a model from being searched
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _MOST_BYTES:
            path.replace(path.with_suffix(".1.jsonl"))
        with path.open("a", encoding="utf-8") as file:
            file.write(line)
