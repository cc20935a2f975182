"""Nothing in a message reaches out, reads a file, runs, or opens by itself; links say where to."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, QUrl
from PySide6.QtGui import QDesktopServices, QImage, QTextDocument
from PySide6.QtWidgets import QApplication, QMenu, QToolTip
from pytestqt.qtbot import QtBot

from app.markup import to_html
from tests.ui.chat import hostile, samples
from tests.ui.chat.test_reading import drag, mouse, spot
from ui.chat import links, style
from ui.chat.document import Document
from ui.chat.view import ChatView

ROOT = Path(__file__).parents[3]
CALLS = "network,openat,open,execve,readlink,stat,newfstatat,statx,access,faccessat2"


@pytest.fixture
def listener() -> Iterator[tuple[int, list[object]]]:
    """Return a port of this machine, and who has connected to it."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, who = server.accept()
                    came.append(who)
                    connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1], came
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """Return a folder with files that a message asks for."""
    folder = tmp_path / "asked-for"
    folder.mkdir()
    (folder / "secret.txt").write_text("secret")
    (folder / "canary.txt").write_text("read by the process itself")
    image = QImage(4, 4, QImage.Format.Format_RGB32)
    image.fill(0xFF0000)
    assert image.save(str(folder / "secret.png"))
    return folder


def traced(trace: Path) -> list[str]:
    """Return the beginning of a command that traces another, an empty one where that cannot be."""
    command = ["strace", "-f", "-s", "4096", "-o", str(trace), "-e", f"trace={CALLS}"]
    can = shutil.which("strace") is not None
    can = can and subprocess.run([*command, "true"], check=False).returncode == 0
    return command if can else []


