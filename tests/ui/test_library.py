"""Looking for chats in the sidebar, pins, and chats that leave the window, in the real window."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import paths
from app.chat.search import Found
from tests.ui.drive import Driven
from ui.chat.message_box import given_in
from ui.sidebar.results import Chat, Hit, ResultList, Row, grouped

REPLIES = (
    ["[THINK]", "A heron ", "is a bird.", "[/THINK]", "It eats fish."],
    ["[THINK]", "Easy.", "[/THINK]", "Ein Reiher frisst Fische."],
    ["[THINK]", "Easy.", "[/THINK]", "Nothing of the kind."],
)


@pytest.fixture
def driven(dressed: QApplication, tmp_path: Path) -> Iterator[Driven]:
    """Return a window with two chats, the second of two branches."""
    opened = Driven(tmp_path)
    opened.presenter.load_model(opened.script(*REPLIES))
    ask(opened, "What does a wader eat?")
    opened.presenter.new_chat()
    ask(opened, "Was frisst ein Graureiher?")
    answer = opened.session.state.conversation.branch()[-1]
    opened.session.retry(answer.id)
    settle(opened)
    yield opened
    opened.close()


def settle(driven: Driven) -> None:
    driven.presenter.drain()
    driven.until(lambda: driven.session.state.running is None)
    driven.idle()
    driven.presenter.drain()


def ask(driven: Driven, text: str) -> None:
    driven.session.send(text)
    settle(driven)


def results(driven: Driven) -> ResultList:
    return driven.window.sidebar.results


def rows(driven: Driven) -> tuple[Row, ...]:
    return results(driven).rows.rows if results(driven).isVisible() else ()


def look_for(driven: Driven, qtbot: QtBot, text: str) -> None:
    driven.window.sidebar.focus_search()
    qtbot.keyClicks(driven.window.sidebar.search, text)


def hits(driven: Driven) -> list[str]:
    return [row.found.excerpt for row in rows(driven) if isinstance(row, Hit)]


def a_thought_is_found_and_opened_where_it_stands(driven: Driven, qtbot: QtBot) -> None:
    look_for(driven, qtbot, "heron")
    driven.until(lambda: bool(hits(driven)))
    chat, hit = rows(driven)
    assert isinstance(chat, Chat)
    assert isinstance(hit, Hit)
    assert chat.title == "What does a wader eat?"
    assert hit.found.part == "thinking"
    start, end = hit.found.marks[0]
    assert hit.found.excerpt[start:end] == "heron"
    spoken = results(driven).rows.index(1).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken.startswith("In the thinking: A heron")
    # Down goes into the results, Enter opens: the thought is unfolded and the word marked.
    qtbot.keyClick(driven.window.sidebar.search, Qt.Key.Key_Down)
    assert results(driven).hasFocus()
    qtbot.keyClick(results(driven), Qt.Key.Key_Down)
    qtbot.keyClick(results(driven), Qt.Key.Key_Return)
    finder = driven.window.chat_view.finder
    driven.until(lambda: finder.at is not None)
    assert driven.texts()[0] == "What does a wader eat?"
    assert finder.current is not None
    assert finder.current.key[1] == "thinking"
    assert finder.bar is not None
    assert finder.bar.field.text() == "heron"


def another_branch_is_shown_where_what_was_found_is_on_it(driven: Driven, qtbot: QtBot) -> None:
    assert driven.texts()[-1] == "Nothing of the kind."
    look_for(driven, qtbot, "frisst fische")
    driven.until(lambda: any("Fische" in text for text in hits(driven)))
    qtbot.keyClick(driven.window.sidebar.search, Qt.Key.Key_Return)
    driven.until(lambda: driven.texts()[-1] == "Ein Reiher frisst Fische.")
    finder = driven.window.chat_view.finder
    driven.until(lambda: finder.at is not None)
    assert finder.bar is not None
    assert finder.bar.field.text() == "frisst fische"


def titles_nothing_and_the_way_back(driven: Driven, qtbot: QtBot) -> None:
    sidebar = driven.window.sidebar
    look_for(driven, qtbot, "wader")
    driven.until(lambda: bool(rows(driven)) and isinstance(rows(driven)[0], Chat))
    first = rows(driven)[0]
    assert isinstance(first, Chat)
    assert [first.title[start:end] for start, end in first.marks] == ["wader"]
    qtbot.keyClick(sidebar.search, Qt.Key.Key_Escape)
    assert sidebar.search.text() == ""
    assert sidebar.list.isVisible()
    assert not results(driven).isVisible()
    look_for(driven, qtbot, "zebra")
    driven.until(lambda: rows(driven) == (None,))
    assert results(driven).rows.index(0).data() == "Nothing was found"
    assert not results(driven).enter()
    qtbot.keyClick(sidebar.search, Qt.Key.Key_Escape)
    # What is said meanwhile is found without typing it anew.
    look_for(driven, qtbot, "kind")
    driven.until(lambda: hits(driven) == ["Nothing of the kind."])


def a_pinned_chat_stands_on_top_until_it_is_unpinned(driven: Driven) -> None:
    sidebar = driven.window.sidebar
    older = sidebar.model.chats()[1]
    menu = sidebar.list.menu_for(older)
    next(one for one in menu.actions() if one.text() == "Pin").trigger()
    menu.deleteLater()
    assert sidebar.model.chats()[0] == older
    assert [sidebar.model.index(row).data() for row in (0, 2)] == ["PINNED", "TODAY"]
    spoken = sidebar.model.index(1).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "What does a wader eat?, pinned"
    menu = sidebar.list.menu_for(older)
    next(one for one in menu.actions() if one.text() == "Unpin").trigger()
    menu.deleteLater()
    assert sidebar.model.chats()[1] == older
    driven.idle()


def a_chat_dragged_out_is_a_file_once_it_is_asked_for(driven: Driven) -> None:
    chat = driven.window.sidebar.model.chats()[1]
    dragged = driven.window.sidebar.list.dragged
    assert dragged is not None
    mime = dragged(chat)
    folder = driven.folder
    # The window itself does not look into it: nothing is made while it is dragged across.
    assert given_in(mime) is None
    assert not list((paths.cache_dir() / "dragged").glob("**/*.md"))
    assert mime.hasUrls()
    (url,) = mime.urls()
    path = Path(url.toLocalFile())
    assert path.name == "What does a wader eat.md"
    assert "It eats fish." in path.read_text(encoding="utf-8")
    assert mime.urls() == [url]
    assert folder not in path.parents


def test_the_sidebar_as_a_library(driven: Driven, qtbot: QtBot) -> None:
    """One window for all of it: opening one takes longer than anything that is done in it."""
    sidebar = driven.window.sidebar
    another_branch_is_shown_where_what_was_found_is_on_it(driven, qtbot)
    sidebar.search.clear()
    driven.window.chat_view.finder.close()
    a_thought_is_found_and_opened_where_it_stands(driven, qtbot)
    sidebar.search.clear()
    titles_nothing_and_the_way_back(driven, qtbot)
    sidebar.search.clear()
    a_pinned_chat_stands_on_top_until_it_is_unpinned(driven)
    a_chat_dragged_out_is_a_file_once_it_is_asked_for(driven)


def test_places_of_a_chat_stand_together_below_its_title() -> None:
    def found(chat: str, part: str, excerpt: str) -> Found:
        message = None if part == "title" else f"{chat}-{excerpt}"
        return Found(chat, message, f"Chat {chat}", part, excerpt, (), 0.0)  # type: ignore[arg-type]

    listed = grouped(
        [
            found("b", "title", "Chat b"),
            found("a", "message", "one"),
            found("b", "thinking", "two"),
            found("a", "message", "three"),
        ]
    )
    said = [
        row.title if isinstance(row, Chat) else f"- {row.found.excerpt}" for row in listed if row
    ]
    assert said == ["Chat b", "- two", "Chat a", "- one", "- three"]
    assert grouped([]) == (None,)
