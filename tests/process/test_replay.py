"""Answers of the demo model run again in another process: the same token for token, or it says why.

PONDER_CHATS raises the number of chats.
"""

import json
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app import paths
from app.chat.load_plan import LoadPlan
from app.chat.store import Store
from app.cli import main
from app.engine.straight import Engine, engine
from app.transcript import chain, lossless
from app.transcript.export import record_from
from app.transcript.record import Record
from app.transcript.replay import Compared, replay
from tests.support import synthetic
from tests.support.session import Desk

CHATS = int(os.environ.get("PONDER_CHATS", "3"))
QUESTIONS = ["What is 17 * 24?", "Solve 3x + 4 = 19", "What is 15% of 80?", "Who are you?", "Hello"]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """Return chats of two answers each, held with the demo model at its own temperature."""
    dice = random.Random(6)
    folder = tmp_path_factory.mktemp("desk")
    desk = Desk(folder)
    found = []
    try:
        desk.session.load_model(str(paths.demo_model()), LoadPlan(context=2048))
        for number in range(CHATS):
            desk.session.new_chat()
            if number % 3 == 1:
                desk.session.set_thinking_budget(12)
            if number % 3 == 2:
                desk.session.set_system_prompt("Be brief.")
            for question in dice.sample(QUESTIONS, 2):
                desk.ask(question)
            desk.until(
                lambda: all(
                    message.provenance is not None and message.provenance.sha256
                    for message in desk.session.state.conversation.branch()
                    if message.role == "assistant"
                )
            )
            state = desk.session.state
            found.append(Record(state.chat_id or "", "t", state.conversation))
    finally:
        desk.session.close()
    return found


@pytest.fixture
def opened() -> Iterator[Engine]:
    with engine() as found:
        yield found


def test_every_answer_comes_out_the_same(records: list[Record], opened: Engine) -> None:
    for record in records:
        again = lossless.loads(chain.dumps(record)).record
        results = list(replay(again, opened))
        assert [result.outcome for result in results] == ["identical", "identical"], results
        assert all(result.why == () for result in results)


def test_another_seed_is_told_with_the_token(tmp_path: Path, opened: Engine) -> None:
    """Weights by chance babble, so that the seed decides; the demo is too sure of itself."""
    model = str(synthetic.write(tmp_path / "babble.gguf", synthetic.TINY))
    asked = ["ask", "Why?", "--model", model, "--temperature", "1", "--seed", "7"]
    assert main([*asked, "--max-tokens", "30", "--save"]) == 0
    store = Store(paths.database())
    record = record_from(store, store.list_chats()[0].id)
    store.close()
    assert [result.outcome for result in replay(record, opened)] == ["identical"]
    changed = [with_(record, seed=seed) for seed in range(5)]
    results = [result for one in changed for result in replay(one, opened)]
    different = [result for result in results if result.outcome == "different"]
    assert different
    assert all(result.token for result in different)
    assert all(result.before[:1] != result.now[:1] for result in different)


def with_(record: Record, **sampling: int) -> Record:
    conversation = record.conversation
    for message in conversation.messages.values():
        by = message.provenance
        if by is not None:
            told = replace(by, sampling=replace(by.sampling, **sampling))
            conversation = conversation.with_message(replace(message, provenance=told))
    return replace(record, conversation=conversation)


def test_one_byte_of_the_weights_is_told(
    records: list[Record], opened: Engine, tmp_path: Path
) -> None:
    data = bytearray(paths.demo_model().read_bytes())
    data[len(data) // 2] ^= 0x40
    other = tmp_path / "other.gguf"
    other.write_bytes(data)
    for result in replay(records[0], opened, model=str(other)):
        assert any(reason.startswith("other weights: SHA-256") for reason in result.why)


def test_what_cannot_be_run_again_says_why(records: list[Record], opened: Engine) -> None:
    conversation = records[0].conversation
    answers = [m for m in conversation.messages.values() if m.role == "assistant"]
    assert answers[0].provenance is not None
    edited = replace(answers[0], provenance=replace(answers[0].provenance, edited=True))
    unknown = replace(answers[1], provenance=None)
    record = replace(
        records[0], conversation=conversation.with_message(edited).with_message(unknown)
    )
    assert list(replay(record, opened)) == [
        Compared(2, "not run", ("a person changed what the model wrote",)),
        Compared(4, "not run", ("nothing is recorded of how it was made",)),
    ]


def test_an_answer_closed_and_stopped_by_hand_comes_out_the_same(
    tmp_path: Path, opened: Engine
) -> None:
    desk = Desk(tmp_path)
    try:
        desk.session.load_model(str(paths.demo_model()), LoadPlan(context=2048))
        assert desk.session.send("What is 48 * 93?")
        desk.thought(2)
        desk.session.answer_now()
        desk.until(lambda: bool((turn := desk.session.state.turn) and turn.answer_tokens > 1))
        desk.session.stop()
        desk.answer()
        state = desk.session.state
        record = Record(state.chat_id or "", "t", state.conversation)
    finally:
        desk.session.close()
    (result,) = replay(record, opened)
    assert result.outcome == "identical", result


def test_the_command_says_so(
    records: list[Record], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "chat.json"
    path.write_bytes(chain.dumps(records[0]))
    assert main(["chats", "replay", str(path)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines() == ["Message 2: identical", "Message 4: identical"]
    assert main(["chats", "replay", str(path), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["outcome"] for line in lines] == ["identical", "identical"]
    assert main(["chats", "replay", str(path), "--model", str(tmp_path / "gone.gguf")]) == 1
    assert "Name its file with --model." in capsys.readouterr().err
