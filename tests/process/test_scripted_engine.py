"""The child, the pipe and the client, with a back end that says what the test wants."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from app.engine.protocol import (
    Cancel,
    CloseThinking,
    Delta,
    EngineDied,
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    Loading,
    LoadOptions,
    PromptProgress,
    Sampling,
    Started,
    Tokenize,
    Tokens,
    Unload,
    Unloaded,
)
from app.prompts.segments import Control, Text
from tests.support.engine import Engine, alive, pid_of, said, wait_until

THOUGHT = ["[THINK]", "Hm", " well", "[/THINK]", "It is", " 4."]


def is_delta(event: Event) -> bool:
    return isinstance(event, Delta)


def is_finished(event: Event) -> bool:
    return isinstance(event, Finished)


def died(events: list[Event]) -> EngineDied:
    assert isinstance(events[-1], EngineDied), events[-1]
    return events[-1]


def finished(events: list[Event]) -> Finished:
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1]


def test_no_child_before_it_is_needed(engine: Engine) -> None:
    engine.client.send(Cancel(engine.client.next_request()))
    request = engine.client.next_request()
    engine.client.send(Unload(request))
    assert engine.until(lambda e: isinstance(e, Unloaded)) == [Unloaded(request)]
    assert engine.client.pid is None


def test_load_then_thought_and_answer(engine: Engine) -> None:
    loaded = engine.load_script(replies=[THOUGHT], name="Four")
    assert loaded.info.name == "Four"
    assert "[THINK]" in loaded.info.controls
    events = engine.ask("What is 2 + 2?", reasoning="mistral")
    assert said(events, "thinking") == "Hm well"
    assert said(events, "answer") == "It is 4."
    last = finished(events)
    assert (last.reason, last.thinking_closed) == ("stop", True)
    assert (last.usage.thinking_tokens, last.usage.answer_tokens) == (4, 2)
    assert last.usage.prompt_tokens == 5
    deltas = [e for e in events if isinstance(e, Delta)]
    for channel, tokens in (("thinking", 4), ("answer", 2)):
        assert sum(e.tokens for e in deltas if e.channel == channel) == tokens
    order = [type(e) for e in events if not isinstance(e, Delta)]
    assert order[0] is PromptProgress
    assert order[-2:] == [Started, Finished]


def test_a_fresh_engine_has_no_model(engine: Engine) -> None:
    (last,) = engine.ask()
    assert isinstance(last, Failed)
    assert last.problem.key == "no-model"


def test_tokenize_is_what_generate_reads(engine: Engine) -> None:
    engine.load_script()
    prompt = (Control("[INST]"), Text("one two"), Control("[/INST]"))
    request = engine.client.next_request()
    engine.client.send(Tokenize(request, prompt))
    (tokens,) = engine.until(lambda e: isinstance(e, Tokens))
    assert isinstance(tokens, Tokens)
    assert tokens.pieces == ("[INST]", "one", " two", "[/INST]")
    assert finished(engine.ask(prompt)).usage.prompt_tokens == len(tokens.ids)


def test_an_unknown_control_token_is_told(engine: Engine) -> None:
    engine.load_script(controls=["<s>"])
    (last,) = engine.ask((Control("[INST]"),))
    assert isinstance(last, Failed)
    assert last.problem.key == "unknown-control"
    assert "[INST]" in last.problem.title


def test_the_prefix_is_kept(engine: Engine) -> None:
    engine.load_script(replies=[["A", "B"], ["C"]])
    prompt = (Text("one two three"),)
    first = finished(engine.ask(prompt)).usage
    assert first.cached_tokens == 0
    longer = (*prompt, Text("A"), Text("B"), Text("four"))
    assert finished(engine.ask(longer)).usage.cached_tokens == 5
    assert finished(engine.ask(prompt)).usage.cached_tokens == 2


def test_split_characters_and_junk_bytes(engine: Engine) -> None:
    euro = [{"hex": "e2"}, {"hex": "82"}, {"hex": "ac"}]
    engine.load_script(replies=[[*euro, "!"], [{"hex": "e282"}], [{"hex": "e2"}, "[THINK]", "x"]])
    assert said(engine.ask(), "answer") == "€!"
    assert said(engine.ask(), "answer") == "\ufffd"
    events = engine.ask(reasoning="mistral")
    assert (said(events, "answer"), said(events, "thinking")) == ("\ufffd", "x")
    assert not finished(events).thinking_closed


def test_other_control_tokens_are_not_shown(engine: Engine) -> None:
    engine.load_script(replies=[["a", "[INST]", "b"]])
    events = engine.ask(ignore_end=False)
    assert said(events, "answer") == "ab"
    assert finished(events).usage.answer_tokens == 3


def test_lengths(engine: Engine) -> None:
    engine.load_script(context=10, replies=[[{"forever": "x"}]])
    last = finished(engine.ask(max_tokens=4))
    assert (last.reason, last.usage.answer_tokens) == ("length", 4)
    last = finished(engine.ask("one two three"))
    assert (last.reason, last.usage.answer_tokens) == ("length", 7)
    (last_event,) = engine.ask("a b c d e f g h i j")
    assert isinstance(last_event, Failed)
    assert last_event.problem.key == "prompt-too-long"
    assert "10 tokens" in last_event.problem.title


@pytest.mark.parametrize("budget", [0, 1, 3])
def test_a_thinking_budget_closes_the_thought(engine: Engine, budget: int) -> None:
    engine.load_script(replies=[["[THINK]", *["t"] * 5, "[/THINK]", "a"]])
    events = engine.ask(reasoning="mistral", thinking_budget=budget, max_tokens=20)
    thought = said(events, "thinking")
    # The opening marker is a token of the thought; what the script still says is the answer.
    assert len(thought) == max(0, budget - 1)
    assert finished(events).thinking_closed


def test_a_thought_in_circles_is_closed_and_answered(engine: Engine) -> None:
    """A hundred words again and again: told after four turns, and the answer follows."""
    passage = [f"word{number} " for number in range(100)]
    script = [["[THINK]", *passage * 20, "[/THINK]", "never"]]
    engine.load_script(replies=script)
    events = engine.ask(reasoning="mistral", max_tokens=1000)
    usage = finished(events).usage
    assert usage.closed_by == "loop"
    assert finished(events).thinking_closed
    assert 400 <= usage.thinking_tokens <= 430
    assert said(events, "answer").startswith("word")
    engine.load_script(replies=script)
    events = engine.ask(reasoning="mistral", break_loops=False, max_tokens=1000)
    assert finished(events).usage.closed_by == "model"
    assert finished(events).usage.thinking_tokens == 1000


def test_who_closed_the_thought_is_told(engine: Engine) -> None:
    engine.load_script(replies=[["[THINK]", "t", "t", "[/THINK]", "a"]])
    assert finished(engine.ask(reasoning="mistral")).usage.closed_by == "model"
    events = engine.ask(reasoning="mistral", thinking_budget=1)
    assert finished(events).usage.closed_by == "budget"


def test_what_was_written_has_a_hash(engine: Engine) -> None:
    engine.load_script(replies=[["[THINK]", "t", "[/THINK]", "a"], ["b"]])
    first, second, third = (finished(engine.ask(reasoning="mistral")).usage for _ in range(3))
    assert len(first.output_hash) == 64
    assert first.output_hash != second.output_hash == third.output_hash


def test_answer_now(engine: Engine) -> None:
    engine.load_script(token_s=0.005, replies=[[{"forever": "word "}]])
    request = engine.generate(reasoning="think", thinking_open=True, max_tokens=400)
    before = engine.until(is_delta)
    engine.client.send(CloseThinking(request))
    events = before + engine.until(is_finished)
    assert said(events, "thinking").startswith("word ")
    assert said(events, "answer").startswith("\n\nword ")
    assert "think>" not in said(events, "thinking") + said(events, "answer")
    usage = finished(events).usage
    assert usage.thinking_tokens + usage.answer_tokens == 400
    assert usage.closed_by == "asked"


def test_cancel_while_decoding_keeps_what_was_said(engine: Engine) -> None:
    engine.load_script(token_s=0.002, replies=[[{"forever": "word "}], ["next"]])
    request = engine.generate()
    events = engine.until(is_delta)
    engine.client.send(Cancel(request))
    events += engine.until(is_finished)
    last = finished(events)
    assert last.reason == "cancelled"
    assert said(events, "answer").count("word ") == last.usage.answer_tokens
    assert said(engine.ask(), "answer") == "next"


def test_cancel_while_reading_the_prompt(engine: Engine) -> None:
    engine.load_script(read_s=0.01, context=5000, replies=[["ok"]])
    request = engine.generate("word " * 4000)
    events = engine.until(lambda e: isinstance(e, PromptProgress) and e.done > 0)
    engine.client.send(Cancel(request))
    events += engine.until(is_finished)
    assert finished(events).reason == "cancelled"
    assert not any(isinstance(e, Started) for e in events)
    done = max(e.done for e in events if isinstance(e, PromptProgress))
    assert finished(engine.ask("word " * 20)).usage.cached_tokens == min(done, 20)


def test_cancel_a_load(engine: Engine) -> None:
    request = engine.client.next_request()
    script = json.dumps({"load_s": 20})
    engine.client.send(Load(request, LoadOptions(script, backend="scripted")))
    engine.until(lambda e: isinstance(e, Loading))
    engine.client.send(Cancel(request))
    last = engine.until(lambda e: isinstance(e, Failed))[-1]
    assert isinstance(last, Failed)
    assert last.problem.key == "load-cancelled"
    assert engine.client.loaded_options is None


def test_two_sends_in_a_row_are_answered_in_order(engine: Engine) -> None:
    engine.load_script(token_s=0.002, replies=[["a"] * 20, ["b"] * 20])
    first, second = engine.generate(), engine.generate()
    events = engine.until(lambda e: isinstance(e, Finished) and e.request == second)
    requests = [e.request for e in events if e.request is not None]
    assert requests == sorted(requests)
    assert said([e for e in events if e.request == first], "answer") == "a" * 20
    assert said([e for e in events if e.request == second], "answer") == "b" * 20


def test_a_waiting_request_can_be_cancelled_without_harm_to_the_first(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "engine.log", kill_after_s=0.3)
    with engine.client:
        engine.load_script(token_s=0.01, replies=[["a"] * 100])
        first, second = engine.generate(), engine.generate()
        engine.client.send(Cancel(second))
        events = engine.until(lambda e: isinstance(e, Finished) and e.request == second)
        reasons = {e.request: e.reason for e in events if isinstance(e, Finished)}
        assert reasons == {first: "stop", second: "cancelled"}


def test_failures_of_the_model_are_answers(engine: Engine) -> None:
    engine.load_script(replies=[["a", {"fail": "It broke."}], ["fine"]])
    events = engine.ask()
    last = events[-1]
    assert isinstance(last, Failed)
    assert last.problem.title == "It broke."
    assert said(engine.ask(), "answer") == "fine"


@pytest.mark.parametrize(
    ("item", "exit_code", "words"),
    [
        ({"die": "SIGKILL"}, -signal.SIGKILL, "was killed"),
        ({"die": "SIGSEGV"}, -signal.SIGSEGV, "crashed"),
        ({"die": "SIGABRT"}, -signal.SIGABRT, "gave up"),
        ({"exit": 3}, 3, "exit status 3"),
        ({"bug": "no such thing"}, 1, "exit status 1"),
    ],
)
def test_death_is_told_and_the_next_message_answered(
    engine: Engine, item: dict[str, object], exit_code: int, words: str
) -> None:
    engine.load_script(replies=[["part", {"wait_s": 0.05}, " of it", {"wait_s": 0.05}, item]])
    request = engine.generate()
    events = engine.until(lambda e: isinstance(e, EngineDied))
    last = died(events)
    assert said(events, "answer") == "part of it"
    assert (last.request, last.exit_code) == (request, exit_code)
    assert words in last.problem.title
    assert last.problem.title.count(".") == 1
    if "bug" in item:
        assert any("no such thing" in line for line in last.log_tail)
    again = engine.ask(max_tokens=1)
    assert [type(e) for e in again if isinstance(e, Loaded | Finished)] == [Loaded, Finished]
    assert {e.request for e in again} == {request + 1}
    assert said(again, "answer") == "part"


def test_kill_9_from_outside_while_idle(engine: Engine) -> None:
    engine.load_script(replies=[["ok"]])
    options = engine.client.loaded_options
    os.kill(pid_of(engine), signal.SIGKILL)
    last = died(engine.until(lambda e: isinstance(e, EngineDied)))
    assert last.request is None
    assert engine.client.pid is None
    assert engine.client.loaded_options == options
    assert said(engine.ask(), "answer") == "ok"


def test_death_with_two_requests_ends_both(engine: Engine) -> None:
    engine.load_script(replies=[["a", {"wait_s": 0.3}, {"die": "SIGKILL"}]])
    first, second = engine.generate(), engine.generate()
    events = engine.until(lambda e: isinstance(e, Failed))
    assert isinstance(events[-2], EngineDied)
    assert events[-2].request == first
    assert events[-1].request == second


def test_a_model_that_kills_the_engine_is_not_loaded_again(engine: Engine, tmp_path: Path) -> None:
    engine.load_script(replies=[["ok"]])
    script = tmp_path / "script.json"
    script.write_text('{"load_s": 100}', encoding="utf-8")
    engine.client.send(Load(engine.client.next_request(), LoadOptions(str(script), "scripted")))
    engine.until(lambda e: isinstance(e, Loading))
    os.kill(pid_of(engine), signal.SIGKILL)
    engine.until(lambda e: isinstance(e, EngineDied))
    assert engine.client.loaded_options is None
    (last,) = engine.ask()
    assert isinstance(last, Failed)
    assert last.problem.key == "no-model"


def test_a_reload_that_fails_is_the_answer_and_is_tried_again(
    engine: Engine, tmp_path: Path
) -> None:
    script = tmp_path / "script.json"
    text = '{"replies": [["ok"]]}'
    script.write_text(text, encoding="utf-8")
    assert isinstance(engine.load(LoadOptions(str(script), "scripted")), Loaded)
    os.kill(pid_of(engine), signal.SIGKILL)
    engine.until(lambda e: isinstance(e, EngineDied))
    script.unlink()
    last = engine.ask()[-1]
    assert isinstance(last, Failed)
    assert last.problem.key == "model-file"
    script.write_text(text, encoding="utf-8")
    assert said(engine.ask(), "answer") == "ok"


def test_cancel_during_a_reload_is_a_cancelled_answer(engine: Engine, tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text("{}", encoding="utf-8")
    engine.load(LoadOptions(str(script), "scripted"))
    os.kill(pid_of(engine), signal.SIGKILL)
    engine.until(lambda e: isinstance(e, EngineDied))
    script.write_text('{"load_s": 30, "replies": [["ok"]]}', encoding="utf-8")
    request = engine.generate()
    engine.until(lambda e: isinstance(e, Loading))
    engine.client.send(Cancel(request))
    assert finished(engine.until(is_finished)).reason == "cancelled"
    script.write_text('{"replies": [["ok"]]}', encoding="utf-8")
    assert said(engine.ask(), "answer") == "ok"


def test_an_engine_that_does_not_stop_is_ended(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "engine.log", kill_after_s=0.3)
    with engine.client:
        engine.load_script(replies=[["a", {"wait_s": 60}], ["b"]])
        request = engine.generate()
        engine.until(is_delta)
        time.sleep(1.0)  # into the wait: a cancel that comes before it is obeyed
        engine.client.send(Cancel(request))
        last = died(engine.until(lambda e: isinstance(e, EngineDied)))
        assert last.request == request
        assert last.problem.key == "engine-unresponsive"


def test_a_stopped_engine_neither_blocks_send_nor_close(engine: Engine) -> None:
    engine.load_script()
    pid = pid_of(engine)
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    for _ in range(20):
        engine.generate("x" * 100_000)
    assert time.monotonic() - began < 1.0
    engine.client.close()
    assert not alive(pid)


def test_a_bug_in_writing_a_command_is_an_answer_and_the_next_is_heard(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that cannot cross the pipe stands for any bug there."""
    bugs: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", bugs.append)
    engine.load_script(replies=[["Yes."]])
    request = engine.client.next_request()
    seed: Any = threading.Lock()
    engine.client.send(Generate(request, (Text("Hello"),), Sampling(seed=seed)))
    # The child goes with the thread that made it.
    events = engine.until(lambda event: isinstance(event, EngineDied))
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert (failed.request, failed.problem.key) == (request, "engine-bug")
    assert died(events).request is None
    assert wait_until(lambda: bool(bugs))
    assert bugs[0].exc_type is TypeError
    assert said(engine.ask(), "answer") == "Yes."


