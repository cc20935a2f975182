"""The picker as its user handles it: by keys and by mouse, over a real hub on this machine."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app import paths
from app.models import library
from app.picker import listing
from app.picker.table import Line
from tests.support.hub_server import HubServer
from tests.ui import hub_scene
from tests.ui.drive import Driven
from tests.ui.test_theme import contrast
from ui.picker import ink
from ui.picker.panel import Picker
from ui.tokens import DARK, LIGHT, Theme

FOREVER = ["[THINK]", "Well, ", {"forever": "and so on, {n} "}]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with hub_scene.scene(monkeypatch, tmp_path) as server:
        yield server


@pytest.fixture
def driven(dressed: QApplication, tmp_path: Path, hub: HubServer) -> Iterator[Driven]:
    made = Driven(tmp_path)
    driven_window(made)
    yield made
    made.close()


def driven_window(driven: Driven) -> None:
    driven.until(lambda: driven.window.first_run.download.isVisible())


def opened(driven: Driven) -> Picker:
    """Open the picker by its key's action and wait for its first table."""
    driven.window.actions_["model"].trigger()
    picker = driven.presenter.models.picker
    driven.until(lambda: picker.detail.lines.line() is not None)
    return picker


def titles(picker: Picker) -> list[str]:
    rows = picker.list.items
    return [str(rows.index(row).data()) for row in range(rows.rowCount())]


def in_context(line: Line) -> int:
    return line.row.placement.context


def choose(driven: Driven, picker: Picker, item_id: str) -> None:
    picker.list.setCurrentIndex(picker.list.items.index_of(item_id))
    driven.until(lambda: picker.detail.lines.line() is not None)


def test_it_opens_over_the_window_and_esc_gives_the_keyboard_back(
    driven: Driven, qtbot: QtBot
) -> None:
    before = driven.window.focusWidget()
    picker = opened(driven)
    assert picker.isVisible()
    assert picker.geometry() == driven.window.rect()
    assert picker.list.hasFocus()
    assert titles(picker)[:3] == ["RECOMMENDED", "Tiny Reasoner", "Bound Reasoner"]
    assert titles(picker)[-2:] == ["NEEDS A BIGGER MACHINE", "Huge"]
    assert not driven.window.actions_["new_chat"].isEnabled()
    qtbot.keyClick(picker.list, Qt.Key.Key_Escape)
    assert not picker.isVisible()
    assert driven.window.focusWidget() is before
    assert driven.window.actions_["new_chat"].isEnabled()
    driven.window.header.chip.click()
    assert picker.isVisible()
    driven.window.actions_["model"].trigger()
    assert not picker.isVisible()


def test_tab_visits_everything_in_it_and_nothing_else(driven: Driven, qtbot: QtBot) -> None:
    picker = opened(driven)
    visited: list[QWidget] = []
    for _ in range(40):
        at = QApplication.focusWidget()
        assert at is not None
        assert picker.isAncestorOf(at)
        visited.append(at)
        qtbot.keyClick(at, Qt.Key.Key_Tab)
    detail = picker.detail
    wanted = [picker.search, picker.list, picker.file, picker.server, detail.lines, detail.cancel]
    assert {*wanted, detail.take, detail.steps[0]} <= set(visited)
    assert all(widget.accessibleName() or widget.property("text") for widget in set(visited))
    qtbot.keyClick(picker.list, Qt.Key.Key_Backtab)
    assert picker.isAncestorOf(QApplication.focusWidget())
    # The contexts are one stop, with the arrows moving within it, as radio buttons are.
    detail.steps[0].setFocus()
    qtbot.keyClick(detail.steps[0], Qt.Key.Key_Right)
    assert detail.steps[1].hasFocus()
    qtbot.keyClick(detail.steps[1], Qt.Key.Key_Space)
    driven.until(lambda: (line := detail.lines.line()) is not None and in_context(line) == 8192)


def test_the_table_says_what_the_plan_says(driven: Driven, qtbot: QtBot) -> None:
    picker = opened(driven)
    lines = picker.detail.lines
    line = lines.line()
    assert line is not None
    assert line.best
    cells = [str(lines.lines.index(0, column).data()) for column in range(5)]
    assert cells[0] == "F16, best fit"
    assert cells[1] == "5 of 5: indistinguishable"
    assert cells[2] == "1.7 MB"
    assert cells[3].startswith("weights ")
    assert cells[4].startswith("Fits, ")
    header = lines.lines.headerData(3, Qt.Orientation.Horizontal)
    assert header == "Memory of 16.0 GB free"
    assert [step.text() for step in picker.detail.steps] == ["4k recommended", "8k"]
    before = line.context_bytes
    qtbot.mouseClick(picker.detail.steps[1], Qt.MouseButton.LeftButton)
    driven.until(lambda: (at := lines.line()) is not None and at.context_bytes > before)
    assert picker.detail.steps[1].isChecked()
    line = lines.line()
    assert line is not None
    assert line.row.placement.context == 8192
    assert "Licence: Apache-2.0" in picker.detail.licence.text()


