"""How a chat is answered, through the widgets: its options, the room it has, the exact prompt."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import paths
from app.chat.load_plan import LoadPlan
from app.chat.options import ChatOptions
from tests.support.replay_server import replay
from tests.ui.drive import Driven
from ui.chat import menu, words
from ui.chat.options_popover import OptionsPopover
from ui.chat.room_card import RoomCard

LONG = "Please read these words again: " + "one two three four five " * 18
ABOVE = QPoint(20, 600)


@pytest.fixture
def driven(dressed: QApplication, tmp_path: Path) -> Iterator[Driven]:
    opened = Driven(tmp_path)
    yield opened
    opened.close()


def demo(driven: Driven, context: int = 512) -> None:
    driven.presenter.load_model(str(paths.demo_model()), LoadPlan(context))
    driven.until(lambda: driven.session.state.model.phase == "ready")
    driven.idle()


def asked(driven: Driven, text: str) -> None:
    before = len(driven.texts())
    driven.window.composer.send_requested.emit(text)
    driven.until(lambda: len(driven.texts()) == before + 2)
    driven.until(lambda: driven.session.state.running is None)
    driven.idle()


def held(driven: Driven, qtbot: QtBot) -> RoomCard:
    """Type what does not fit and press Enter; return what is said of it."""
    composer = driven.window.composer
    composer.box.set_text(LONG * 2)
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    driven.until(lambda: bool((room := driven.session.state.room) and not room.looking))
    assert composer.room is not None
    return composer.room


def popover(driven: Driven) -> OptionsPopover:
    driven.presenter.answering.show_options(ABOVE)
    found = driven.presenter.answering.popover
    assert found is not None
    return found


def test_what_does_not_fit_stays_in_the_box_and_says_what_can_be_done(
    driven: Driven, qtbot: QtBot
) -> None:
    demo(driven)
    for text in ("What is 12 + 30?", LONG):
        asked(driven, text)
    card = held(driven, qtbot)
    composer = driven.window.composer
    assert composer.text() == LONG * 2
    assert len(driven.texts()) == 4
    assert "tokens, and the model's context holds 512." in card.title.text()
    assert [row.offer.kind for row in card.rows] == ["turns", "context"]
    assert card.rows[0].hasFocus()
    room = driven.session.state.room
    assert room is not None
    gain = f"Leave out the 4 oldest messages: frees {room.offers[0].gains:,} tokens"
    assert card.rows[0].accessibleName() == gain
    qtbot.keyClick(card.rows[0], Qt.Key.Key_Down)
    assert card.rows[1].hasFocus()
    qtbot.keyClick(card.rows[1], Qt.Key.Key_Escape)
    assert card.isHidden()
    assert composer.text() == LONG * 2
    assert composer.box.hasFocus()
    # Choosing with Enter makes room, and the message goes by itself.
    card = held(driven, qtbot)
    qtbot.keyClick(card.rows[1], Qt.Key.Key_Return)
    driven.until(lambda: len(driven.texts()) == 6)
    driven.until(lambda: driven.session.state.running is None)
    driven.idle()
    assert composer.text() == ""
    assert card.isHidden()
    assert driven.window.header.meter.count.text().endswith(" / 1,024")


def test_what_is_left_out_is_marked_and_can_be_shown_again(driven: Driven, qtbot: QtBot) -> None:
    demo(driven)
    for text in ("What is 12 + 30?", LONG):
        asked(driven, text)
    card = held(driven, qtbot)
    qtbot.mouseClick(card.rows[0], Qt.MouseButton.LeftButton)
    driven.until(lambda: len(driven.texts()) == 6)
    driven.until(lambda: driven.session.state.running is None)
    driven.idle()
    view = driven.window.chat_view
    assert [entry.left_out for entry in view.entries] == [True] * 4 + [False] * 2
    view.verticalScrollBar().setValue(0)
    for entry in view.entries[:2]:
        item = view.item(entry.id)
        assert item is not None
        assert words.LEFT_OUT in item.accessibleDescription()
    assert words.ending(view.entries[1].message, left_out=True) == words.LEFT_OUT
    made = menu.build(view, view.entries[0], "")
    (again,) = [one for one in made.actions() if "again" in one.text()]
    again.trigger()
    driven.idle()
    made.deleteLater()
    assert [entry.left_out for entry in view.entries] == [False] * 6


def test_the_meter_counts_what_is_typed_and_says_what_fills_it(driven: Driven) -> None:
    demo(driven)
    asked(driven, "What is 12 + 30?")
    meter = driven.window.header.meter
    before = meter.count.text()
    driven.window.composer.box.set_text("And times 2?")
    driven.idle()
    assert meter.count.text() != before
    filling = driven.session.state.filling
    assert filling is not None
    assert f"your message {filling.draft}" in meter.toolTip()


def test_sampling_is_shown_set_validated_and_reset(driven: Driven, qtbot: QtBot) -> None:
    demo(driven)
    shown = popover(driven)
    assert shown.fields["temperature"].text() == ""
    assert shown.fields["temperature"].placeholderText() == "0"  # the demo's own
    assert shown.fields["top_p"].placeholderText() == "0.95"
    qtbot.keyClicks(shown.fields["temperature"], "0.3")
    qtbot.keyClicks(shown.fields["top_p"], "7")
    assert "from 0.01 to 1" in shown.says["top_p"].text()
    qtbot.keyClick(shown.fields["top_k"], Qt.Key.Key_Up)
    assert shown.fields["top_k"].text() == "41"
    qtbot.keyClicks(shown.fields["seed"], "42")
    qtbot.keyClicks(shown.fields["thinking_budget"], "64")
    qtbot.mouseClick(shown.keep[1], Qt.MouseButton.LeftButton)
    qtbot.keyClick(shown, Qt.Key.Key_Escape)
    assert not shown.isVisible()
    wanted = ChatOptions(temperature=0.3, top_k=41, seed=42, keep_thinking=True)
    assert driven.session.state.options == wanted
    assert driven.session.state.thinking_budget == 64
    assert driven.window.composer.options_pill.text() == "Sampling: yours"
    asked(driven, "What is 12 + 30?")
    by = driven.session.state.conversation.branch()[-1].provenance
    assert by is not None
    assert (by.sampling.temperature, by.sampling.top_k, by.sampling.seed) == (0.3, 41, 42)
    assert (by.thinking_budget, by.keep_thinking) == (64, True)
    shown = popover(driven)
    assert shown.fields["top_p"].text() == ""
    shown.reset.click()
    shown.done.click()
    assert driven.session.state.options == ChatOptions()
    assert driven.session.state.thinking_budget is None
    assert driven.window.composer.options_pill.text() == "Sampling"


def test_the_exact_prompt_of_the_chat_is_shown(driven: Driven, qtbot: QtBot) -> None:
    demo(driven)
    asked(driven, "What is 12 + 30?")
    driven.window.composer.box.set_text("typed [INST] too")
    shown = popover(driven)
    shown.prompt.click()
    prompt = driven.presenter.answering.prompt
    assert prompt is not None
    driven.until(prompt.copy.isEnabled)
    text = prompt.text.toPlainText()
    assert text.startswith("⟦<s>⟧⟦[INST]⟧What is 12 + 30?⟦[/INST]⟧")
    assert text.endswith("⟦[INST]⟧typed [INST] too⟦[/INST]⟧")
    assert "Should think" in prompt.facts.text()
    driven.idle()
    count = driven.session.state.context_used
    assert f"{count:,} tokens." in prompt.facts.text()
    qtbot.keyClick(prompt, Qt.Key.Key_Escape)


def test_the_exact_prompt_is_reached_from_the_model_too(driven: Driven) -> None:
    made = driven.presenter.answering.menu()
    prompt, options = made.actions()
    assert not prompt.isEnabled()
    made.deleteLater()
    driven.presenter.answering.show_prompt()
    assert "no-model" in driven.window.notices.shown()
    demo(driven)
    driven.presenter.models.open_picker()
    detail = driven.presenter.models.picker.detail
    driven.until(detail.prompt.isVisible)
    detail.prompt.click()
    shown = driven.presenter.answering.prompt
    assert shown is not None
    driven.until(shown.copy.isEnabled)
    assert shown.text.toPlainText() == "⟦<s>⟧⟦[INST]⟧Hello⟦[/INST]⟧"
    shown.close()
    driven.presenter.models.close_picker()
    made = driven.presenter.answering.menu()
    prompt, options = made.actions()
    assert prompt.isEnabled()
    options.trigger()
    found = driven.presenter.answering.popover
    assert found is not None
    assert found.isVisible()
    found.hide()
    made.deleteLater()


def test_a_server_says_what_it_cannot_do_and_offers_room_all_the_same(
    driven: Driven, qtbot: QtBot
) -> None:
    names = ("vllm_mi_stream", "vllm_mi_stream", "vllm_mi_toolong", "vllm_mi_stream")
    with replay(*names, pace=0) as server:
        driven.presenter.load_model(server.path("tiny-magistral"))
        driven.until(lambda: driven.session.state.model.phase == "ready")
        banner = driven.window.notices.shown()["server-limits"]
        assert "nothing leaves this machine" in banner.notice.title
        assert "Tokens are counted by the server" in banner.notice.advice
        shown = popover(driven)
        assert shown.fields["temperature"].isEnabled()
        shown.hide()
        for question in ("One?", "Two?"):
            asked(driven, question)
        assert "As the server counted" in driven.window.header.meter.toolTip()
        driven.window.composer.send_requested.emit("Three? " + "and more " * 200)
        driven.until(lambda: driven.session.state.room is not None)
        card = driven.window.composer.room
        assert card is not None
        assert "no longer fits into the server's context of 2,048 tokens" in card.title.text()
        assert "What came is kept." in card.advice.text()
        (row,) = card.rows
        assert row.offer.kind == "turns"
        assert "frees about" in row.accessibleName()
        assert "where the server runs" in card.limit.text()
        qtbot.mouseClick(row, Qt.MouseButton.LeftButton)
        driven.until(lambda: driven.session.state.running is not None)
        driven.until(lambda: driven.session.state.running is None)
        driven.idle()
        answer = driven.session.state.conversation.branch()[-1]
        assert answer.status == "done"
        assert answer.provenance is not None
        assert answer.provenance.left_out == row.offer.messages == 4
        sent = [
            [message["role"] for message in question.body["messages"]]
            for question in server.questions()
        ]
        assert sent[2] == ["system", *["user", "assistant"] * 2, "user"]
        assert sent[3] == ["system", "user"]
