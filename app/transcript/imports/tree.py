"""From the nodes of a file to a conversation, whatever they say of one another.

Files name parents that are not there, the same id twice, or a circle of messages that each follow
the next. None of that may lose a message or loop for ever: every node is placed once, after its
parent, and where its place cannot be known it begins a branch of its own, which is said.

A node of which nothing is kept (a call of a tool, a program's own root) leaves no hole: what
follows it follows what precedes it. A node that holds only a thought belongs to the answer after
it.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, replace

from app.chat.conversation import Conversation
from app.chat.message import Message, Part, Provenance, Role, Status, Thinking, new_id
from app.engine.protocol import Sampling
from app.transcript.imports.gathering import Gathering


@dataclass(frozen=True, slots=True)
class Node:
    """A message as a file has it. key, parent: its names there. at: seconds since the epoch.

    parts: () where nothing of it is kept. thought: it holds nothing but a thought on the way.
    model: what wrote it, "" where that is not said.
    """

    key: str
    parent: str | None
    role: Role
    parts: tuple[Part, ...]
    at: float | None = None
    model: str = ""
    status: Status = "done"
    note: str = ""
    thought: bool = False


@dataclass(slots=True)
class _Place:
    """Where a node's children go: below which message, after which thought, at what time."""

    message: str | None
    at: float
    pending: tuple[Node, ...] = ()


def grown(
    nodes: Iterable[Node],
    leaf: str | None,
    *,
    source: str,
    start: float | None,
    gathering: Gathering,
) -> Conversation:
    """Return the conversation of nodes. leaf: the key of the last message shown.

    source: the program that wrote them. start: when the chat began, for messages without a time.
    """
    ordered = _in_order(_unique(nodes, gathering), gathering)
    carried = _carried(ordered)
    places: dict[str | None, _Place] = {None: _Place(None, start or gathering.now)}
    messages: dict[str, Message] = {}
    for node in ordered:
        above = places[node.parent]
        at = above.at if node.at is None else node.at
        if not node.parts or node.key in carried:
            waiting = (*above.pending, node) if node.parts else above.pending
            places[node.key] = _Place(above.message, at, waiting)
            continue
        before = above.pending if node.role == "assistant" else ()
        message = _message(node, above.message, at, source, before)
        messages[message.id] = message
        places[node.key] = _Place(message.id, at)
    shown = places[leaf].message if leaf is not None and leaf in places else None
    return Conversation(messages, shown or next(reversed(messages), None))


def _message(
    node: Node, parent: str | None, at: float, source: str, before: tuple[Node, ...]
) -> Message:
    provenance = None
    if node.role == "assistant":
        provenance = Provenance(
            node.model, "", 0, "", "", "", 0, Sampling(), "", "", imported=source
        )
    parts = (*(part for one in before for part in one.parts), *node.parts)
    return Message(
        new_id(),
        parent,
        node.role,
        _one_thought(parts),
        at,
        node.status,
        node.note,
        None,
        provenance,
    )


def _one_thought(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return the parts with all thoughts as one, before everything else: an answer has one."""
    thoughts = [part for part in parts if isinstance(part, Thinking)]
    if not thoughts:
        return parts
    whole = Thinking(
        "\n\n".join(thought.text for thought in thoughts),
        all(thought.closed for thought in thoughts),
        sum(thought.seconds for thought in thoughts),
    )
    return (whole, *(part for part in parts if not isinstance(part, Thinking)))


def _unique(nodes: Iterable[Node], gathering: Gathering) -> dict[str, Node]:
    """Return the nodes by their key; one that has another's stands beside it under a new one."""
    found: dict[str, Node] = {}
    for node in nodes:
        if found.get(node.key) == node:
            continue
        if node.key in found:
            gathering.leave_out("ids that two messages had, given anew")
            key = new_id()
            found[key] = replace(node, key=key)
        else:
            found[node.key] = node
    return found


def _in_order(nodes: dict[str, Node], gathering: Gathering) -> list[Node]:
    """Return the nodes, each after its parent, else by their times, else as the file has them."""
    rank = {key: number for number, key in enumerate(nodes)}
    children: dict[str | None, list[str]] = {}
    for key, node in nodes.items():
        children.setdefault(node.parent if node.parent in nodes else None, []).append(key)
        if node.parent is not None and node.parent not in nodes:
            gathering.leave_out("places of messages that follow one that is missing")
    ordered: list[Node] = []
    placed: set[str] = set()
    ready: list[tuple[float, int, str]] = []

    def offer(keys: Iterable[str], since: float) -> None:
        for key in keys:
            at = nodes[key].at
            heapq.heappush(ready, (since if at is None else at, rank[key], key))

    offer(children.get(None, ()), 0.0)
    unplaced = iter(nodes)
    while len(placed) < len(nodes):
        if not ready:
            # Only circles are left: each is cut before the one that the file has first.
            start = next(key for key in unplaced if key not in placed)
            gathering.leave_out("places of messages that follow one another in a circle")
            nodes[start] = replace(nodes[start], parent=None)
            offer([start], 0.0)
        at, _, key = heapq.heappop(ready)
        if key in placed:
            continue
        placed.add(key)
        node = nodes[key]
        if node.parent not in placed:
            node = replace(node, parent=None)
        ordered.append(node)
        offer((child for child in children.get(key, ()) if child not in placed), at)
    return ordered


def _carried(ordered: list[Node]) -> set[str]:
    """Return the keys of the thoughts after which an answer comes, to which they belong."""
    answered: set[str] = set()
    carried: set[str] = set()
    for node in reversed(ordered):
        passes = node.thought or not node.parts
        if passes and node.key in answered:
            if node.thought:
                carried.add(node.key)
            if node.parent is not None:
                answered.add(node.parent)
        elif not passes and node.role == "assistant" and node.parent is not None:
            answered.add(node.parent)
    return carried