def test_a_licence_with_terms_has_to_be_accepted(driven: Driven, qtbot: QtBot) -> None:
    picker = opened(driven)
    qtbot.keyClick(picker.list, Qt.Key.Key_Down)
    detail = picker.detail
    driven.until(lambda: detail.take.toolTip() == "Accept the licence first.")
    assert detail.title.text() == "Bound Reasoner"
    assert detail.consent.isVisible()
    assert not detail.take.isEnabled()
    detail.lines.taken.emit()
    assert driven.presenter.models.transfers.all() == ()
    qtbot.keyClick(detail.consent, Qt.Key.Key_Space)
    assert detail.take.isEnabled()
    qtbot.keyClick(picker.list, Qt.Key.Key_Up)
    assert detail.title.text() == "Tiny Reasoner"
    assert not detail.consent.isVisible()
    assert not detail.take.isEnabled(), "the table is still the other model's"
    driven.until(detail.take.isEnabled)


def test_download_pause_resume_and_use(driven: Driven, hub: HubServer, qtbot: QtBot) -> None:
    hub.bytes_per_s = 400_000
    picker = opened(driven)
    detail, session = picker.detail, driven.session
    qtbot.keyClick(detail.lines, Qt.Key.Key_Return)
    driven.until(lambda: "of 1.7 MB" in detail.card.facts.text() and detail.card.bar.value() > 0)
    assert not detail.take.isEnabled()
    qtbot.mouseClick(detail.card.toggle, Qt.MouseButton.LeftButton)
    driven.until(lambda: detail.card.toggle.text() == "Resume")
    assert driven.window.sidebar.transfer.text().endswith("paused")
    hub.bytes_per_s = None
    qtbot.mouseClick(detail.card.toggle, Qt.MouseButton.LeftButton)
    driven.until(lambda: session.state.model.phase == "ready")
    driven.idle()
    # It closes nothing: the user is still in the picker, which shows where the model is now.
    assert picker.isVisible()
    driven.until(lambda: "Tiny-Reasoner-F16" in " ".join(titles(picker)))
    driven.until(lambda: detail.take.text() == "Use")
    assert not detail.card.isVisible()
    assert detail.note.text().startswith("promised ")
    local = picker.list.items.item(picker.list.items.index_of(session.state.model.path))
    assert local is not None
    assert local.loaded
    choose(driven, picker, local.id)
    driven.until(lambda: detail.take.text() == "Use")
    qtbot.mouseClick(detail.take, Qt.MouseButton.LeftButton)
    assert not picker.isVisible()
    driven.until(lambda: session.state.model.phase == "ready")
    driven.idle()


def test_a_download_is_cancelled_and_forgotten(
    driven: Driven, hub: HubServer, qtbot: QtBot
) -> None:
    hub.bytes_per_s = 200_000
    picker = opened(driven)
    qtbot.mouseClick(picker.detail.take, Qt.MouseButton.LeftButton)
    driven.until(picker.detail.card.isVisible)
    qtbot.mouseClick(picker.detail.card.cancel, Qt.MouseButton.LeftButton)
    driven.until(lambda: not picker.detail.card.isVisible())
    assert picker.detail.take.text() == "Download and use"
    assert not driven.window.sidebar.transfer.isVisible()


def test_a_failed_download_says_so_and_is_tried_again(
    driven: Driven, hub: HubServer, qtbot: QtBot
) -> None:
    hub.faults.api_status = (404, {})
    picker = opened(driven)
    qtbot.mouseClick(picker.detail.take, Qt.MouseButton.LeftButton)
    driven.until(picker.detail.card.problem.isVisible)
    assert picker.detail.take.text() == "Try again"
    banner = next(iter(driven.window.notices.shown().values()))
    assert banner.action.text() == "Try again"
    hub.faults.api_status = None
    qtbot.mouseClick(picker.detail.take, Qt.MouseButton.LeftButton)
    driven.until(lambda: driven.session.state.model.phase == "ready")
    driven.idle()


