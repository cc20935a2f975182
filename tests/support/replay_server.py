"""A server that answers as real ones did: recordings over a real socket, with their pauses.

It also plays what no recording has: `Raw` bytes with pauses, hangs and broken connections between
them. It keeps what it was asked, and notices when the other side closes.
"""

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.support.captures import Recording, load

HANG, RESET = "hang", "reset"
"""Parts of a Raw: say nothing until the other side closes; break the connection hard."""


@dataclass(frozen=True)
class Raw:
    """Bytes as they are sent; numbers between them are pauses in seconds."""

    parts: tuple[bytes | float | str, ...]


Answer = Recording | Raw


@dataclass
class Asked:
    """One request. body: of a question, as JSON."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Replay:
    """See the module. chats: one a question, the last one again and again.

    pace: of the recordings' pauses, what is kept. cut: recordings end without the end that their
    encoding asks for. closed: the other side closed while an answer was on its way.
    """

    chats: list[Answer] = field(default_factory=list)
    models: Answer | None = None
    others: dict[str, Answer] = field(default_factory=dict)
    pace: float = 0.05
    cut: bool = False
    asked: list[Asked] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)
    sent: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def host(self) -> str:
        """Return host and port."""
        return f"127.0.0.1:{self.port}"

    def path(self, model: str = "tiny") -> str:
        """Return the path of a model here."""
        return f"server:{self.host}/{model}"

    def questions(self) -> list[Asked]:
        """Return the requests for an answer."""
        return [asked for asked in self.asked if asked.path.endswith("/chat/completions")]


@contextmanager
def replay(
    *chats: Answer | str, models: str = "vllm_mi_models", **options: Any
) -> Iterator[Replay]:
    """Run a server; names stand for recordings. `models` answers the list of models."""
    answers = [load(chat) if isinstance(chat, str) else chat for chat in chats]
    server = Replay(answers, load(models) if models else None, **options)
    listener = socket.create_server(("127.0.0.1", 0))
    server.port = listener.getsockname()[1]
    over = threading.Event()
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=_serve, args=(server, connection, over))
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield server
    finally:
        over.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (accepting, *threads):
            thread.join()


def _serve(server: Replay, connection: socket.socket, over: threading.Event) -> None:
    with connection, suppress(OSError):
        asked = _read(connection)
        if asked is None:
            return
        server.asked.append(asked)
        answer = _choose(server, asked)
        try:
            if isinstance(answer, Recording):
                _play(server, answer, connection, over)
            else:
                _send_raw(answer, connection, server, over)
        except OSError:
            server.closed.set()


def _choose(server: Replay, asked: Asked) -> Answer:
    if asked.path.endswith("/models") and asked.path not in server.others and server.models:
        return server.models
    if asked.path.endswith("/chat/completions") and server.chats:
        return server.chats.pop(0) if len(server.chats) > 1 else server.chats[0]
    return server.others.get(asked.path, whole(404, {"detail": "Not Found"}))


def _read(connection: socket.socket) -> Asked | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return Asked(first.split()[1], headers, json.loads(body) if body else {})


def _play(
    server: Replay, recording: Recording, connection: socket.socket, over: threading.Event
) -> None:
    kept = [
        f"{name}: {value}"
        for name, value in recording.headers
        if name.lower() not in ("content-length", "connection", "keep-alive")
    ]
    body = "\n".join(line for _, line in recording.lines)
    if not recording.streamed:
        kept.append(f"Content-Length: {len(body.encode())}")
    head = "\r\n".join((f"HTTP/1.1 {recording.status}", *kept, "Connection: close"))
    connection.sendall(f"{head}\r\n\r\n".encode())
    if not recording.streamed:
        connection.sendall(body.encode())
        return
    began = time.monotonic()
    for at, line in recording.lines:
        _pause(connection, began + at * server.pace - time.monotonic(), over)
        data = f"{line}\n".encode()
        connection.sendall(b"%x\r\n%s\r\n" % (len(data), data) if recording.chunked else data)
        server.sent.set()
    if not recording.ended:
        _hang(connection, server, over)
    elif recording.chunked and not server.cut:
        connection.sendall(b"0\r\n\r\n")


def _send_raw(
    answer: Raw, connection: socket.socket, server: Replay, over: threading.Event
) -> None:
    for part in answer.parts:
        if isinstance(part, bytes):
            connection.sendall(part)
            server.sent.set()
        elif part == HANG:
            _hang(connection, server, over)
        elif part == RESET:
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return
        else:
            _pause(connection, float(part), over)


def _pause(connection: socket.socket, seconds: float, over: threading.Event) -> None:
    """Wait; raise OSError where the other side closes meanwhile."""
    if seconds > 0:
        over.wait(seconds)
    connection.setblocking(False)
    try:
        if connection.recv(1) == b"":
            raise ConnectionAbortedError
    except BlockingIOError:
        pass
    finally:
        connection.setblocking(True)


def _hang(connection: socket.socket, server: Replay, over: threading.Event) -> None:
    connection.settimeout(0.05)
    while not over.is_set():
        with suppress(TimeoutError):
            if connection.recv(1) == b"":
                server.closed.set()
                return


# ---------------------------------------------------------------- answers that no recording has


def whole(
    status: int, body: Any, kind: str = "application/json", headers: tuple[str, ...] = ()
) -> Raw:
    """Return an answer in one piece; body: JSON, or text as it is."""
    data = (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = (f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(data)}")
    head = "\r\n".join((*lines, *headers, "Connection: close"))
    return Raw((f"{head}\r\n\r\n".encode() + data,))


def stream(*parts: bytes | float | str | dict[str, Any]) -> Raw:
    """Return a stream that ends with the connection; dictionaries become its events."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    sent = (
        f"data: {json.dumps(part)}\n\n".encode() if isinstance(part, dict) else part
        for part in parts
    )
    return Raw((head, *sent))


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return the event of a piece of an answer."""
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}
