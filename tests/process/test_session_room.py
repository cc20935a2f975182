"""What does not fit into the context: told before it is sent, and never left out in silence."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app import paths
from app.chat.load_plan import LoadPlan
from app.chat.message import Message, Text, Thinking
from app.chat.options import ChatOptions
from app.chat.request import Wishes, generation, turn_of
from app.chat.room import NoRoom, least_room
from app.chat.store import Store
from app.cli.engine import loaded
from app.engine.protocol import Tokenize, Tokens
from app.engine.straight import engine
from app.settings import Settings
from tests.support.session import Desk

SUM = "What is 12 + 30?"
LONG = "Please read these words again: " + "one two three four five " * 18
FULL = ["[THINK]", "Well ", {"forever": "{n} "}]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    opened.until(lambda: opened.session.state.opened)
    yield opened
    opened.session.close()


def demo(desk: Desk, context: int = 512) -> None:
    desk.session.load_model(str(paths.demo_model()), LoadPlan(context))
    desk.until(lambda: desk.session.state.model.phase == "ready")
    desk.idle()


def ask(desk: Desk, text: str) -> Message:
    """Send, wait for the end, return the answer; near the context's end it is counted first."""
    before = len(desk.texts())
    desk.session.send(text)
    desk.until(lambda: len(desk.texts()) == before + 2)
    return desk.answer()


