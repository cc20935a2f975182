"""Whether a model should think, and why: each reason once."""

import pytest

from app.engine.protocol import ModelInfo
from app.errors import WorldError
from app.prompts.detect import FORMATS, Choice, choose, reasoning
from app.prompts.doctor import listed, marked, thinks
from app.prompts.segments import Control, Image, Text
from tests.unit.prompts.test_detect import SETTINGS, THINK, TURNS, V3, info

CHATML = ("<|im_start|>", "<|im_end|>")
TEMPLATE = "{{ '<|im_start|>' }}{{ messages }}<think></think>"


@pytest.mark.parametrize(
    ("model", "how", "expected", "words"),
    [
        (info("Magistral Small 2509"), {}, True, "system prompt tells it to think"),
        (info("Magistral Small 2509"), {"replaced": True}, False, "was replaced"),
        (info("Magistral Small 2509"), {"budget": 0}, False, "budget is 0"),
        (info("Magistral Small 2506", TURNS), {}, True, "system prompt tells it to think"),
        (info("Ponder Demo"), {}, True, "trained on the control tokens [THINK]"),
        (info("Mistral Small 4", (*THINK, *SETTINGS)), {}, True, "reasoning effort"),
        (info("Mistral 7B", V3), {}, False, "Nothing in its vocabulary or name"),
        (info("Qwen3", CHATML, template=TEMPLATE), {}, True, "knows its thoughts: <think>"),
        (info("R1", CHATML, template=TEMPLATE), {"opened": True}, True, "opens the thought"),
        (info("R1", CHATML, template=TEMPLATE), {"closed": True}, False, "closed already"),
        (info("Qwen2", CHATML), {}, False, "Nothing in its chat template or vocabulary"),
        (info("x", (*CHATML, "<think>", "</think>")), {}, True, "has the control tokens <think>"),
    ],
)
def test_why(model: ModelInfo, how: dict[str, int | bool], expected: bool, words: str) -> None:
    found, why = thinks(model, choose(model), reasoning(model), **how)  # type: ignore[arg-type] # a table's shorthand
    assert found is expected
    assert words in why
    assert why.endswith(".")


def test_where_a_prompt_comes_from() -> None:
    assert choose(info("Magistral Small 2509")) == Choice(
        "mistral-v13", "built in for Mistral's v13", "mistral-v13"
    )
    template = choose(info("Qwen3", CHATML, template=TEMPLATE))
    assert (template.name, template.template) == ("template", TEMPLATE)
    assert "chat template" in template.origin
    family = choose(info("Qwen2", CHATML))
    assert family.name == "chatml"
    assert "no chat template" in family.origin


def test_a_template_that_is_wrong_for_magistral_is_overruled_and_told() -> None:
    wrong = choose(info("Magistral Small 2509", template="[INST]{{ messages }}[/INST]"))
    assert wrong.version == "mistral-v13"
    assert "Ponder's own prompt is used instead" in wrong.note
    assert choose(info("Magistral Small 2509", template="[INST][THINK]")).note == ""
    chatml = info("Magistral Small 2509", template="<|im_start|>{{ messages }}<think>")
    assert choose(chatml).version == "mistral-v13"
    assert "not Magistral's" in choose(chatml).note
    assert reasoning(chatml).name == "mistral"
    # A fine-tune that was taught ChatML has its tokens.
    taught = info("Magistral-tune", (*THINK, *CHATML), template="<|im_start|>{{ messages }}")
    assert choose(taught).name == "template"
    assert choose(info("A fine-tune", template="<|im_start|>")).name == "template"


def test_without_any_sign_there_is_no_format() -> None:
    with pytest.raises(WorldError):
        choose(info("Unknown", ()))
    with pytest.raises(WorldError):
        choose(info("Half a ChatML", ("<|im_start|>",)))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_can_be_chosen(name: str) -> None:
    choice = choose(info("x", (), template="{{ messages }}"), name)
    assert choice.name == name
    assert (choice.version is None) == (choice.template is not None)


def test_what_cannot_be_chosen_is_told() -> None:
    with pytest.raises(WorldError) as caught:
        choose(info("x", ()), "template")
    assert "mistral-v13" in caught.value.problem.advice
    with pytest.raises(WorldError):
        choose(info("x", ()), "nonsense")
    assert "no control token <|im_start|>" in choose(info("x", ()), "chatml").note


def test_a_prompt_shown() -> None:
    prompt = (Control("[INST]"), Text("a"), Image("p", 2, 1), Control("[/INST]"))
    assert marked(prompt) == "⟦[INST]⟧a⟦picture, 2 x 1⟧⟦[/INST]⟧"
    assert listed(prompt) == [
        *({"control": "[INST]"}, {"text": "a"}, {"picture": [2, 1]}, {"control": "[/INST]"})
    ]
