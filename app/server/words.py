"""What the window and the command line say of a server: what answers, and where the words go."""

from typing import TYPE_CHECKING

from app.server.address import Address
from app.server.kinds import KINDS, limits

if TYPE_CHECKING:
    from app.engine.protocol import ServerFacts
    from app.models.servers import Server
    from app.server.probe import Found

HERE = "on this machine's server"


def chip(facts: "ServerFacts") -> str:
    """Return where a model answers, as the header's chip has it."""
    if facts.here:
        return f"{facts.kind} · {HERE}"
    return f"{facts.kind} · on {facts.host} · leaves this machine"


def privacy(address: Address) -> str:
    """Return what connecting means for what is written."""
    if address.reach == "here":
        return "The server runs on this machine: nothing leaves it by way of Ponder."
    said = f"What you write is sent to {address.host}: it leaves this machine."
    if not address.encrypted:
        said += " On the way it is not encrypted."
    return said


def offline(address: Address) -> str:
    """Return what the offline switch means for a server, while it is on."""
    if address.reach == "away":
        return "Ponder is switched to offline: this server cannot be used until that is changed."
    return "Ponder is switched to offline: servers on this machine and its own network still work."


def found(server: "Server", seen: "Found") -> str:
    """Return in a line what a look at a server found."""
    count = len(seen.models)
    said = [f"{seen.kind.label} {seen.version}".strip()]
    said.append("1 model" if count == 1 else f"{count:,} models")
    if not server.address.encrypted and server.address.reach == "away":
        said.append("not encrypted")
    return " · ".join(said)


def model(seen: "Found", name: str) -> str:
    """Return what is known of a model in the list of a server, "" where nothing is."""
    context = seen.contexts.get(name, 0)
    said = [f"{context:,} tokens of context"] if context else []
    if name in seen.sees:
        said.append("sees pictures")
    return " · ".join(said)


def subtitle(server: "Server") -> str:
    """Return the second line of a server's model in the picker."""
    kind = KINDS.get(server.kind, KINDS["other"])
    label = kind.label if kind.name != "other" else "server"
    return f"{label} · {server.address.host}"


def about(server: "Server") -> str:
    """Return what the picker says of a server's model: where it is, and what it cannot do."""
    kind = KINDS.get(server.kind, KINDS["other"])
    return "\n\n".join((privacy(server.address), *limits(kind)))
