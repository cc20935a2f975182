"""Which prompt format and system prompt a loaded model gets."""

import pytest

from app.engine.protocol import ModelInfo
from app.prompts.detect import default_system, prompt_format, system_turn, unknown_format
from app.prompts.magistral import (
    MAGISTRAL_1_0_SYSTEM_PROMPT,
    MAGISTRAL_SYSTEM_PROMPT,
    MINISTRAL_SYSTEM_PROMPT,
)
from app.prompts.segments import Turn

TURNS = ("[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]")
THINK = (*TURNS, "[THINK]", "[/THINK]")
SETTINGS = ("[MODEL_SETTINGS]", "[/MODEL_SETTINGS]")
V3 = ("[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]")


def info(
    name: str = "",
    controls: tuple[str, ...] = THINK,
    template: str | None = None,
    path: str = "/models/model.gguf",
) -> ModelInfo:
    return ModelInfo(
        name=name,
        path=path,
        size_bytes=1,
        architecture="llama",
        quantization="Q4_K_M",
        parameters=1,
        layers=1,
        vocabulary=1,
        context=1,
        context_train=1,
        controls=controls,
        template=template,
        sampling=None,
        backend="llama_cpp",
        device="CPU",
        build="test",
    )


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (info("Magistral Small 2509"), "mistral-v13"),
        (info("Ponder Demo"), "mistral-v13"),
        (info("Magistral", template="{{ '[INST]' }}[THINK]"), "mistral-v13"),
        (info("Magistral Small 2506"), "mistral-v7"),
        (info("", path="/m/Magistral-Small-2506_Q8_0.gguf"), "mistral-v7"),
        (info("Mistral Small 3.1", TURNS), "mistral-v7"),
        (info("Mistral Small 3.2", (*TURNS, "[ARGS]", "[CALL_ID]")), "mistral-v11"),
        (info("Magistral Small 2506", (*TURNS, "[ARGS]", "[CALL_ID]")), "mistral-v7"),
        (info("Mistral 7B 0.3", V3), "mistral-v3"),
        (info("Mistral Small 4", (*THINK, *SETTINGS)), "mistral-v15"),
        (info("Devstral", (*THINK, *SETTINGS), template="[INST][THINK]"), "mistral-v13"),
        (info("A fine-tune", TURNS, template="[INST]{{ x }}[/INST]<think>"), None),
        (info("Magistral Small 2506", TURNS, template="[INST]<think>"), "mistral-v7"),
        (info("A fine-tune", template="<|im_start|>"), None),
        (info("Llama", ()), None),
        (info("Old Mistral", ("[INST]", "[/INST]")), None),
    ],
)
def test_prompt_format(model: ModelInfo, expected: str | None) -> None:
    assert prompt_format(model) == expected


def test_an_unknown_format_is_said_in_words() -> None:
    problem = unknown_format(info("Llama", ()))
    assert problem.title == "Ponder does not know the chat format of Llama yet."
    assert problem.advice
    assert unknown_format(info("", (), path="/m/x.gguf")).title.endswith("of x.gguf yet.")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (info("Magistral Small 2509"), MAGISTRAL_SYSTEM_PROMPT),
        (info("", path="/m/mistralai_Magistral-Small-2507-Q4_K_M.gguf"), MAGISTRAL_SYSTEM_PROMPT),
        (info("Ponder Demo"), None),
        (info("Magistral Small 2506"), MAGISTRAL_1_0_SYSTEM_PROMPT),
        (info("Magistral Small 2506", TURNS), MAGISTRAL_1_0_SYSTEM_PROMPT),
        (info("Magistral Small 2509", TURNS), None),
        (info("Ministral 3 14B Reasoning 2512"), MINISTRAL_SYSTEM_PROMPT),
        (info("Ministral 3 14B Instruct 2512"), None),
        (info("Mistral Small 4", (*THINK, *SETTINGS)), None),
    ],
)
def test_default_system(model: ModelInfo, expected: Turn | None) -> None:
    assert default_system(model) is expected
    assert system_turn(model, "") is expected


def test_the_users_text_never_replaces_the_models_own() -> None:
    turn = system_turn(info("Magistral Small 2509"), "Be brief.")
    assert turn is not None
    assert turn.parts[:2] == MAGISTRAL_SYSTEM_PROMPT.parts[:2]
    assert system_turn(info("Ponder Demo"), "Be brief.") == Turn("system", ("Be brief.",))
