"""Mistral's own chat templates through the template path: the ids that are built in.

mistral-common writes a jinja template for each of its vocabularies: programs of a hundred lines and
more, with macros, loops and refusals. What they write for what was typed, markup and all, must be
what `app.prompts.mistral` builds.
"""

from functools import partial

import pytest
from mistral_common.integrations.chat_templates.chat_templates import (
    generate_chat_template,
)
from mistral_common.tokens.tokenizers.base import TokenizerVersion

from app.prompts.mistral import Version, build
from app.prompts.rendered import render
from app.prompts.sandbox import environment, write
from app.prompts.segments import Control, Templated, Thought, Turn
from app.reasoning.formats import FORMATS
from tests.support.conversations import conversations, without_thoughts
from tests.support.tekken import SPECIALS, Tekken, shipped

WRITE = partial(write, environment(), {})
VERSIONS: list[Version] = ["mistral-v3", "mistral-v7", "mistral-v11", "mistral-v13", "mistral-v15"]


@pytest.fixture(scope="module", params=VERSIONS)
def oracle(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Version, Tekken, str]:
    version = request.param
    folder = tmp_path_factory.mktemp(version)
    tekken = shipped(folder, version=version.removeprefix("mistral-"))
    thinks = version in ("mistral-v13", "mistral-v15")
    template = generate_chat_template(
        spm=False,
        tokenizer_version=TokenizerVersion(version.removeprefix("mistral-")),
        image_support=False,
        audio_support=False,
        thinking_support=thinks,
        default_system_prompt=None,
        plain_thinking_support=False,
        use_special_token_variables=True,
        model_settings_fields=None,
        reasoning_effort_values=("none", "high") if version == "mistral-v15" else None,
        reasoning_effort_default="none" if version == "mistral-v15" else None,
    )
    return version, tekken, template


def test_a_real_template_writes_what_is_built_in(oracle: tuple[Version, Tekken, str]) -> None:
    version, tekken, template = oracle
    thinks = version in ("mistral-v13", "mistral-v15")
    for turns in conversations(25, seed=31):
        said = spoken(turns if thinks else without_thoughts(turns))
        asked = Templated(
            template, tuple(said), bos="<s>", eos="</s>", keep_thinking=thinks, think=True
        )
        rendered = render(asked, FORMATS["mistral"], WRITE, SPECIALS.__contains__)
        expected = build(said, version=version, keep_thinking=True, effort="none")
        assert tekken.encode(rendered.prompt) == tekken.encode(expected)
        assert rendered.prompt[0] == Control("<s>")


def spoken(turns: list[Turn]) -> list[Turn]:
    """Return a conversation as a template can be given it: a thought comes first, if any."""
    said = []
    for turn in turns:
        thoughts = [part for part in turn.parts if isinstance(part, Thought) and part.text]
        texts = [part for part in turn.parts if isinstance(part, str)]
        text = "\n\n".join(text.strip() for text in texts if text.strip())
        kept = thoughts if turn.role == "assistant" else []
        said.append(Turn(turn.role, (*kept, text or "nothing")))
    return said
