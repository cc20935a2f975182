"""The whole way of a first start: offer, download from a hub, load as planned, question, answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import paths
from tests.support.hub_server import HubServer
from tests.ui import hub_scene
from tests.ui.drive import Driven

QUESTION = "If a train travels 120 km in 1.5 hours, what is its average speed in m/s?"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with hub_scene.scene(monkeypatch, tmp_path, bytes_per_s=2_000_000) as server:
        yield server


@pytest.fixture
def driven(dressed: QApplication, tmp_path: Path, hub: HubServer) -> Iterator[Driven]:
    made = Driven(tmp_path)
    yield made
    made.close()


def test_first_run_download_load_answer(driven: Driven, hub: HubServer, qtbot: QtBot) -> None:
    window, session = driven.window, driven.session
    first_run = window.first_run
    driven.until(lambda: first_run.download.isVisible())
    assert first_run.machine.text() == "Test processor"
    assert first_run.facts.text() == "8 cores · 32 GB RAM"
    assert first_run.offer.text() == "Tiny Reasoner, F16"
    assert "4,096-token context" in first_run.advice.text()
    assert first_run.download.text() == "Download 1.7 MB"

    qtbot.mouseClick(first_run.download, Qt.MouseButton.LeftButton)
    driven.until(lambda: window.sidebar.transfer.isVisible() and first_run.card.isVisible())
    assert window.sidebar.transfer.text().startswith("Tiny Reasoner, F16 · ")
    driven.until(lambda: session.state.model.phase == "ready")
    assert not window.sidebar.transfer.isVisible()

    loaded = Path(session.state.model.path)
    assert loaded.name == hub_scene.FILE
    assert loaded.read_bytes() == paths.demo_model().read_bytes()
    plan = session.state.model.plan
    assert plan is not None
    assert plan.context == 4096
    assert session.state.context_total == 4096
    assert hub.total_sent() == loaded.stat().st_size
    assert session.state.model.promise.startswith("promised ")
    assert "Promised " in window.header.chip.toolTip()

    box = window.focusWidget()
    assert box is not None
    qtbot.keyClicks(box, QUESTION)
    qtbot.keyClick(box, Qt.Key.Key_Return)
    driven.until(lambda: bool(driven.texts()) and session.state.running is None)
    driven.idle()
    assert "22.2 m/s" in driven.texts()[-1]


def test_where_nothing_fits_the_demo_is_what_is_offered(
    dressed: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub_scene.scene(monkeypatch, tmp_path, look=lambda: hub_scene.computer(free_bytes=0)):
        driven = Driven(tmp_path)
        first_run = driven.window.first_run
        driven.until(lambda: "fits into" in first_run.advice.text())
        assert not first_run.download.isVisible()
        assert first_run.demo.property("kind") == "primary"
        driven.close()
