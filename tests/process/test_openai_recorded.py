"""Real servers' recorded answers, over a real socket, through the real engine process."""

import os
from dataclasses import replace

import pytest

from app.engine.protocol import (
    Cancel,
    CloseThinking,
    Delta,
    Event,
    Failed,
    Finished,
    Loaded,
    LoadOptions,
    PromptProgress,
    Started,
)
from app.models import servers
from app.prompts.segments import Thought, Turn
from app.server import address
from tests.support import captures
from tests.support.engine import Engine, said
from tests.support.replay_server import HANG, Replay, delta, replay, stream

PACE = float(os.environ.get("PONDER_REPLAY_PACE", "0.02"))
"""Of the recorded pauses, what is kept: 1 is as it was."""

ASK = (Turn("user", ("What is this?",)),)
MODEL = "tiny-magistral"

THOUGHT = "Let me think about this question.\nFirst we checké😀漢 then compare both sides,"
ANSWER = "The answer is simple: use small steps and test each one\n\n**bold`code end"
PLAIN = THOUGHT.replace("\n", "")  # the vocabulary of the models without control tokens

LISTS = {"xl": "xl_m_models", "lcp": "lcp_m_models", "mlx": "mlx_m_models"}


def models_of(name: str) -> str:
    return LISTS.get(name.partition("_")[0], "vllm_mi_models")


def connect(engine: Engine, server: Replay, **changes: float) -> Loaded:
    if changes:
        known = servers.Server(address.parse(server.host).base)
        servers.remember(replace(known, **changes))
    loaded = engine.load(LoadOptions(server.path(MODEL), backend="openai"))
    assert isinstance(loaded, Loaded), loaded
    return loaded


def play(engine: Engine, name: str, *, cut: bool = False, **changes: float) -> list[Event]:
    with replay(name, models=models_of(name), pace=PACE, cut=cut) as server:
        connect(engine, server, **changes)
        return engine.ask((), turns=ASK)


ANSWERS = [
    # name, thought, tokens of it (with its markers, where they are told) and of the answer
    ("vllm_mi_stream", THOUGHT, 22, 23),
    ("vllm_mi_nonstream", THOUGHT, 23, 22),
    ("xl_m_stream", THOUGHT, 23, 22),
    ("xl_m_nonstream", THOUGHT, 23, 22),
    ("xl_q_stream", PLAIN, 22, 22),
    # The tags come in the text.
    ("xl_x_stream", PLAIN, 23, 21),
    ("mlx_m_stream", THOUGHT, 24, 21),
    ("mlx_x_stream", PLAIN, 22, 22),
    ("mlx_m_nonstream", THOUGHT, 23, 22),
]


def test_answers(engine: Engine) -> None:
    for name, thought, thinking, answer in ANSWERS:
        events = play(engine, name)
        assert (name, said(events, "thinking")) == (name, thought)
        assert (name, said(events, "answer")) == (name, ANSWER)
        end = events[-1]
        assert isinstance(end, Finished), name
        assert (name, end.reason, end.thinking_closed) == (name, "stop", True)
        usage = end.usage
        assert usage.prompt_tokens in (9, 15), name
        assert (name, usage.thinking_tokens, usage.answer_tokens) == (name, thinking, answer)
        assert usage.first_token_s > 0, name
        order = [type(event) for event in events]
        assert order.count(Started) == 1, name
        assert order.index(Started) < order.index(Delta), name


def test_an_answer_without_usage_is_counted_by_its_events(engine: Engine) -> None:
    for name in ("xl_m_stream_nousage", "vllm_mi3_nosys_stream"):
        end = play(engine, name)[-1]
        assert isinstance(end, Finished), name
        assert end.usage.answer_tokens == 18, name
        assert end.usage.thinking_tokens in (18, 19), name


def test_tags_that_vllm_leaks_into_the_text_are_no_answer(engine: Engine) -> None:
    for name in ("vllm_mi3_thinksys_stream", "vllm_mi3_hist_reasoning_stream"):
        assert "[THINK]" in "".join(line for _, line in captures.load(name).lines)
        events = play(engine, name)
        assert (name, said(events, "thinking")) == (name, THOUGHT)
        assert (name, said(events, "answer")) == (name, ANSWER)