def test_unload_forgets_the_model(engine: Engine) -> None:
    engine.load_script()
    engine.client.send(Unload(engine.client.next_request()))
    engine.until(lambda e: isinstance(e, Unloaded))
    assert engine.client.loaded_options is None
    (last,) = engine.ask()
    assert isinstance(last, Failed)


def test_the_wakeup_comes_with_every_event(tmp_path: Path) -> None:
    calls: list[int] = []
    engine = Engine(tmp_path / "engine.log", wakeup=lambda: calls.append(1))
    with engine.client:
        engine.load_script(replies=[THOUGHT])
        heard = len(calls)
        events = engine.ask()
        assert wait_until(lambda: len(calls) - heard == len(events))


def test_text_comes_often_but_not_a_message_a_token(engine: Engine) -> None:
    engine.load_script(token_s=0.001, replies=[["w "] * 300])
    deltas = [e for e in engine.ask() if isinstance(e, Delta)]
    assert 3 <= len(deltas) <= 100
    assert sum(e.tokens for e in deltas) == 300


def test_closed_is_closed(engine: Engine) -> None:
    engine.load_script()
    engine.client.close()
    engine.client.close()
    with pytest.raises(RuntimeError):
        engine.client.send(Generate(1, (Text("x"),), Sampling()))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_child_knows_no_qt_and_the_parent_no_engine(engine: Engine) -> None:
    engine.load_script()
    maps = Path(f"/proc/{pid_of(engine)}/maps").read_text(encoding="utf-8")
    assert "PySide6" not in maps
    assert "Qt6" not in maps
    code = """
        import sys
        import app.engine.client, app.engine.protocol
        heavy = {"llama_cpp", "numpy", "PySide6", "multiprocessing.connection", "mlx"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


PARENT = """
    import sys, time
    from pathlib import Path
    from app.engine.client import EngineClient
    from app.engine.protocol import *
    from app.prompts.segments import Text

    if __name__ == "__main__":
        client = EngineClient(log_path=Path(sys.argv[1]))
        script = '{"token_s": 0.001, "replies": [[{"forever": "x "}]]}'
        client.send(Load(1, LoadOptions(script, backend="scripted", context=10**9)))
        client.send(Generate(2, (Text("go"),), Sampling()))
        while not any(isinstance(event, Delta) for _, event in client.poll(10)):
            pass
        print(client.pid, flush=True)
        if sys.argv[2] == "hang":
            time.sleep(60)
"""


@pytest.mark.parametrize("end", ["hang", "leave"])
def test_no_orphan_when_the_parent_is_killed_or_just_leaves(tmp_path: Path, end: str) -> None:
    program = tmp_path / "parent.py"
    program.write_text(textwrap.dedent(PARENT), encoding="utf-8")
    command = [sys.executable, str(program), str(tmp_path / "engine.log"), end]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        if end == "hang":
            assert alive(child)
            parent.kill()
        assert parent.wait(20) == (-signal.SIGKILL if end == "hang" else 0)
    assert wait_until(lambda: not alive(child))
