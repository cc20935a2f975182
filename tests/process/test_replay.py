"""Answers of the demo model run again in another process: the same token for token, or it says why.

PONDER_CHATS raises the number of chats.
"""

import json
import os
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app import paths
from app.chat.load_plan import LoadPlan
from app.chat.message import Provenance
from app.chat.store import Store
from app.cli import main
from app.engine.protocol import Command, Load
from app.engine.straight import AbandonedError, Engine, engine
from app.models import gguf, weights
from app.transcript import chain, lossless
from app.transcript.export import record_from
from app.transcript.record import Record
from app.transcript.replay import Compared, Progress, replay
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
    return _with(record, lambda by: replace(by, sampling=replace(by.sampling, **sampling)))


def with_by(record: Record, **values: int) -> Record:
    return _with(record, lambda by: replace(by, **values))  # type: ignore[arg-type]  # ints only


def _with(record: Record, told: Callable[[Provenance], Provenance]) -> Record:
    conversation = record.conversation
    for message in conversation.messages.values():
        if message.provenance is not None:
            other = replace(message, provenance=told(message.provenance))
            conversation = conversation.with_message(other)
    return replace(record, conversation=conversation)


def test_one_byte_of_the_weights_is_told(
    records: list[Record], opened: Engine, tmp_path: Path
) -> None:
    data = bytearray(paths.demo_model().read_bytes())
    data[len(data) // 2] ^= 0x40
    other = tmp_path / "other.gguf"
    other.write_bytes(data)
    found = list(replay(records[0], opened, model=str(other)))
    assert [result.outcome for result in found] == ["different", "different"]
    for result in found:
        assert result.why[0].startswith("other weights: SHA-256")
        same = result.why[-1] == "the words are the same all the same"
        assert same == (result.token is None) == (result.before == result.now)


def test_another_quantization_is_told(
    records: list[Record], opened: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.gguf"
    asked = ["models", "quantize", str(paths.demo_model()), "Q4_0", "--out", str(other)]
    assert main(asked) == 0, capsys.readouterr()
    for result in replay(records[0], opened, model=str(other)):
        assert result.outcome == "different"
        assert result.why[0].startswith("other weights: SHA-256")
        assert result.why[1].startswith("another quantization: ")


def test_another_seed_is_another_run_even_where_the_words_are_the_same(
    records: list[Record], opened: Engine
) -> None:
    for result in replay(records[0], opened, seed=12345):
        assert result.outcome == "different"
        assert result.why[0].startswith("another seed: 12345, then ")


def test_what_was_changed_since_it_was_written_is_named(
    records: list[Record], opened: Engine
) -> None:
    lines = chain.dumps(records[0]).split(b"\n")
    lines[3] = re.sub(rb'"seed":\d+', b'"seed":12345', lines[3])
    forged = b"\n".join(lines)
    assert {fault.message for fault in chain.verify(forged).faults} == {2}
    record = lossless.loads(forged).record
    results = list(replay(record, opened, changed={2}))
    assert [result.outcome for result in results] == ["different", "different"]
    told = "the transcript was changed after it was written: message 2"
    assert all(result.why[0] == told for result in results)


def test_how_attention_is_computed_is_recorded_and_told(
    records: list[Record], opened: Engine
) -> None:
    by = [m.provenance for m in records[0].conversation.messages.values() if m.provenance]
    assert all(one.flash_attention is not None for one in by)
    other = with_by(records[0], flash_attention=not by[0].flash_attention)
    for result in replay(other, opened):
        assert result.outcome == "identical"
        (why,) = result.why
        assert why.startswith("flash attention ")


def test_as_many_layers_are_asked_for_as_were_recorded(
    records: list[Record],
) -> None:
    asked: list[Load] = []
    layers = gguf.read_header(paths.demo_model()).number("{arch}.block_count")
    assert layers is not None
    assert layers > 2

    class Listening(Engine):
        def send(self, command: Command) -> None:
            if isinstance(command, Load):
                asked.append(command)
                raise AbandonedError
            super().send(command)

    for recorded in (0, 2, layers):
        opened = Listening()
        with pytest.raises(AbandonedError):
            list(replay(with_by(records[0], gpu_layers=recorded), opened))
        opened.close()
    assert [one.options.gpu_layers for one in asked] == [0, 2, -1]


def test_who_no_longer_waits_is_let_go(records: list[Record], opened: Engine) -> None:
    def told(progress: Progress) -> None:
        if progress.tokens:
            opened.abandon()

    with pytest.raises(AbandonedError):
        list(replay(records[0], opened, told=told))


def test_who_no_longer_waits_has_no_weights_read(
    records: list[Record], opened: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(_path: str, stopped: Callable[[], bool]) -> None:
        assert not stopped()
        opened.abandon()
        assert stopped()

    monkeypatch.setattr(weights, "worked_out", read)
    with pytest.raises(AbandonedError):
        list(replay(records[0], opened))


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
    assert main(["chats", "replay", str(path), "--seed", "5"]) == 1
    assert "Message 2: different" in (told := capsys.readouterr().out)
    assert "another seed: 5, then " in told
    path.write_bytes(re.sub(rb'"seed":\d+', b'"seed":5', path.read_bytes(), count=1))
    assert main(["chats", "replay", str(path)]) == 1
    told = capsys.readouterr().out
    assert "Message 2: different (the transcript was changed after it was written: message" in told
    assert main(["chats", "replay", str(path), "--model", str(tmp_path / "gone.gguf")]) == 1
    assert "Name its file with --model." in capsys.readouterr().err
