"""Which format a model or a recorded output has."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.reasoning.formats import FORMATS, detect, detect_output
from app.reasoning.recorded import cli_pieces
from app.reasoning.splitter import Piece

THINK = ("[INST]", "[/INST]", "[THINK]", "[/THINK]")


@pytest.mark.parametrize(
    ("controls", "template", "name", "expected"),
    [
        (THINK, None, "Magistral Small 2509", "mistral"),
        (THINK, "{% if thinking %}[THINK]{% endif %}", "Magistral-Small-2507", "mistral"),
        (THINK, None, "Ponder Demo", "mistral"),
        (("[THINK]",), None, "half a vocabulary", "think"),
        # A fine-tune that inherits the token and writes tags.
        (THINK, "…<think>\n{{ reasoning }}</think>", "Some fine-tune", "think"),
        (THINK, "[THINK] or <think>", "both", "mistral"),
        (("[INST]", "[/INST]"), None, "Magistral-Small-2506", "think"),
        (THINK, None, "mistralai_Magistral-Small-2506_Q4_K_M", "think"),
        (THINK, None, "Magistral Small 1.0", "think"),
        (THINK, None, "Magistral Small 1.2", "mistral"),
        (THINK, None, "Mistral-Small-3.2-24B-Instruct-2506", "mistral"),
        (("<think>", "</think>"), None, "Qwen3", "think"),
        ((), "{{ '<think>\n' }}", "R1", "think"),
        ((), "thoughts between <think></think> and <response></response>", "Granite", "granite"),
        ((), "<think></think>{{ tool }}<response>", "MiniMax M2", "think"),
        ((), "<think>…</think> after the marker [BEGIN FINAL RESPONSE].", "Apriel", "apriel"),
        ((), "<|channel|>analysis<|message|>", "gpt-oss", "harmony"),
        ((), "<|channel>thought <channel|>", "Gemma 4", "gemma"),
        ((), "<|START_THINKING|><|END_THINKING|>", "Command A", "cohere"),
        ((), "<|open|>think<|sep|>", "Kimi K3", "kimi-k3"),
        ((), "<seed:think> </seed:think>", "Seed", "seed"),
        ((), "<mm:think></mm:think><think></think>", "MiniMax M3", "minimax"),
        (("<|channel>", "<channel|>"), None, "Gemma 4", "gemma"),
        (("<|START_THINKING|>", "<|END_THINKING|>"), None, "Command", "cohere"),
        ((), None, "", "think"),
    ],
)
def test_detect(controls: tuple[str, ...], template: str | None, name: str, expected: str) -> None:
    assert detect(controls, template, name) is FORMATS[expected]


@pytest.mark.parametrize(
    ("output", "expected", "thinking", "answer", "closed"),
    [
        ("[THINK]a[/THINK]b", "mistral", "a", "b", True),
        ("<think>a</think>b", "think", "a", "b", True),
        ("<<think>a</think>b", "think", "a", "<b", True),
        ("\n <think>\na [THINK] </think>b", "think", "\na [THINK] ", "\n b", True),
        ("[THINK]a<think></think>b", "mistral", "a<think></think>b", "", False),
        ("a</think>b", "think", "a", "b", True),
        ("a[/THINK]b</think>", "mistral", "a", "b</think>", True),
        ("say <think>a</think>", "none", "", "say <think>a</think>", True),
        ("think>a", "none", "", "think>a", True),
        ("plain", "none", "", "plain", True),
        ("", "none", "", "", True),
    ],
)
def test_recorded_outputs(
    output: str, expected: str, thinking: str, answer: str, closed: bool
) -> None:
    assert detect_output(output) is FORMATS[expected]
    for chunks in ([output], list(output)):
        pieces, ending = run(chunks, "auto")
        assert ending == (FORMATS[expected], closed)
        assert "".join(p.text for p in pieces if p.channel == "thinking") == thinking
        assert "".join(p.text for p in pieces if p.channel == "answer") == answer


def run(chunks: list[str], name: str) -> tuple[list[Piece], object]:
    pieces = []
    stream = cli_pieces(chunks, name)
    while True:
        try:
            pieces.append(next(stream))
        except StopIteration as end:
            return pieces, end.value


def test_a_named_format_streams() -> None:
    def chunks() -> Iterator[str]:
        yield "<think>a</think>b"
        raise RuntimeError("read too far")

    stream = cli_pieces(chunks(), "think")
    assert [next(stream) for _ in range(3)] == [
        Piece("marker", "<think>"),
        Piece("thinking", "a"),
        Piece("marker", "</think>"),
    ]
    with pytest.raises(KeyError):
        next(cli_pieces([], "no such format"))


@settings(max_examples=500, deadline=None)
@given(
    parts=st.lists(st.sampled_from(["<think>", "</think>", "[THINK]", "[/THINK]", "<", "a", " "])),
    name=st.sampled_from(["auto", *FORMATS]),
)
def test_recorded_outputs_come_back_whole(parts: list[str], name: str) -> None:
    pieces, ending = run(parts, name)
    assert "".join(piece.text for piece in pieces) == "".join(parts)
    assert run(["".join(parts)], name) == (pieces, ending)