def test_a_thought_that_the_limit_cuts(engine: Engine) -> None:
    for kind in ("vllm_mi_cut_in_think", "xl_m_cut_in_think", "mlx_m_cut_in_think"):
        events = play(engine, kind)
        assert said(events, "thinking").startswith("Let me think"), kind
        end = events[-1]
        assert isinstance(end, Finished), kind
        assert (end.reason, end.thinking_closed) == ("length", False), kind
        assert end.usage.answer_tokens == 0, kind


def test_a_long_prompt_tells_how_far_it_is_read(engine: Engine) -> None:
    events = play(engine, "mlx_m_toolong")
    told = [event.done for event in events if isinstance(event, PromptProgress)]
    assert told == [0, 2048, 4096, 6144, 8192, 9001, 9002]
    assert isinstance(events[-1], Finished)
    assert events[-1].usage.prompt_tokens == 9002


REFUSALS = [
    ("xl_m_toolong", "prompt-too-long", "9,004 tokens, and the server's context holds 2,048"),
    ("vllm_mi_toolong", "prompt-too-long", "9,004 tokens, and the server's context holds 2,048"),
    ("vllm_mi2_maxtok", "prompt-too-long", "holds 2,048 tokens"),
    ("lcp_toolong_streamFalse", "prompt-too-long", "9,014 tokens, and the server's context"),
    ("lcp_m_toolong", "server-empty", "sent nothing back"),
    ("vllm_mi_badmodel", "server-model", f"no model named {MODEL}"),
    ("mlx_m_badmodel", "server-model", f"no model named {MODEL}"),
    ("vllm_mi_badkey", "server-key", "asks for a key"),
    ("xl_badkey_real_none", "server-key", "asks for a key"),
    ("lcp_m_badkey", "server-key", "asks for a key"),
    ("vllm_mi_badfield", "server-refused", "did not accept"),
    ("xl_m_badfield", "server-refused", "did not accept"),
    ("mlx_m_badfield", "server-refused", "did not accept"),
    ("xl_m_hist_thinking_part", "server-refused", "did not accept"),
]


def test_refusals_are_told_in_sentences(engine: Engine) -> None:
    for name, key, words in REFUSALS:
        events = play(engine, name)
        end = events[-1]
        assert isinstance(end, Failed), name
        assert (name, end.problem.key) == (name, key)
        assert words in end.problem.title, name
        assert end.problem.advice, name
        assert not any(isinstance(event, Delta) for event in events), name


def test_a_server_that_is_killed_in_mid_stream(engine: Engine) -> None:
    events = play(engine, "lcp_killed", cut=True)
    assert said(events, "answer") + said(events, "thinking")
    end = events[-1]
    assert isinstance(end, Failed)
    assert end.problem.key == "server-cut"
    assert "Continue" in end.problem.advice


def test_an_engine_that_is_killed_under_its_server(engine: Engine) -> None:
    events = play(engine, "vllm_mi_enginekilled")
    assert said(events, "thinking") == THOUGHT
    end = events[-1]
    assert isinstance(end, Failed)
    assert end.problem.key == "server-failed"
    assert "EngineCore" in end.problem.detail


def test_a_connection_that_stays_open_and_silent(engine: Engine) -> None:
    events = play(engine, "vllm_mi2_sigterm", silence_s=0.5)
    assert said(events, "thinking") == THOUGHT
    end = events[-1]
    assert isinstance(end, Failed)
    assert (end.problem.key, "nothing more" in end.problem.title) == ("server-silent", True)


def test_a_cancel_closes_a_silent_connection_at_once(engine: Engine) -> None:
    with replay("vllm_mi2_sigterm", pace=PACE) as server:
        connect(engine, server)
        request = engine.generate((), turns=ASK)
        engine.until(lambda event: isinstance(event, Delta) and "漢" in event.text)
        engine.client.send(Cancel(request))
        end = engine.until(lambda event: isinstance(event, Finished | Failed))[-1]
        assert isinstance(end, Finished)
        assert end.reason == "cancelled"
        assert server.closed.wait(30)


