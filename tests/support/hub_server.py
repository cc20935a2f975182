"""A real HTTP server that speaks the hub's API, with faults to switch on: for its real client.

It knows what the client asks for: repositories with sizes and hashes, searches, files by HEAD and
by GET with ranges, through a redirect to "the content network" as large files have it. It counts
what it sends, so that a test can say which bytes were fetched twice.
"""

import hashlib
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_CHUNK = 1 << 16
_SMALL = 100_000  # what is larger is kept in large-file storage, as the hub does


@dataclass
class Repo:
    """A repository: its files (bytes, or a path to them) and what its page says."""

    files: dict[str, bytes | Path]
    tags: list[str] = field(default_factory=list)
    library: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    gated: bool = False
    downloads: int = 0


@dataclass
class Faults:
    """What goes wrong, until it is switched off. Counts fall by one each time; -1 is for ever.

    reset_after, stall_after: bytes of each answer before the connection breaks, or falls silent.
    statuses: answered to file requests, with headers, one after the other. api_status: to all API
    requests. lie_hash, lie_size: what the API says of files that are kept in large-file storage.
    no_ranges: answers 200 with everything. html: answers the API with a page to log in.
    """

    reset_after: int | None = None
    resets: int = -1
    stall_after: int | None = None
    stalls: int = -1
    statuses: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    api_status: tuple[int, dict[str, str]] | None = None
    lie_hash: bool = False
    lie_size: int = 0
    flip_byte: int | None = None
    no_ranges: bool = False
    html: bool = False


