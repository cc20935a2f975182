"""One server over HTTP: what is asked, what comes back, and every way a connection can fail.

For child processes: it imports the client, through the one door (app.net). Asynchronous, because a
cancel has to close a connection that waits for a word, at once and without a second thread.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app import net
from app.errors import Problem, WorldError
from app.models.servers import Server
from app.server import problems
from app.server.stream import Comment, Done, Event, Lines, document, event

if TYPE_CHECKING:
    import httpx2

GET_S = 20.0
"""How long a server may take to list its models."""

_MOST_BYTES = 64_000_000  # of an answer that is not streamed
_ERROR_BYTES = 200_000


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. headers: their names in small letters."""

    headers: Mapping[str, str]
    body: bytes


class Wire:
    """The connection to a server. Its methods belong to one event loop and raise WorldError."""

    def __init__(self, server: Server, key: str | None, purpose: str) -> None:
        """purpose: for the list of connections. key: sent with every request, None for none."""
        self.host = server.address.host
        self._server = server
        self._key = key
        name = urlsplit(server.base).hostname or ""
        self._client = net.server_client(name, purpose, server.ca_file)

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    async def get(self, url: str, model: str = "") -> Reply:
        """Return what is at an address of the server. model: the one it is about, for errors."""
        with self._told(began=lambda: False):
            try:
                async with (
                    asyncio.timeout(GET_S),
                    self._client.stream("GET", url, headers=self._headers()) as response,
                ):
                    body = await _all(response, _MOST_BYTES)
            except TimeoutError:
                raise WorldError(problems.silent(self.host, GET_S, began=False)) from None
        self._check(response, body, model)
        return Reply(response.headers, body)

    async def ask(self, body: Mapping[str, Any]) -> AsyncGenerator[Event]:
        """Yield the events of an answer as they come, up to the server's own end or the body's.

        body: of the request. Raises WorldError, also in the middle.
        """
        began = False
        url = f"{self._server.base}/chat/completions"
        with self._told(began=lambda: began):
            request = self._client.build_request("POST", url, json=body, headers=self._headers())
            response = await self._waited(self._client.send(request, stream=True), began=False)
            try:
                if response.status_code != 200:
                    self._check(response, await _all(response, _ERROR_BYTES), str(body["model"]))
                kind = response.headers.get("content-type", "")
                if "html" in kind:
                    text = (await _all(response, _ERROR_BYTES)).decode("utf-8", "replace")
                    raise WorldError(problems.page(self.host, text))
                if "json" in kind:
                    whole = await self._waited(_all(response, _MOST_BYTES), began=False)
                    if whole.strip():
                        yield document(whole.decode("utf-8", "replace"))
                        yield Done()
                    return
                lines, chunks = Lines(), response.aiter_bytes()
                while True:
                    data = await self._waited(anext(chunks, None), began=began)
                    ended = [lines.finish()] if data is None else lines.feed(data)
                    for line in ended:
                        found = event(line) if line else None
                        if found is None:
                            continue
                        began = began or not isinstance(found, Comment)
                        yield found
                        if isinstance(found, Done):
                            return
                    if data is None:
                        return
            finally:
                await response.aclose()

    async def _waited(self, coming: Any, *, began: bool) -> Any:
        seconds = self._server.silence_s if began else self._server.first_s
        try:
            async with asyncio.timeout(seconds):
                return await coming
        except TimeoutError:
            raise WorldError(problems.silent(self.host, seconds, began=began)) from None

    def _headers(self) -> dict[str, str]:
        if self._key is None:
            return {}
        if not (self._key.isascii() and self._key.isprintable()):
            title = f"The key for {self.host} has characters in it that no key has."
            raise WorldError(Problem("server-key", title, "Copy it again and enter it anew."))
        return {"authorization": f"Bearer {self._key}"}

    def _check(self, response: "httpx2.Response", body: bytes, model: str) -> None:
        if response.status_code != 200:
            asked = (self.host, model)
            raise WorldError(
                problems.of_status(
                    asked, response.status_code, response.headers, body, key=self._key
                )
            )

    @contextmanager
    def _told(self, *, began: Any) -> Iterator[None]:
        """Turn the client's errors into problems. began: whether words had come."""
        import httpx2

        try:
            yield
        except httpx2.ConnectError as error:
            raise WorldError(self._unconnected(error)) from error
        except (httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise WorldError(problems.unreachable(self.host, _said(error))) from error
        except httpx2.ProxyError as error:
            title = f"The proxy on the way to {self.host} refused the connection."
            advice = "Check the variables HTTPS_PROXY and NO_PROXY."
            raise WorldError(Problem("server-proxy", title, advice, _said(error))) from error
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            title = f"{self._server.base} is not the address of a server."
            raise WorldError(Problem("server-address", title, "Check it.", _said(error))) from error
        except httpx2.HTTPError as error:
            if began():
                raise WorldError(problems.cut(self.host, _said(error))) from error
            title = f"{self.host} closed the connection without an answer."
            advice = "Try again; if it happens again, the server's own log says why."
            raise WorldError(Problem("server-closed", title, advice, _said(error))) from error

    def _unconnected(self, error: BaseException) -> Problem:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return problems.untrusted(self.host, str(cause))
            if isinstance(cause, ssl.SSLError):
                title = f"{self.host} does not speak the encrypted protocol."
                advice = "Try its address with http:// in front, if it is on your own network."
                return Problem("server-tls", title, advice, str(cause))
            cause = cause.__cause__ or cause.__context__
        return problems.unreachable(self.host, _said(error))


async def _all(response: "httpx2.Response", most: int) -> bytes:
    """Return a body, as much of it as anyone will read."""
    parts: list[bytes] = []
    size = 0
    async for data in response.aiter_bytes():
        parts.append(data)
        size += len(data)
        if size > most:
            break
    return b"".join(parts)[:most]


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