def fill_up(desk: Desk, text: str, most: int) -> str:
    """Type until the next prompt takes just over `most` tokens; return the draft."""
    desk.session.set_draft(text)
    desk.idle()
    while (missing := most - desk.session.state.context_used) >= 0:
        # Some 20 tokens each time, of which less than half are typed ahead.
        text += " one two three four" * (missing // 45 + 1)
        desk.session.set_draft(text)
        desk.idle()
    return text


def held(desk: Desk) -> NoRoom:
    """Pump until the offers are there, the larger context among them or ruled out."""
    desk.until(lambda: (room := desk.session.state.room) is not None and not room.looking)
    found = desk.session.state.room
    assert found is not None
    return found


def ids_of(desk: Desk, branch: tuple[Message, ...], wishes: Wishes) -> tuple[int, ...]:
    """Return the ids of a branch's prompt, from an engine of their own."""
    info = desk.session.state.model.info
    assert info is not None
    command, _ = generation(1, info, [turn_of(message) for message in branch], wishes)
    with engine() as opened:
        loaded(opened, paths.demo_model(), words_only=True)
        request = opened.next_request()
        opened.send(Tokenize(request, command.prompt, command.reasoning))
        (told,) = opened.events(request)
    assert isinstance(told, Tokens)
    return told.ids


def test_the_meter_counts_the_next_prompt_while_it_is_typed(desk: Desk) -> None:
    demo(desk)
    ask(desk, SUM)
    desk.session.set_draft("And times 2?")
    desk.idle()
    state = desk.session.state
    assert state.filling is not None
    typed = Message("d", None, "user", (Text("And times 2?"),), 0.0)
    whole = (*state.conversation.branch(), typed)
    assert state.context_used == len(ids_of(desk, whole, Wishes()))
    before = len(ids_of(desk, whole[:-1], Wishes()))
    assert state.filling.draft == state.context_used - before > 0
    assert state.filling.thoughts == 0
    desk.session.set_options(ChatOptions(keep_thinking=True))
    desk.idle()
    kept = desk.session.state
    assert kept.filling is not None
    assert kept.context_used == len(ids_of(desk, whole, Wishes(keep_thinking=True)))
    assert kept.filling.thoughts == kept.context_used - state.context_used > 20
    answer = ask(desk, "And times 2?")
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == kept.context_used


def test_a_question_that_does_not_fit_is_not_sent(desk: Desk) -> None:
    demo(desk)
    ask(desk, SUM)
    desk.session.set_draft(LONG * 3)
    before = desk.session.state.conversation
    assert not desk.session.send(LONG * 3)
    room = held(desk)
    assert room.tokens > room.context == 512
    assert desk.session.state.draft == LONG * 3
    assert desk.session.state.conversation == before
    assert desk.session.state.running is None
    (larger,) = [offer for offer in room.offers if offer.kind == "context"]
    assert larger.plan is not None
    assert larger.plan.context >= room.tokens + least_room(512)
    assert f"adds {larger.gains:,} tokens" in room.gain(larger)
    assert all(offer.kind != "anyway" for offer in room.offers)
    desk.session.dismiss_room()
    assert desk.session.state.room is None
    assert desk.session.state.draft == LONG * 3


def test_a_larger_context_is_loaded_and_the_question_goes_by_itself(desk: Desk) -> None:
    demo(desk)
    desk.session.set_draft(LONG * 3)
    assert not desk.session.send(LONG * 3)
    held(desk)
    desk.session.make_room("context")
    desk.until(lambda: len(desk.texts()) == 2)
    answer = desk.answer()
    assert desk.session.state.context_total > 512
    assert answer.status == "done"
    assert answer.provenance is not None
    assert answer.provenance.context == desk.session.state.context_total
    assert desk.session.state.draft == ""


def test_the_oldest_turns_are_left_out_and_it_is_recorded(desk: Desk) -> None:
    demo(desk)
    for _ in range(2):
        ask(desk, LONG)
    desk.session.set_draft(LONG)
    assert not desk.session.send(LONG)
    room = held(desk)
    (offer,) = [offer for offer in room.offers if offer.kind == "turns"]
    branch = desk.session.state.conversation.branch()
    left = ids_of(desk, branch[offer.messages :], Wishes())
    assert offer.enough
    desk.session.make_room("turns")
    desk.until(lambda: len(desk.texts()) == 6)
    answer = desk.answer()
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == room.tokens - offer.gains
    assert answer.usage.prompt_tokens > len(left)
    assert answer.provenance is not None
    assert answer.provenance.left_out == offer.messages
    assert desk.session.state.options.left_out == tuple(one.id for one in branch[: offer.messages])
    # All of it is still there, and after a restart it is still left out.
    assert desk.texts()[0] == LONG
    desk.idle()
    desk.session.close()
    again = Desk(desk.folder)
    try:
        again.until(lambda: again.session.state.chat_id is not None)
        assert again.session.state.options.hidden(again.session.state.conversation.branch()) == (
            offer.messages
        )
        again.session.show_all_again()
        assert again.session.state.options == ChatOptions()
    finally:
        again.session.close()


def test_earlier_thoughts_are_left_out(desk: Desk) -> None:
    demo(desk, 768)
    desk.session.set_options(ChatOptions(keep_thinking=True))
    for _ in range(3):
        assert ask(desk, "What is 123 + 345?").thinking
    desk.idle()
    filling = desk.session.state.filling
    assert filling is not None
    # Up to where it fits without thoughts only.
    assert not desk.session.send(fill_up(desk, "x", 768 - least_room(768)))
    room = held(desk)
    offer = room.offers[0]
    assert (offer.kind, offer.gains, offer.enough) == ("thoughts", filling.thoughts, True)
    desk.session.make_room("thoughts")
    desk.until(lambda: len(desk.texts()) == 8)
    answer = desk.answer()
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == room.tokens - offer.gains
    assert answer.provenance is not None
    assert not answer.provenance.keep_thinking


def test_it_can_go_on_in_what_is_left(desk: Desk) -> None:
    demo(desk)
    assert not desk.session.send(fill_up(desk, "x", 512 - least_room(512)))
    room = held(desk)
    assert room.offers[-1].kind == "anyway"
    assert "left for the answer" in room.gain(room.offers[-1])
    desk.session.make_room("anyway")
    desk.until(lambda: len(desk.texts()) == 2)
    assert desk.answer().status in ("done", "length")


def test_another_text_or_another_chat_gives_up_what_was_held(desk: Desk) -> None:
    demo(desk)
    for typing in (True, False):
        desk.session.set_draft(LONG * 3)
        assert not desk.session.send(LONG * 3)
        held(desk)
        if typing:
            desk.session.set_draft("Shorter")
        else:
            desk.session.new_chat()
        assert desk.session.state.room is None
        desk.session.make_room("context")  # too late
        desk.idle()
        assert desk.texts() == []


def test_a_context_that_fills_midway_keeps_what_came_and_offers_room(desk: Desk) -> None:
    desk.session.load_model(desk.script(["Hi."], FULL, ["[/THINK]", "Done."], context=400))
    ask(desk, LONG)
    answer = ask(desk, "Go on for ever")
    assert answer.status == "length"
    assert answer.note == "The model's context of 400 tokens is full. What came is kept."
    assert isinstance(answer.parts[0], Thinking)
    room = held(desk)
    assert room.sent
    (offer,) = room.offers
    assert (offer.kind, offer.messages) == ("turns", 2)
    desk.session.make_room("turns")
    desk.until(lambda: desk.session.state.running is not None)
    done = desk.answer()
    assert done.status == "done"
    assert done.text == "Done."
    assert done.thinking is not None
    assert done.thinking.text.startswith(answer.parts[0].text)
    assert done.provenance is not None
    assert done.provenance.left_out == 2


def test_what_was_too_long_once_the_model_was_there_is_offered_room(desk: Desk) -> None:
    """The model is loaded by the first message: that is in the chat before anything is known."""
    path = desk.script(["Hi."], context=64)
    desk.session.close()
    again = Desk(desk.folder, Settings(last_model=path))
    try:
        again.until(lambda: again.session.state.opened)
        assert again.session.send(LONG)
        again.until(lambda: again.session.state.running is None)
        assert again.session.state.conversation.branch()[-1].status == "failed"
        assert "context holds 64" in again.session.state.conversation.branch()[-1].note
        room = held(again)
        assert room.sent
        assert room.offers == ()
    finally:
        again.session.close()


def test_options_are_kept_with_their_chat_and_recorded_with_its_answers(desk: Desk) -> None:
    demo(desk)
    wanted = ChatOptions(temperature=0.3, top_p=0.8, top_k=12, min_p=0.02, repetition=1.05, seed=99)
    desk.session.set_options(replace(wanted, temperature=99.0))  # out of bounds: the model's own
    assert desk.session.state.options == replace(wanted, temperature=None)
    desk.session.set_options(wanted)
    answer = ask(desk, SUM)
    assert answer.provenance is not None
    said = answer.provenance.sampling
    assert (said.temperature, said.top_p, said.top_k) == (0.3, 0.8, 12)
    assert (said.min_p, said.repetition, said.seed) == (0.02, 1.05, 99)
    chat = desk.session.state.chat_id
    desk.session.new_chat()
    assert desk.session.state.options == ChatOptions()
    plain = ask(desk, SUM)
    info = desk.session.state.model.info
    assert info is not None
    assert info.sampling is not None
    assert plain.provenance is not None
    assert replace(plain.provenance.sampling, seed=0) == info.sampling
    assert chat is not None
    desk.session.open_chat(chat)
    desk.until(lambda: desk.session.state.chat_id == chat)
    assert desk.session.state.options == wanted
    desk.idle()
    store = Store(desk.database)
    try:
        kept = json.loads(store.get_state(f"options:{chat}") or "")
    finally:
        store.close()
    assert kept["seed"] == 99
