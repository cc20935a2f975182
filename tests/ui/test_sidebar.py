"""The list of chats: what stands where, what the keyboard does, what thousands of chats cost."""

import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDrag, QMouseEvent
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from app.chat.message import ChatSummary
from ui import theme
from ui.sidebar.groups import Entry, Heading, rows
from ui.sidebar.model import OPEN_ROLE, RUNNING_ROLE
from ui.sidebar.view import Sidebar


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Live where days can have 23 hours."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(text: str) -> float:
    return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M"))


def listed(*dates: str, now: str, query: str = "") -> list[str]:
    chats = [ChatSummary(str(n), f"Chat {n}", at(date)) for n, date in enumerate(dates)]
    return [row.text if isinstance(row, Heading) else row.id for row in rows(chats, at(now), query)]


def test_chats_stand_below_their_day() -> None:
    found = listed(
        "2026-11-21 00:00",
        "2026-11-20 23:59",
        "2026-11-19 12:00",
        "2026-11-14 00:00",
        "2026-11-13 23:59",
        "2026-10-31 12:00",
        "2025-11-21 12:00",
        "2026-11-22 12:00",
        now="2026-11-21 09:00",
    )
    assert found == [
        *("Today", "7", "0"),
        *("Yesterday", "1"),
        *("Previous 7 days", "2", "3"),
        *("November", "4"),
        *("October", "5"),
        *("November 2025", "6"),
    ]


def test_a_day_of_23_hours_is_one_day() -> None:
    found = listed("2026-03-29 00:30", "2026-03-28 23:30", now="2026-03-30 00:10")
    assert found == ["Yesterday", "0", "Previous 7 days", "1"]


def test_the_query_finds_all_its_words_in_any_case() -> None:
    chats = [ChatSummary("1", "Straße nach\nRom", 0), ChatSummary("2", "Rome", 0)]
    found = rows(chats, 0, "ROM strasse")
    assert found[1:] == (Entry("1", "Straße nach Rom"),)
    assert rows(chats, 0, "paris") == (Heading("No chat has such a title"),)
    assert rows([], 0) == (Heading("No chats yet"),)


def test_a_chat_without_a_title_has_a_name() -> None:
    assert rows([ChatSummary("1", " \n", 0)], 0)[1] == Entry("1", "New chat")


CHATS = tuple(
    ChatSummary(str(n), title, time.time() - n)
    for n, title in enumerate(["Average speed", "Sum of angles", "Retry loop"])
)


@pytest.fixture
def sidebar(dressed: QApplication, qtbot: QtBot) -> Sidebar:
    made = Sidebar()
    made.complete()
    qtbot.addWidget(made)
    made.resize(made.width(), 600)
    made.show_chats(CHATS, "1", "2")
    made.show()
    return made


def test_it_says_that_there_are_none(dressed: QApplication, qtbot: QtBot) -> None:
    made = Sidebar()
    made.complete()
    qtbot.addWidget(made)
    assert made.model.index(0).data() == "NO CHATS YET"
    assert made.model.index(0).flags() == Qt.ItemFlag.NoItemFlags


def test_typing_filters_and_enter_opens_the_first(sidebar: Sidebar, qtbot: QtBot) -> None:
    qtbot.keyClicks(sidebar.search, "retry")
    assert sidebar.model.chats() == ["2"]
    with qtbot.waitSignal(sidebar.open_requested) as opened:
        qtbot.keyClick(sidebar.search, Qt.Key.Key_Return)
    assert opened.args == ["2"]
    qtbot.keyClick(sidebar.search, Qt.Key.Key_Escape)
    assert sidebar.model.chats() == ["0", "1", "2"]


def test_arrows_walk_over_headings_and_enter_opens(sidebar: Sidebar, qtbot: QtBot) -> None:
    qtbot.keyClick(sidebar.search, Qt.Key.Key_Down)
    assert sidebar.model.chat_at(sidebar.list.currentIndex()) == "0"
    qtbot.keyClick(sidebar.list, Qt.Key.Key_Up)
    assert sidebar.model.chat_at(sidebar.list.currentIndex()) == "0"
    qtbot.keyClick(sidebar.list, Qt.Key.Key_Down)
    with qtbot.waitSignal(sidebar.open_requested) as opened:
        qtbot.keyClick(sidebar.list, Qt.Key.Key_Return)
    assert opened.args == ["1"]


