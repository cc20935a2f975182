"""What a server, or what stands between, can do wrong beside what was recorded; each in a sentence.

A real socket, the real engine process.
"""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app import net, settings
from app.engine.protocol import Event, Failed, Finished, Loaded, LoadOptions
from app.models import servers
from app.prompts.segments import Turn
from app.server import address
from app.settings import Settings
from tests.support.certificates import authority
from tests.support.engine import Engine, said
from tests.support.replay_server import HANG, RESET, Answer, Raw, delta, replay, stream, whole

ASK = (Turn("user", ("Hi",)),)
MODEL = "tiny-magistral"
DONE = b"data: [DONE]\n\n"
HELLO = delta(content="Hello")
END = delta("stop")

MISTRALS = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}


def ask(engine: Engine, answer: Answer, **changes: float) -> list[Event]:
    with replay(answer, pace=0) as server:
        known = servers.Server(address.parse(server.host).base)
        servers.remember(replace(known, **changes))
        loaded = engine.load(LoadOptions(server.path(MODEL), backend="openai"))
        assert isinstance(loaded, Loaded), loaded
        return engine.ask((), turns=ASK)


FAULTS: list[tuple[str, Answer, str, str]] = [
    # what, the answer, the problem's key, and words of its title or advice
    ("forbidden", whole(403, {"error": {"message": "no"}}), "server-forbidden", "does not allow"),
    (
        "busy",
        whole(429, {"error": {"message": "slow down"}}, headers=("Retry-After: 20",)),
        "server-busy",
        "Try again in 20 s.",
    ),
    (
        "busy until a date",
        whole(429, "slow down", "text/plain", ("Retry-After: Wed, 21 Oct 2015 07:28:00 GMT",)),
        "server-busy",
        "Try again in a while.",
    ),
    (
        "no more quota",
        whole(429, {"error": {"code": "insufficient_quota", "message": "exceeded your quota"}}),
        "server-quota",
        "quota",
    ),
    ("broken", whole(500, {"error": "boom"}), "server-failed", "failed while it worked"),
    ("loading", whole(503, {"error": {"message": "Loading model"}}), "server-failed", "not ready"),
    ("a gateway's page", whole(502, "<html>", "text/html"), "server-failed", "not ready"),
    ("a page to log in", whole(200, "<html>Log in</html>", "text/html"), "server-page", "web page"),
    (
        "a redirect",
        whole(307, "", headers=("Location: https://evil.example/v1",)),
        "server-moved",
        "https://evil.example/v1",
    ),
    ("no such address", whole(404, {"detail": "Not Found"}), "server-not-found", "nothing at this"),
    ("an empty stream", stream(), "server-empty", "sent nothing back"),
    ("an empty body", whole(200, ""), "server-empty", "sent nothing back"),
    ("only the end", stream(DONE), "server-empty", "sent nothing back"),
    ("half of JSON", stream(b'data: {"choices": [{"del\n\n'), "server-nonsense", "no answer"),
    ("HTML in a stream", stream(b"<html>\n"), "server-nonsense", "no answer"),
    ("a list", stream(b"data: [1, 2]\n\n"), "server-nonsense", "no answer"),
    ("a bare error", stream(b'{"error": {"message": "no"}}\n'), "server-nonsense", "no answer"),
    ("a huge line", stream(b"data: " + b"x" * 9_000_000), "server-nonsense", "no answer"),
    ("a broken connection", Raw((RESET,)), "server-closed", "closed the connection"),
    ("not HTTP", Raw((b"SSH-2.0-OpenSSH_9.2\r\n",)), "server-closed", "closed the connection"),
]

CUTS: list[tuple[str, Answer, str]] = [
    ("an end without one", stream(HELLO), "server-cut"),
    ("a reset", stream(HELLO, 0.2, RESET), "server-cut"),
    ("an error in the stream", stream(HELLO, {"error": {"message": "x"}}, DONE), "server-failed"),
    ("an error as text", stream(HELLO, {"error": "out of memory"}, DONE), "server-failed"),
    ("an error of the answer", stream(HELLO, delta("error")), "server-failed"),
    ("a filter", stream(HELLO, delta("content_filter"), DONE), "server-filter"),
    ("silence", stream(HELLO, HANG), "server-silent"),
]

