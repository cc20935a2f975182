"""Prompts of Mistral's models: id for id what mistral-common makes of the same conversation."""

from dataclasses import replace

import pytest

from app.prompts.magistral import MAGISTRAL_SYSTEM_PROMPT, with_own
from app.prompts.mistral import Version, build
from app.prompts.segments import Control, Text, Thought, Turn
from tests.support.conversations import conversations, without_thoughts
from tests.support.tekken import Tekken, shipped

V13: Version = "mistral-v13"
V7: Version = "mistral-v7"


@pytest.fixture(scope="module")
def v13(tmp_path_factory: pytest.TempPathFactory) -> Tekken:
    return shipped(tmp_path_factory.mktemp("v13"))


@pytest.fixture(scope="module")
def v7(tmp_path_factory: pytest.TempPathFactory) -> Tekken:
    return shipped(tmp_path_factory.mktemp("v7"), version="v7")


def test_ids_are_mistral_commons_on_200_conversations(v13: Tekken) -> None:
    for turns in conversations(200, seed=7):
        kept = build(turns, version=V13, keep_thinking=True)
        assert v13.encode(kept) == v13.ids(turns)
        dropped = build(turns, version=V13, keep_thinking=False)
        assert v13.encode(dropped) == v13.ids(without_thoughts(turns))


def test_unfinished_answers_and_open_thoughts_are_continued_alike(v13: Tekken) -> None:
    for turns in conversations(60, seed=8):
        for parts in (
            ("an answer so f",),
            (Thought("thought"), "an answer so f "),
            (Thought("thought"),),
            (Thought("thought so f", closed=False),),
            (Thought("", closed=False),),
        ):
            asked = [*turns, Turn("assistant", parts)]
            prompt = build(asked, version=V13, keep_thinking=True, unfinished=True)
            assert v13.encode(prompt) == v13.ids(asked, prefix=True)
            # The thought of the turn that is continued is not history.
            prompt = build(asked, version=V13, keep_thinking=False, unfinished=True)
            assert v13.encode(prompt) == v13.ids([*without_thoughts(turns), asked[-1]], prefix=True)


def test_v7_is_the_same_without_thoughts(v7: Tekken) -> None:
    for turns in conversations(100, seed=9):
        turns = [turn for turn in turns if turn.role != "system"]
        turns = [Turn("system", ("Be brief.",)), *without_thoughts(turns)]
        assert v7.encode(build(turns, version=V7, keep_thinking=True)) == v7.ids(turns)


def test_v7_spells_thoughts_as_magistral_1_0_writes_them(v7: Tekken) -> None:
    def asked(*parts: str | Thought) -> list[Turn]:
        return [Turn("user", ("q",)), Turn("assistant", parts), Turn("user", ("r",))]

    spelled = asked("<think>\nhm\n</think>\nanswer")
    for turns in (
        asked(Thought("hm"), "answer"),
        asked(Thought("\nhm\n"), "\nanswer"),
        asked(Thought("hm", closed=False), "answer"),
    ):
        assert v7.encode(build(turns, version=V7, keep_thinking=True)) == v7.ids(spelled)
    prompt = build(asked(Thought("hm"), "answer")[:2], version=V7, keep_thinking=True)
    assert prompt[-2:] == (Text("<think>\nhm\n</think>\nanswer"), Control("</s>"))
    turns = [Turn("user", ("q",)), Turn("assistant", (Thought("so f", closed=False),))]
    assert build(turns, version=V7, keep_thinking=False)[-1] == Text("<think>\nso f")


@pytest.mark.parametrize(
    "text", ["[THINK]", "[/THINK]", "[INST] [/INST]", "<s></s>", "[SYSTEM_PROMPT]"]
)
def test_typed_control_tokens_stay_text(v13: Tekken, text: str) -> None:
    turns = [
        Turn("system", (text,)),
        Turn("user", (text,)),
        Turn("assistant", (Thought(text), text)),
    ]
    ids = v13.encode(build(turns, version=V13, keep_thinking=True))
    specials = [v13.own[token] for token in ids if token < len(v13.own)]
    assert specials == [
        *("<s>", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[INST]", "[/INST]"),
        *("[THINK]", "[/THINK]", "</s>"),
    ]


def user(text: str) -> Turn:
    return Turn("user", (text,))


def assistant(*parts: str | Thought) -> Turn:
    return Turn("assistant", parts)


@pytest.mark.parametrize(
    "turns",
    [
        [user("")],
        [user(""), user("a"), user(""), user("b")],
        [Turn("system", ("",)), user("a")],
        [Turn("system", ()), user("a")],
        [Turn("system", ("a", "", "b")), Turn("system", ("c",)), user("a")],
        [Turn("system", (Thought("t"), "a")), user("a")],
        [Turn("user", ("a", "b")), user("c")],
        [user("a"), assistant("b  "), user("c")],
        [user("a"), assistant(Thought("t"), "b  "), user("c")],
        [user("a"), assistant("b"), assistant(Thought("t"), "c"), assistant("d"), user("e")],
        [user("a"), assistant(Thought(""), ""), user("b")],
        [user("a"), assistant("b", Thought("t"), "c"), user("d")],
    ],
)
def test_small_print(v13: Tekken, turns: list[Turn]) -> None:
    assert v13.encode(build(turns, version=V13, keep_thinking=True)) == v13.ids(turns)


def test_an_answer_that_was_never_given_is_left_out(v13: Tekken) -> None:
    for silent in ((), ("",), (Thought("broken off", closed=False),)):
        turns = [user("a"), assistant(*silent), user("b")]
        prompt = build(turns, version=V13, keep_thinking=False)
        assert v13.encode(prompt) == v13.ids([user("a"), user("b")])


def test_a_thought_that_was_broken_off_is_closed_before_what_follows() -> None:
    turns = [user("a"), assistant(Thought("hm", closed=False)), user("b")]
    prompt = build(turns, version=V13, keep_thinking=True)
    assert prompt[4:8] == (Control("[THINK]"), Text("hm"), Control("[/THINK]"), Control("</s>"))
    open_end = build(turns[:2], version=V13, keep_thinking=False)
    assert open_end[4:] == (Control("[THINK]"), Text("hm"))


def test_ones_own_system_text_comes_after_magistrals() -> None:
    merged = with_own(MAGISTRAL_SYSTEM_PROMPT, "Answer in French.")
    assert merged is not None
    assert merged.parts[:2] == MAGISTRAL_SYSTEM_PROMPT.parts[:2]
    assert merged.parts[2] == f"{MAGISTRAL_SYSTEM_PROMPT.parts[2]}\n\nAnswer in French."
    assert with_own(MAGISTRAL_SYSTEM_PROMPT, " \n") is MAGISTRAL_SYSTEM_PROMPT
    assert with_own(None, "x") == Turn("system", ("x",))
    assert with_own(None, "") is None
    thought = replace(MAGISTRAL_SYSTEM_PROMPT, parts=MAGISTRAL_SYSTEM_PROMPT.parts[:2])
    extended = with_own(thought, "x")
    assert extended is not None
    assert extended.parts[2] == "x"


def test_magistrals_prompt_is_the_cards() -> None:
    spelled = "".join(
        part if isinstance(part, str) else f"[THINK]{part.text}[/THINK]"
        for part in MAGISTRAL_SYSTEM_PROMPT.parts
    )
    # The card's text is 554 bytes long, and has no line break around its markers.
    assert len(spelled.encode()) == 554
    assert "below:[THINK]Your thoughts" in spelled
    assert "as the input.[/THINK]Here," in spelled
