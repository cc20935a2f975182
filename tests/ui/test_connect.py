"""Connecting to a server: the dialog, the chip, the picker, a chat, through the widgets."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app import net
from app.models import servers
from app.server.address import Address
from tests.support import captures, keychain
from tests.support.replay_server import Replay, replay, whole
from tests.ui.drive import Driven
from ui import jobs
from ui.server.dialog import ConnectDialog

THOUGHT = "Let me think about this question."


@pytest.fixture
def driven(dressed: QApplication, tmp_path: Path) -> Iterator[Driven]:
    driven = Driven(tmp_path)
    yield driven
    driven.close()


def opened(driven: Driven) -> ConnectDialog:
    driven.presenter.models.connect_server()
    dialog = driven.window.findChild(ConnectDialog)
    assert dialog is not None
    return dialog


def connect(driven: Driven, server: Replay) -> None:
    dialog = opened(driven)
    QTest.keyClicks(dialog.address, server.host)
    QTest.keyClick(dialog.address, Qt.Key.Key_Return)
    driven.until(lambda: dialog.models.count() > 0)
    QTest.mouseClick(dialog.connect_, Qt.MouseButton.LeftButton)
    driven.until(lambda: driven.session.state.model.phase in ("ready", "failed"))


def test_from_the_address_to_an_answer(driven: Driven) -> None:
    with replay("vllm_mi_stream", pace=0) as server:
        dialog = opened(driven)
        assert not dialog.connect_.isEnabled()
        QTest.keyClicks(dialog.address, server.host)
        QTest.mouseClick(dialog.test, Qt.MouseButton.LeftButton)
        driven.until(lambda: dialog.models.count() > 0)
        assert dialog.finding.title.text() == "vLLM · 1 model"
        assert "nothing leaves it" in dialog.finding.lines.text()
        assert dialog.models.item(0).text() == "tiny-magistral   2,048 tokens of context"
        QTest.keyClick(dialog.models, Qt.Key.Key_Return)
        driven.until(lambda: driven.session.state.model.phase == "ready")
        chip = driven.window.header.chip
        assert "on this machine's server" in chip.toolTip()
        assert driven.session.state.context_total == 2048
        driven.session.send("What is this?")
        driven.until(lambda: driven.session.state.running is None)
        driven.idle()
        answer = driven.session.state.conversation.branch()[-1]
        assert answer.thinking is not None
        assert answer.thinking.text.startswith(THOUGHT)
        assert answer.text.startswith("The answer is simple")
        assert answer.provenance is not None
        assert answer.provenance.engine == "vLLM"
        sent = server.questions()[0].body["messages"]
        assert [message["role"] for message in sent] == ["system", "user"]
        assert "First draft your thinking process" in sent[0]["content"]
    assert driven.session.settings.last_model == server.path("tiny-magistral")
    assert "127.0.0.1" in {contact.host for contact in net.contacts()}


def test_a_key_goes_to_the_keychain_and_nowhere_else(
    driven: Driven, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ponder_home: Path
) -> None:
    chain = keychain.install(monkeypatch, tmp_path / "keychain.json")
    with replay("vllm_mi_stream", pace=0) as server:
        server.models = captures.load("vllm_mi_badkey")
        dialog = opened(driven)
        QTest.keyClicks(dialog.address, server.host)
        QTest.keyClick(dialog.address, Qt.Key.Key_Return)
        driven.until(lambda: "asks for a key" in dialog.finding.title.text())
        server.models = captures.load("vllm_mi_models")
        QTest.keyClicks(dialog.key, "sk-very-secret")
        assert dialog.finding.isHidden()
        QTest.keyClick(dialog.key, Qt.Key.Key_Return)
        driven.until(lambda: dialog.models.count() > 0)
        assert server.asked[-1].headers["authorization"] == "Bearer sk-very-secret"
        QTest.mouseClick(dialog.connect_, Qt.MouseButton.LeftButton)
        driven.until(lambda: bool(servers.known()))
        driven.until(lambda: driven.session.state.model.phase in ("ready", "failed"))
        assert server.asked[-1].headers["authorization"] == "Bearer sk-very-secret"
    assert list(chain.kept().values()) == ["sk-very-secret"]
    assert servers.known()[0].key
    driven.idle()
    for path in ponder_home.rglob("*"):
        if path.is_file():
            assert b"very-secret" not in path.read_bytes(), path


def test_what_is_wrong_with_an_address_is_said_in_the_dialog(driven: Driven) -> None:
    dialog = opened(driven)
    QTest.keyClicks(dialog.address, "no address")
    QTest.keyClick(dialog.address, Qt.Key.Key_Return)
    driven.until(lambda: "is not the address" in dialog.finding.title.text())
    with replay(pace=0) as server:
        server.models = whole(200, "<html>Log in</html>", "text/html")
        dialog.address.clear()
        QTest.keyClicks(dialog.address, server.host)
        QTest.keyClick(dialog.address, Qt.Key.Key_Return)
        driven.until(lambda: "no answer" in dialog.finding.title.text())
    assert not dialog.connect_.isEnabled()
    dialog.close()


def test_a_known_server_is_in_the_picker(driven: Driven) -> None:
    with replay("vllm_mi_stream", pace=0) as server:
        known = servers.Server(f"http://{server.host}/v1", "vllm", model="tiny-magistral")
        servers.remember(known)
        driven.window.actions_["model"].trigger()
        picker = driven.presenter.models.picker
        item_id = server.path("tiny-magistral")
        driven.until(lambda: picker.list.items.index_of(item_id).isValid())
        picker.list.setCurrentIndex(picker.list.items.index_of(item_id))
        detail = picker.detail
        assert detail.title.text() == "tiny-magistral"
        assert detail.facts.text() == f"vLLM · {server.host}"
        assert "runs on this machine" in detail.message.text()
        assert (detail.take.text(), detail.take.isEnabled()) == ("Use", True)
        QTest.mouseClick(detail.take, Qt.MouseButton.LeftButton)
        driven.until(lambda: driven.session.state.model.phase == "ready")
        assert picker.isHidden()


def test_a_server_is_forgotten_with_its_key(
    driven: Driven, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chain = keychain.install(monkeypatch, tmp_path / "keychain.json")
    with replay("vllm_mi_stream", pace=0) as server:
        known = servers.Server(f"http://{server.host}/v1", "vllm", model="tiny-magistral")
        servers.remember(known, "sk-1")
        driven.window.actions_["model"].trigger()
        items = driven.presenter.models.picker.list.items
        path = server.path("tiny-magistral")
        driven.until(lambda: items.index_of(path).isValid())
        driven.presenter.models.picker.list.setCurrentIndex(items.index_of(path))
        dialog = opened(driven)
        assert dialog.address.text() == known.base
        driven.until(lambda: dialog.models.count() > 0)
        assert server.asked[-1].headers["authorization"] == "Bearer sk-1"
        QTest.mouseClick(dialog.forget, Qt.MouseButton.LeftButton)
        driven.until(lambda: not items.index_of(path).isValid())
        driven.until(jobs.idle)
    assert servers.known() == ()
    assert chain.kept() == {}


def test_the_button_in_the_picker_opens_the_dialog(driven: Driven) -> None:
    driven.window.actions_["model"].trigger()
    picker = driven.presenter.models.picker
    driven.until(jobs.idle)
    QTest.mouseClick(picker.server, Qt.MouseButton.LeftButton)
    dialog = driven.window.findChild(ConnectDialog)
    assert dialog is not None
    assert dialog.isVisible()
    dialog.close()


def test_a_stream_that_is_cut_keeps_what_came_and_offers_to_go_on(driven: Driven) -> None:
    cut = captures.load("vllm_mi_stream")
    half = captures.Recording(cut.status, cut.headers, cut.lines[:60], ended=True)
    with replay(half, "vllm_mi_stream", pace=0, cut=True) as server:
        connect(driven, server)
        driven.session.send("What is this?")
        driven.until(lambda: driven.session.state.running is None)
        driven.idle()
        message = driven.session.state.conversation.branch()[-1]
        assert message.status == "interrupted"
        assert "ended in the middle" in message.note
        assert message.thinking is not None
        before = message.thinking.text
        server.cut = False
        driven.session.continue_answer(message.id)
        driven.until(lambda: driven.session.state.running is None)
        driven.idle()
        message = driven.session.state.conversation.branch()[-1]
        assert message.status == "done"
        assert message.thinking is not None
        assert message.thinking.text.startswith(before)
        assert server.questions()[1].body["continue_final_message"] is True


def test_a_server_elsewhere_is_marked_as_leaving_this_machine() -> None:
    from app.engine.protocol import ServerFacts
    from app.server import words

    facts = ServerFacts("gpu-box:8000", "vLLM", here=False)
    assert words.chip(facts) == "vLLM · on gpu-box:8000 · leaves this machine"
    assert "is not encrypted" in words.privacy(Address("http://gpu-box:8000/v1"))
    assert "leaves this machine" in words.privacy(Address("https://api.mistral.ai/v1"))