def test_a_click_opens(sidebar: Sidebar, qtbot: QtBot) -> None:
    middle = sidebar.list.visualRect(sidebar.model.index_of("2")).center()
    with qtbot.waitSignal(sidebar.open_requested) as opened:
        qtbot.mouseClick(sidebar.list.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    assert opened.args == ["2"]
    heading = sidebar.list.visualRect(sidebar.model.index(0)).center()
    with qtbot.assertNotEmitted(sidebar.open_requested):
        qtbot.mouseClick(sidebar.list.viewport(), Qt.MouseButton.LeftButton, pos=heading)


def test_a_title_is_edited_in_place(sidebar: Sidebar, qtbot: QtBot) -> None:
    sidebar.list.rename("0")
    editor = sidebar.list.findChild(QLineEdit)
    assert editor is not None
    assert editor.text() == "Average speed"
    editor.setText("  A better\n title ")
    with qtbot.waitSignal(sidebar.rename_requested) as renamed:
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert renamed.args == ["0", "A better title"]


def test_an_empty_or_unchanged_title_changes_nothing(sidebar: Sidebar, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(sidebar.rename_requested):
        assert not sidebar.model.setData(sidebar.model.index_of("0"), " \n ")
        assert not sidebar.model.setData(sidebar.model.index_of("0"), "Average speed")
        assert not sidebar.model.setData(sidebar.model.index(0), "Heading")


def test_one_bare_key_never_deletes(sidebar: Sidebar, qtbot: QtBot) -> None:
    sidebar.activateWindow()
    sidebar.list.setFocus()
    sidebar.list.setCurrentIndex(sidebar.model.index_of("0"))
    with qtbot.assertNotEmitted(sidebar.delete_requested):
        qtbot.keyClick(sidebar.list, Qt.Key.Key_Delete)
        qtbot.keyClick(sidebar.list, Qt.Key.Key_Backspace)
    with qtbot.waitSignal(sidebar.delete_requested) as deleted:
        qtbot.keyClick(sidebar.list, Qt.Key.Key_Delete, Qt.KeyboardModifier.ControlModifier)
    assert deleted.args == ["0"]


def test_the_search_box_looks_the_same_before_and_after_the_sheet(
    dressed: QApplication, qtbot: QtBot
) -> None:
    looks = []
    for sheet in (False, True):
        theme.install(dressed, "light", sheet=sheet)
        if not sheet:
            dressed.setStyleSheet("")
        made = Sidebar()
        qtbot.addWidget(made)
        made.show()
        made.setFocus()
        image = made.grab().toImage().copy(made.search.geometry())
        # A corner, the line, the glass and the ground.
        points = ((0, 0), (0, 18), (15, 16), (100, 5))
        looks.append([image.pixelColor(x, y).name().upper() for x, y in points])
    assert looks[0] == looks[1]
    assert looks[0][0] == theme.LIGHT.sidebar
    assert looks[0][3] == theme.LIGHT.card


def test_the_context_menu_renames_and_deletes(sidebar: Sidebar, qtbot: QtBot) -> None:
    menu = sidebar.list.menu_for("0")
    qtbot.addWidget(menu)
    with qtbot.waitSignal(sidebar.delete_requested) as deleted:
        next(one for one in menu.actions() if one.text() == "Delete").trigger()
    assert deleted.args == ["0"]


def test_marks_are_shown_and_said(sidebar: Sidebar) -> None:
    model = sidebar.model
    assert [model.index_of(chat).data(OPEN_ROLE) for chat in "012"] == [False, True, False]
    assert [model.index_of(chat).data(RUNNING_ROLE) for chat in "012"] == [False, False, True]
    said = model.index_of("2").data(Qt.ItemDataRole.AccessibleTextRole)
    assert said == "Retry loop, being answered"


def test_the_keyboard_stays_where_it_is_when_chats_change(sidebar: Sidebar) -> None:
    sidebar.list.setCurrentIndex(sidebar.model.index_of("2"))
    newer = ChatSummary("3", "Newer", time.time() + 5)
    sidebar.show_chats((newer, *CHATS), "3", None)
    assert sidebar.model.chat_at(sidebar.list.currentIndex()) == "2"


def test_thousands_of_chats_are_laid_out_by_what_is_seen(sidebar: Sidebar) -> None:
    many = tuple(ChatSummary(str(n), f"Chat {n}", time.time() - n * 3600) for n in range(5000))
    sidebar.show_chats(many, "4321", None)
    asked: list[int] = []
    delegate = sidebar.list.itemDelegate()
    measure = delegate.sizeHint

    def counting(option: object, index: object) -> object:
        asked.append(1)
        return measure(option, index)  # type: ignore[arg-type]

    delegate.sizeHint = counting  # type: ignore[assignment]
    sidebar.list.scrollTo(sidebar.model.index_of("4321"))
    sidebar.list.indexAt(QPoint(20, 20))
    sidebar.grab()
    assert sidebar.list.visualRect(sidebar.model.index_of("4321")).isValid()
    assert len(asked) < 50


def test_a_chat_is_dragged_by_the_mouse(
    sidebar: Sidebar, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    def dragged(chat: str) -> QMimeData:
        started.append(chat)
        return QMimeData()

    # The real one waits for a mouse that is not there.
    monkeypatch.setattr(QDrag, "exec", lambda _drag, _actions: Qt.DropAction.IgnoreAction)
    sidebar.list.dragged = dragged
    viewport = sidebar.list.viewport()
    at = sidebar.list.visualRect(sidebar.model.index_of("1")).center()
    with qtbot.assertNotEmitted(sidebar.open_requested):
        qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=at)
        for step in (10, 20, 40, 60):
            move = QMouseEvent(
                QEvent.Type.MouseMove,
                QPointF(at + QPoint(step, step)),
                viewport.mapToGlobal(QPointF(at + QPoint(step, step))),
                Qt.MouseButton.NoButton,
                Qt.MouseButton.LeftButton,
                Qt.KeyboardModifier.NoModifier,
            )
            QApplication.sendEvent(viewport, move)
        qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=at + QPoint(60, 60))
    assert started == ["1"]