WHOLE: list[tuple[str, Answer, str, str]] = [
    # what, the answer, thought, text
    ("an end without DONE", stream(HELLO, END), "", "Hello"),
    ("DONE without a reason", stream(HELLO, DONE), "", "Hello"),
    ("comments", stream(b": ping\n\n", HELLO, b": ping\n\n", END, DONE), "", "Hello"),
    ("names and ids", stream(b"event: x\nid: 1\n", HELLO, b"retry: 5\n\n", END), "", "Hello"),
    (
        "Windows' lines",
        stream(b'data: {"choices":[{"delta":{"content":"Hi"}}]}\r\n', END),
        "",
        "Hi",
    ),
    ("no space", stream(b'data:{"choices":[{"delta":{"content":"Hi"}}]}\n\n', END), "", "Hi"),
    (
        "not UTF-8",
        stream(b'data: {"choices":[{"delta":{"content":"caf\xe9"}}]}\n\n', END),
        "",
        "caf\ufffd",
    ),
    (
        "parts, as Mistral's API sends them",
        stream(delta(content=[MISTRALS]), delta(content=[{"type": "text", "text": "Hi"}]), END),
        "Hm.",
        "Hi",
    ),
    ("a tag in parts", stream(*(delta(content=c) for c in "<think>a</think>b"), END), "a", "b"),
    (
        "a field, then tags",
        stream(delta(reasoning="a"), delta(content="[THINK]b"), delta(content="[/THINK]c"), END),
        "ab",
        "c",
    ),
    ("another's tags", stream(delta(content="<seed:think>a</seed:think>b"), END), "a", "b"),
    (
        "what looks like a tag",
        stream(delta(content="<thi"), delta(content="s>"), END),
        "",
        "<this>",
    ),
    ("fields of any type", stream({"choices": "x"}, {"usage": []}, HELLO, END), "", "Hello"),
    ("open after its end", stream(HELLO, END, DONE, HANG), "", "Hello"),
]


def test_what_goes_wrong_before_a_word(engine: Engine) -> None:
    for what, answer, key, words in FAULTS:
        end = ask(engine, answer)[-1]
        assert isinstance(end, Failed), what
        assert (what, end.problem.key) == (what, key)
        assert words in end.problem.sentence(), what
        assert end.problem.advice, what
        assert len(end.problem.detail) <= 2100, what


def test_what_goes_wrong_in_the_middle(engine: Engine) -> None:
    for what, answer, key in CUTS:
        events = ask(engine, answer, silence_s=0.4)
        end = events[-1]
        assert isinstance(end, Failed), what
        assert (what, end.problem.key) == (what, key)
        assert (what, said(events, "answer")) == (what, "Hello")


def test_what_is_odd_and_yet_an_answer(engine: Engine) -> None:
    for what, answer, thought, text in WHOLE:
        events = ask(engine, answer)
        assert isinstance(events[-1], Finished), (what, events[-1])
        assert (what, said(events, "thinking"), said(events, "answer")) == (what, thought, text)


def test_nothing_is_asked_of_the_internet_while_offline(engine: Engine) -> None:
    settings.save(Settings(offline=True))
    away = engine.load(LoadOptions("server:api.example.com/x", backend="openai"))
    assert isinstance(away, Failed)
    assert away.problem.key == "offline"
    assert "api.example.com was not asked" in away.problem.title
    assert "api.example.com" not in {contact.host for contact in net.contacts()}
    # This machine is not the internet.
    with replay(stream(HELLO, END), pace=0) as server:
        near = engine.load(LoadOptions(server.path(MODEL), backend="openai"))
        assert isinstance(near, Loaded)
        assert isinstance(engine.ask((), turns=ASK)[-1], Finished)
    (contact,) = net.contacts()
    assert (contact.host, contact.purpose) == ("127.0.0.1", "Chat with a model on a server")


class _Models(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"data": [{"id": MODEL, "owned_by": "vllm"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def lists(chain: Path | None) -> Iterator[str]:
    """Run a server that lists models, over TLS with a certificate or without; give its host."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Models)
    if chain is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_certificate_of_ones_own_has_to_be_named(engine: Engine, tmp_path: Path) -> None:
    chain = authority(tmp_path)
    with lists(chain) as host:
        where = address.parse(f"https://{host}")
        options = LoadOptions(address.path_of(where, MODEL), backend="openai")
        failed = engine.load(options)
        assert isinstance(failed, Failed)
        assert failed.problem.key == "server-certificate"
        servers.remember(servers.Server(where.base, ca_file=str(tmp_path / "nothing.pem")))
        failed = engine.load(options)
        assert isinstance(failed, Failed)
        assert failed.problem.key == "server-certificates"
        servers.remember(servers.Server(where.base, ca_file=str(chain)))
        assert isinstance(engine.load(options), Loaded)
    with lists(None) as host:
        where = address.parse(f"https://{host}")
        failed = engine.load(LoadOptions(address.path_of(where, MODEL), backend="openai"))
        assert isinstance(failed, Failed)
        assert failed.problem.key == "server-tls"
        assert "http://" in failed.problem.advice


def test_a_model_that_is_not_there_is_told_at_once(engine: Engine) -> None:
    with replay(pace=0) as server:
        failed = engine.load(LoadOptions(server.path("other"), backend="openai"))
    assert isinstance(failed, Failed)
    assert "no model named other" in failed.problem.title


def test_a_path_that_is_none(engine: Engine) -> None:
    for path in ("server:", "server:/x", "server:localhost:8080", "server:a b/x"):
        failed = engine.load(LoadOptions(path, backend="openai"))
        assert isinstance(failed, Failed), path
        assert failed.problem.key in ("server-path", "server-address"), path


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_is_not_asked_for_this_machine(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    with replay(stream(HELLO, END), pace=0) as server:
        assert isinstance(engine.load(LoadOptions(server.path(MODEL), backend="openai")), Loaded)
    away = engine.load(LoadOptions("server:http~models.example.com/x", backend="openai"))
    assert isinstance(away, Failed)
    assert away.problem.key in ("server-unreachable", "server-proxy")