def test_a_message_full_of_traps_touches_nothing(
    secrets: Path, listener: tuple[int, list[object]], tmp_path: Path
) -> None:
    port, came = listener
    trace = tmp_path / "trace"
    tracer = traced(trace)
    command = [*tracer, sys.executable, "-m", "tests.ui.chat.hostile"]
    command += ["--in", str(secrets), "--port", str(port)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    canary = str(secrets / "canary.txt")
    assert said == {"opened": [], "touched": [canary], "network": False}
    assert not came
    if tracer:
        lines = trace.read_text(errors="replace").splitlines()
        begins, ends = (
            next(at for at, line in enumerate(lines) if mark in line)
            for mark in (hostile.BEGINS, hostile.ENDS)
        )
        during = lines[begins:ends]
        touched = [line for line in during if str(secrets) in line]
        assert touched
        assert all(canary in line for line in touched)
        assert not [line for line in during if re.search(r"\bconnect\(|AF_INET", line)]


@pytest.mark.usefixtures("dressed")
def test_documents_ask_for_what_they_show_in_vain(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    load = Document.loadResource

    def spy(self: Document, kind: int, name: QUrl | str) -> object:
        asked.append(str(name))
        return load(self, kind, name)

    monkeypatch.setattr(Document, "loadResource", spy)
    text = hostile.HOSTILE.format(http="http://127.0.0.1:9", folder=secrets, port=9)
    shown = Document(style.of("answer"))
    shown.set_prose(to_html(text), source=text)
    shown.setTextWidth(500)
    assert not asked
    # Were HTML to come through all the same, it would ask, and be given nothing.
    url = QUrl.fromLocalFile(str(secrets / "secret.png"))
    raw = QTextDocument()
    raw.setHtml(f'<img src="{url.toString()}">')
    assert raw.resource(2, url)
    shown.setHtml(f'<img src="{url.toString()}">')
    assert not shown.resource(2, url)
    assert asked


@pytest.mark.parametrize(
    ("address", "words", "deceives"),
    [
        ("https://example.org/a", "the article", False),
        ("https://example.org/a", "example.org", False),
        ("https://www.example.org/", "http://Example.org/b", False),
        ("https://example.org/README", "README.md", False),
        ("https://example.org/v", "version 1.2", False),
        ("https://evil.example/x", "https://bank.example/login", True),
        ("https://evil.example/x", "bank.example", True),
        ("https://bank.example.evil.example/", "bank.example", True),
        ("https://bank.example@evil.example/", "click here", True),
        ("https://xn--bcher-kva.example/", "bücher.example", False),
        ("https://b\u0430nk.example/", "bank.example", True),
        ("mailto:a@evil.example", "a@bank.example", True),
        ("mailto:a@bank.example", "a@bank.example", False),
        ("https://192.0.2.1/", "192.0.2.7", True),
    ],
)
def test_a_link_that_says_another_host_is_told(address: str, words: str, deceives: bool) -> None:
    assert links.deceives(address, words) is deceives
    told = links.told(address, words)
    assert links.host(address) in told
    assert told.isascii()
    assert (told == links.shown(address)) is not deceives


def test_hidden_marks_in_an_address_are_shown() -> None:
    assert "\u202e" not in links.shown("https://example.org/\u202egnp.exe")
    assert "%E2%80%AE" in links.shown("https://example.org/\u202egnp.exe")


def test_a_mail_takes_no_files_along(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    links.open_link("mailto:a@b.example?attach=/etc/passwd&subject=a%20b&Attachment=x&body=c%26d")
    full = QUrl.ComponentFormattingOption.FullyEncoded
    assert opened == [QUrl("mailto:a@b.example?subject=a b&body=c%26d").toString()]
    assert "attach" not in QUrl(opened[0]).toString(full).lower()


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "file:///etc/passwd", r"\\host\share", "//host/share", "smb://h/s",
     "data:text/html,x", "vbscript:x", "ftp://h/", "https:", "http:///path", "HTTPS", "", "qrc:/x"],
)  # fmt: skip
def test_nothing_else_is_ever_opened(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: pytest.fail(url.toString()))
    assert not links.open_link(address)


def test_where_a_link_leads_is_seen_at_once(view: ChatView, qtbot: QtBot) -> None:
    text = "[bank.example](https://evil.example/x) and [fine](https://example.org/<b>) and words"
    view.show_conversation([samples.question(), samples.answer(text)], samples.alone, {})
    hint = view.reading._hint
    item, at = spot(view, "a1", 0, 30)
    mouse(item, QEvent.Type.MouseMove, at)
    assert hint.text == "Leads to evil.example, whatever it says: https://evil.example/x"
    assert hint.isVisible()
    mouse(item, QEvent.Type.MouseMove, at + QPoint(0, 200))
    assert not hint.isVisible()
    mouse(item, QEvent.Type.MouseMove, at)
    QApplication.sendEvent(item, QEvent(QEvent.Type.Leave))
    assert not hint.isVisible()


def test_a_link_that_is_not_what_it_seems_asks_before_it_opens(
    view: ChatView, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    text = "[bank.example](https://evil.example/x)"
    view.show_conversation([samples.question(), samples.answer(text)], samples.alone, {})
    item, at = spot(view, "a1", 0, 30)
    drag(item, at, item, at)
    assert not opened
    (menu,) = view.findChildren(QMenu)
    assert [action.text() for action in menu.actions()] == ["Open evil.example", "Copy link"]
    menu.actions()[0].trigger()
    assert opened == ["https://evil.example/x"]
    menu.close()


def test_a_tip_is_never_taken_for_markup(view: ChatView, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(QToolTip, "showText", lambda _at, text, _widget: told.append(text))
    monkeypatch.setattr(view.reading, "why_at", lambda _at: '<img src="file:///x.png">')
    view.show_conversation([samples.question(), samples.answer("words")], samples.alone, {})
    item, at = spot(view, "a1", 0, 30)
    hostile.hover(view, item.mapTo(view, at))
    assert told == ["<p>&lt;img src=&quot;file:///x.png&quot;&gt;</p>"]
