"""What servers send, taken apart however it is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.protocol import Delta
from app.errors import WorldError
from app.server.speech import Speech
from app.server.stream import MOST_LINE_BYTES, Comment, Counts, Done, Lines, event, words
from tests.support import captures

BODY = "\n".join(line for _, line in captures.load("vllm_mi_stream").lines).encode()


def lines(parts: list[bytes]) -> list[str]:
    cutter = Lines()
    found = [line for part in parts for line in cutter.feed(part)]
    return [*found, cutter.finish()]


@given(st.lists(st.integers(0, len(BODY)), max_size=40))
def test_lines_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(BODY)]
    parts = [BODY[start:end] for start, end in pairwise(edges)]
    assert lines(parts) == BODY.decode().split("\n")


def test_a_line_without_end_is_given_up_before_it_fills_the_memory() -> None:
    cutter = Lines()
    part = b"x" * (MOST_LINE_BYTES // 10)
    for _ in range(9):
        assert list(cutter.feed(part)) == []
    with pytest.raises(WorldError) as caught:
        list(cutter.feed(part + b"xx"))
    assert caught.value.problem.key == "server-nonsense"


def test_events() -> None:
    assert event(": keepalive 3/4") == Comment("keepalive 3/4")
    assert event("data: [DONE]") == Done()
    assert event("data:") is None
    assert event("event: message") is None
    assert event('data:{"a": 1}') == {"a": 1}
    for bad in ("data: [1]", "data: {", "<!doctype html>", '{"error": "x"}', "data: " + "[" * 9999):
        with pytest.raises(WorldError):
            event(bad)


def test_words_of_a_delta() -> None:
    thought = {"choices": [{"delta": {"reasoning_content": "Hm", "reasoning": "Hm"}}]}
    assert words(thought).texts == (("thinking", "Hm"),)
    both = {"choices": [{"message": {"reasoning": "Hm", "content": "Hi"}, "finish_reason": "stop"}]}
    assert words(both).texts == (("thinking", "Hm"), ("answer", "Hi"))
    assert words(both).finish == "stop"
    parts = [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Hi"}, "!"]
    listed = words({"choices": [{"delta": {"content": parts}}]})
    assert listed.texts == (("thinking", "Hm"), ("answer", "Hi"), ("answer", "!"))
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": None}
    timings = {"prompt_ms": 1500, "predicted_ms": "soon"}
    counted = words({"choices": [], "usage": usage, "timings": timings})
    assert counted.counts == Counts(9, 4, 0, 1.5, 0.0)


FIELDS = (
    *("choices", "delta", "message", "content", "reasoning", "usage", "type", "text", "thinking"),
    *("finish_reason", "prompt_tokens", "prompt_progress", "timings"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=24,
)


@given(st.dictionaries(st.sampled_from(["choices", "usage", "prompt_progress"]), JSON))
def test_fields_of_any_type_break_nothing(value: dict[str, object]) -> None:
    found = words(value)
    assert all(isinstance(text, str) and text for _, text in found.texts)


class Box:
    """Takes what a Speech sends."""

    def __init__(self) -> None:
        self.deltas: list[Delta] = []

    def delta(self, request: int, channel: str, text: str, tokens: int) -> None:
        self.deltas.append(Delta(request, channel, text, tokens))  # type: ignore[arg-type]

    def said(self, channel: str) -> str:
        return "".join(delta.text for delta in self.deltas if delta.channel == channel)


OUTPUTS = [
    (
        "[THINK]Hm, <think> is a tag.[/THINK]So [THINK] it is.",
        "Hm, <think> is a tag.",
        "So [THINK] it is.",
    ),
    ("\n<think>\nHm.\n</think>\n\nHi", "\nHm.\n", "\n\n\nHi"),
    ("<thing>1</thing>", "", "<thing>1</thing>"),
    ("[THINK", "", "[THINK"),
    ("[THINK]never closed", "never closed", ""),
    ("Hi <think>no</think>", "", "Hi <think>no</think>"),
]


@given(st.sampled_from(OUTPUTS), st.data())
def test_tags_in_the_text_are_split_however_it_is_cut(
    output: tuple[str, str, str], data: st.DataObject
) -> None:
    text, thought, answer = output
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=12))
    box = Box()
    speech = Speech(1, box, "", "")  # type: ignore[arg-type]
    pieces = [text[start:end] for start, end in pairwise([0, *sorted(cuts), len(text)])]
    for piece in pieces:
        if piece:
            speech.say("answer", piece, 1)
    closed = speech.finish()
    assert (box.said("thinking"), box.said("answer")) == (thought, answer)
    assert closed == ("never" not in text)
    assert (speech.thought, speech.answer) == (thought, answer)
    counted = sum(delta.tokens for delta in box.deltas)
    assert counted == speech.thinking_tokens + speech.answer_tokens
    assert counted == sum(1 for piece in pieces if piece)