def test_while_an_answer_is_written_a_download_is_offered_not_loaded(
    driven: Driven, hub: HubServer, qtbot: QtBot
) -> None:
    driven.presenter.load_model(driven.script(FOREVER, token_s=0.05))
    driven.window.composer.send_requested.emit("Go on.")
    driven.until(lambda: driven.session.state.running is not None)
    picker = opened(driven)
    qtbot.mouseClick(picker.detail.take, Qt.MouseButton.LeftButton)
    notices = driven.window.notices
    driven.until(lambda: any("is here" in each.notice.title for each in notices.shown().values()))
    assert driven.session.state.running is not None
    qtbot.keyClick(picker.list, Qt.Key.Key_Escape)
    assert driven.session.state.running is not None, "Esc closes the picker, not the answer"
    banner = next(iter(notices.shown().values()))
    qtbot.mouseClick(banner.action, Qt.MouseButton.LeftButton)
    driven.until(lambda: driven.session.state.model.path.endswith(hub_scene.FILE))
    driven.until(lambda: driven.session.state.model.phase == "ready")
    driven.idle()


def test_the_hub_is_searched_with_the_same_columns(driven: Driven, qtbot: QtBot) -> None:
    picker = opened(driven)
    qtbot.keyClicks(picker.search, "Tiny")
    driven.until(lambda: titles(picker)[0] == listing.TITLES["found"].upper())
    driven.until(lambda: picker.detail.lines.line() is not None)
    assert picker.detail.title.text() == "Tiny-Reasoner-GGUF"
    line = picker.detail.lines.line()
    assert line is not None
    assert line.label == "F16"
    assert line.verdict.startswith("Fits, ")
    assert line.download_bytes == 1_674_240
    assert not picker.detail.consent.isVisible()
    picker.search.setFocus()
    qtbot.keyClick(picker.search, Qt.Key.Key_Escape)
    driven.until(lambda: titles(picker)[0] == "RECOMMENDED")
    assert picker.isVisible()


@pytest.mark.parametrize(
    ("typed", "said"),
    [("lm/Plain-Safetensors", "GGUF"), ("mistralai/Magistral-32B", "Magistral-32B")],
)
def test_an_address_that_does_not_run_here_says_why(
    driven: Driven, qtbot: QtBot, typed: str, said: str
) -> None:
    picker = opened(driven)
    qtbot.keyClicks(picker.search, typed)
    qtbot.keyClick(picker.search, Qt.Key.Key_Return)
    words = picker.answer, picker.detail.message
    driven.until(lambda: any(label.isVisible() and said in label.text() for label in words))
    assert picker.detail.take.isVisible() == (picker.detail.lines.line() is not None)


def test_what_needs_a_server_has_no_dead_button(driven: Driven) -> None:
    picker = opened(driven)
    picker.list.setCurrentIndex(picker.list.items.index_of("huge"))
    assert picker.detail.message.text() == "It needs a server with 400 GB."
    assert not picker.detail.take.isVisible()
    choose(driven, picker, "tiny")
    assert picker.detail.take.isVisible()


@pytest.mark.parametrize("which", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("tone", ["good", "warn", "bad", "muted"])
@pytest.mark.parametrize("ground", ["background", "card", "accent_soft"])
def test_verdicts_stand_out(which: Theme, tone: str, ground: str) -> None:
    assert contrast(ink.tone(tone, which), getattr(which, ground)) >= 4.5


def test_the_badge_stands_out() -> None:
    assert contrast(LIGHT.on_accent, ink.tone("good", LIGHT)) >= 4.5
    assert contrast(DARK.on_accent, DARK.good) >= 4.5


def test_a_smaller_one_is_made_of_a_file_that_is_here(
    driven: Driven, tmp_path: Path, qtbot: QtBot
) -> None:
    folder = library.models_folder() / "mine" / "repository"
    folder.mkdir(parents=True)
    source = Path(shutil.copy(paths.demo_model(), folder / "Mine-F16.gguf"))
    picker = opened(driven)
    detail = picker.detail
    choose(driven, picker, str(source))
    driven.until(lambda: detail.take.text() == "Use")
    labels = [line.label for line in lines_of(picker)]
    assert labels[:2] == ["F16", "Q8_0"]
    picker.detail.lines.selectRow(1)
    assert detail.take.text() == "Make and use"
    line = detail.lines.line()
    assert line is not None
    assert line.cost.startswith("to make, ")
    qtbot.mouseClick(detail.take, Qt.MouseButton.LeftButton)
    assert detail.card.title.text() == "Making Mine-Q8_0.gguf"
    assert not detail.card.toggle.isVisible()
    driven.until(lambda: driven.session.state.model.phase == "ready")
    driven.idle()
    made = Path(driven.session.state.model.path)
    assert made == source.with_name("Mine-Q8_0.gguf")
    assert abs(made.stat().st_size - line.row.shape.file_bytes) < 0.01 * made.stat().st_size
    assert not driven.window.sidebar.transfer.isVisible()
    driven.until(lambda: picker.list.items.index_of(str(made)).isValid())


def lines_of(picker: Picker) -> list[Line]:
    table = picker.detail.lines.lines
    found = (table.line(at) for at in range(table.rowCount()))
    return [line for line in found if line is not None]