def test_the_prompt_is_sent_as_messages(engine: Engine) -> None:
    history = (
        Turn("system", ("Be brief.", Thought("like this"), "Then answer.")),
        Turn("user", ("One?",)),
        Turn("assistant", (Thought("Hm."), "Two.")),
        *ASK,
    )
    with replay("vllm_mi_stream", pace=0) as server:
        connect(engine, server)
        engine.ask((), turns=history)
    (asked,) = server.questions()
    assert asked.body["messages"] == [
        {"role": "system", "content": "Be brief.[THINK]like this[/THINK]Then answer."},
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "Two.", "reasoning": "Hm."},
        {"role": "user", "content": "What is this?"},
    ]
    assert asked.body["stream"] is True
    assert asked.body["model"] == MODEL
    assert "authorization" not in asked.headers


@pytest.mark.parametrize("by_click", [False, True])
def test_a_thought_is_closed_and_the_answer_asked_for(engine: Engine, by_click: bool) -> None:
    # Silent in the middle of the thought, so that nothing but the click can close it.
    thinks = captures.load("vllm_mi2_sigterm")
    middle = next(at for at, (_, line) in enumerate(thinks.lines) if "漢" in line)
    if by_click:
        thinks = replace(thinks, lines=thinks.lines[: middle + 2])
    with replay(thinks, "vllm_mi_stream", pace=PACE) as server:
        connect(engine, server)
        budget = None if by_click else 5
        request = engine.generate((), turns=ASK, thinking_budget=budget)
        if by_click:
            engine.until(lambda event: isinstance(event, Delta) and "漢" in event.text)
            engine.client.send(CloseThinking(request))
        end = engine.until(lambda event: isinstance(event, Finished | Failed))[-1]
    assert isinstance(end, Finished), end
    assert end.reason == "stop"
    assert end.usage.closed_by == ("asked" if by_click else "budget")
    first, second = server.questions()
    assert "continue_final_message" not in first.body
    assert second.body["continue_final_message"] is True
    last = second.body["messages"][-1]
    (part,) = last["content"]
    assert (part["type"], part["closed"]) == ("thinking", True)
    assert THOUGHT.startswith(part["thinking"])
    assert part["thinking"] == ("Let me think about this" if not by_click else part["thinking"])


def test_where_a_thought_cannot_be_continued_it_is_asked_anew(engine: Engine) -> None:
    with replay("mlx_x_stream", "mlx_x_stream", models="mlx_m_models", pace=0) as server:
        loaded = connect(engine, server)
        assert loaded.info.server is not None
        assert any("Answer now" in limit for limit in loaded.info.server.limits)
        end = engine.ask((), turns=ASK, thinking_budget=5)[-1]
    assert isinstance(end, Finished)
    first, second = server.questions()
    assert "reasoning_effort" not in first.body
    assert second.body["reasoning_effort"] == "none"
    assert second.body["messages"] == first.body["messages"]


def test_an_unfinished_answer_goes_on(engine: Engine) -> None:
    half = Turn("assistant", (Thought("Let me", closed=False),))
    with replay("xl_m_stream", models="xl_m_models", pace=0) as server:
        connect(engine, server)
        events = engine.ask((), turns=(*ASK, half), unfinished=True, thinking_open=True)
    assert isinstance(events[-1], Finished)
    body = server.questions()[0].body
    assert body["continue_final_message"] == "reasoning_content"
    last = {"role": "assistant", "content": "", "reasoning_content": "Let me"}
    assert body["messages"][-1] == last


def test_where_an_answer_cannot_go_on_it_is_said(engine: Engine) -> None:
    half = Turn("assistant", ("The answer",))
    with replay("mlx_x_stream", models="mlx_m_models", pace=0) as server:
        connect(engine, server)
        end = engine.ask((), turns=(*ASK, half), unfinished=True)[-1]
    assert isinstance(end, Failed)
    assert end.problem.key == "server-no-continue"
    assert not server.questions()


def test_a_thought_that_goes_in_circles_is_ended(engine: Engine) -> None:
    circles = [delta(reasoning=word) for word in ("And", " so", " it", " goes", " on", ". ")] * 200
    with replay(stream(*circles, HANG), "vllm_mi_stream", pace=0) as server:
        connect(engine, server)
        end = engine.ask((), turns=ASK)[-1]
    assert isinstance(end, Finished), end
    assert (end.reason, end.usage.closed_by) == ("stop", "loop")
    assert len(server.questions()) == 2