class HubServer:
    """The server; `url` is what HF_ENDPOINT has to name. bytes_per_s slows each answer."""

    def __init__(
        self,
        repos: dict[str, Repo],
        bytes_per_s: float | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.repos = repos
        self.bytes_per_s = bytes_per_s
        self.faults = Faults()
        self.token: str | None = None
        self.requests: list[tuple[str, str, str]] = []
        """Method, path and Range of every request."""
        self.agents: set[str] = set()
        self.sent: dict[str, int] = {}
        """Bytes of content by file."""
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self._hashes: dict[tuple[str, str], tuple[str, str, int]] = {}
        hub = self

        class Handler(_Handler):
            server_hub = hub

        self._server = _Server(("127.0.0.1", 0), Handler)
        scheme = "http"
        if tls is not None:
            scheme = "https"
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> "HubServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def total_sent(self) -> int:
        with self.lock:
            return sum(self.sent.values())

    def ranges(self) -> list[str]:
        """Return the ranges of all requests for content, "" where there was none."""
        with self.lock:
            return [wanted for method, path, wanted in self.requests if path.startswith("/cdn/")]

    def facts(self, repo: str, name: str) -> tuple[str, str, int]:
        """Return a file's sha256, git blob id and size."""
        if (repo, name) not in self._hashes:
            content = self.repos[repo].files[name]
            size = len(content) if isinstance(content, bytes) else content.stat().st_size
            sha256 = hashlib.sha256()
            blob = hashlib.sha1(f"blob {size}\0".encode())
            for piece in _pieces(content, 0, size):
                sha256.update(piece)
                blob.update(piece)
            self._hashes[repo, name] = (sha256.hexdigest(), blob.hexdigest(), size)
        return self._hashes[repo, name]


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is what these tests are about: no word of it."""


def _pieces(content: bytes | Path, start: int, end: int) -> Iterator[bytes]:
    if isinstance(content, bytes):
        for at in range(start, end, _CHUNK):
            yield content[at : min(end, at + _CHUNK)]
        return
    with content.open("rb") as file:
        file.seek(start)
        while start < end and (data := file.read(min(_CHUNK, end - start))):
            start += len(data)
            yield data


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_hub: HubServer
    timeout = 5

    def setup(self) -> None:
        # Small, so that what counts as sent has nearly arrived.
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _CHUNK)
        super().setup()

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(head=True)

    def do_GET(self) -> None:
        self._answer(head=False)

    def _answer(self, *, head: bool) -> None:
        hub = self.server_hub
        address = urlsplit(self.path)
        path = unquote(address.path)
        with hub.lock:
            hub.requests.append((self.command, path, self.headers.get("range", "")))
            hub.agents.add(self.headers.get("user-agent", ""))
        if path == "/api/models":
            self._search(parse_qs(address.query))
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._info(match.group(1), match.group(2))
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(*match.groups(), head=head)
        elif match := re.fullmatch(r"/cdn/([^/]+/[^/]+)/(.+)", path):
            self._content(*match.groups(), head=head)
        else:
            self._refuse(404, "EntryNotFound", "no such page")

    # ------------------------------------------------------------ the API

    def _search(self, query: dict[str, list[str]]) -> None:
        if self._api_fault():
            return
        words = query.get("search", [""])[0].lower().split()
        wanted = query.get("filter", [""])[0]
        found = [
            self._entry(name, repo, blobs=False)
            for name, repo in self.server_hub.repos.items()
            if all(word in name.lower() for word in words) and wanted in repo.tags
        ]
        self._json(found[: int(query.get("limit", ["100"])[0])])

    def _info(self, name: str, revision: str | None) -> None:
        if self._api_fault():
            return
        repo = self.server_hub.repos.get(name)
        if repo is None:
            self._refuse(401, "RepoNotFound", "Repository not found")
        elif revision not in (None, "main", COMMIT):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            self._json(self._entry(name, repo, blobs=True))

    def _api_fault(self) -> bool:
        faults = self.server_hub.faults
        if faults.html:
            self._send(200, b"<html>Please log in to the hotel's network</html>", "text/html")
        elif faults.api_status:
            status, headers = faults.api_status
            self._send(status, b"", "text/plain", headers)
        return bool(faults.html or faults.api_status)

    def _entry(self, name: str, repo: Repo, *, blobs: bool) -> dict[str, Any]:
        siblings = []
        faults = self.server_hub.faults
        for file in repo.files:
            entry: dict[str, Any] = {"rfilename": file}
            if blobs:
                sha256, blob, size = self.server_hub.facts(name, file)
                entry |= {"size": size, "blobId": blob}
                if size > _SMALL:
                    told = size + faults.lie_size
                    sha256 = "0" * 64 if faults.lie_hash else sha256
                    entry |= {"size": told}
                    entry["lfs"] = {"sha256": sha256, "size": told, "pointerSize": 134}
            siblings.append(entry)
        return {
            "id": name,
            "modelId": name,
            "author": name.partition("/")[0],
            "sha": COMMIT,
            "private": False,
            "gated": "manual" if repo.gated else False,
            "downloads": repo.downloads,
            "likes": 1,
            "lastModified": "2026-01-02T03:04:05.000Z",
            "createdAt": "2026-01-02T03:04:05.000Z",
            "tags": repo.tags,
            "library_name": repo.library,
            "config": repo.config,
            "cardData": repo.card,
            "siblings": siblings,
        }

    # ------------------------------------------------------------ files

    def _resolve(self, name: str, revision: str, file: str, *, head: bool) -> None:
        hub = self.server_hub
        repo = hub.repos.get(name)
        if repo is None:
            return self._refuse(401, "RepoNotFound", "Repository not found")
        if repo.gated and self.headers.get("authorization") != f"Bearer {hub.token}":
            status = 403 if self.headers.get("authorization") else 401
            return self._refuse(status, "GatedRepo", f"Access to model {name} is restricted")
        if revision not in ("main", COMMIT):
            return self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if file not in repo.files:
            return self._refuse(404, "EntryNotFound", "Entry not found")
        sha256, blob, size = hub.facts(name, file)
        linked = {"X-Repo-Commit": COMMIT, "ETag": f'"{blob}"', "Accept-Ranges": "bytes"}
        if size <= _SMALL:
            return self._content(name, file, head=head, extra=linked)
        linked |= {"X-Linked-Size": str(size), "X-Linked-ETag": f'"{sha256}"'}
        linked["Location"] = f"{hub.url}/cdn/{name}/{file}"
        return self._send(302, b"", "text/plain", linked)

    def _content(
        self, name: str, file: str, *, head: bool, extra: dict[str, str] | None = None
    ) -> None:
        hub = self.server_hub
        with hub.lock:
            status = hub.faults.statuses.pop(0) if hub.faults.statuses else None
        if status is not None:
            return self._send(status[0], b"", "text/plain", status[1])
        _, _, size = hub.facts(name, file)
        start, end = 0, size
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", ""))
        if asked and not hub.faults.no_ranges:
            start = int(asked.group(1))
            end = min(size, int(asked.group(2)) + 1) if asked.group(2) else size
            if start >= size:
                return self._send(416, b"", "text/plain", {"Content-Range": f"bytes */{size}"})
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(end - start))
        for key, value in (extra or {}).items():
            self.send_header(key, value)
        self.end_headers()
        if head:
            return None
        return self._stream(name, file, start, end)

    def _stream(self, name: str, file: str, start: int, end: int) -> None:
        hub = self.server_hub
        faults = hub.faults
        began = time.monotonic()
        sent = 0
        for data in _pieces(hub.repos[name].files[file], start, end):
            if hub.stopping.is_set():
                break
            if self._breaks(sent):
                return
            if faults.flip_byte is not None and 0 <= faults.flip_byte - start - sent < len(data):
                at = faults.flip_byte - start - sent
                data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            try:
                self.wfile.write(data)
            except OSError:
                break
            sent += len(data)
            with hub.lock:
                hub.sent[file] = hub.sent.get(file, 0) + len(data)
            if hub.bytes_per_s:
                hub.stopping.wait(max(0.0, began + sent / hub.bytes_per_s - time.monotonic()))
        if sent < end - start:
            self.close_connection = True

    def _breaks(self, sent: int) -> bool:
        """Break the connection, or fall silent, where that is switched on."""
        hub, faults = self.server_hub, self.server_hub.faults
        if faults.reset_after is not None and sent >= faults.reset_after and faults.resets:
            faults.resets -= 1
            self.close_connection = True
            # Not a polite end: the client sees "connection reset by peer".
            linger = struct.pack("ii", 1, 0)
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            with suppress(OSError):
                self.request.close()
            return True
        if faults.stall_after is not None and sent >= faults.stall_after and faults.stalls:
            faults.stalls -= 1
            self.close_connection = True
            self.request.settimeout(0.1)
            while not hub.stopping.is_set():
                try:
                    if not self.request.recv(1):
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
            return True
        return False

    # ------------------------------------------------------------ answers

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), "application/json")

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._send(status, b"", "text/plain", {"X-Error-Code": code, "X-Error-Message": message})

    def _send(
        self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def serving(
    repos: dict[str, Repo], bytes_per_s: float | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[HubServer]:
    """Serve repositories while the block runs."""
    with HubServer(repos, bytes_per_s, tls) as hub:
        yield hub
