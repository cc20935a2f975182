"""Every version of Mistral's prompts: id for id what mistral-common makes of a conversation.

PONDER_EXAMPLES=500 sets how many conversations of each version are made up.
"""

import os
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.prompts.mistral import Version, build
from app.prompts.segments import Effort
from tests.support.conversations import chats, speaks, without_thoughts
from tests.support.tekken import Tekken, shipped

EXAMPLES = int(os.environ.get("PONDER_EXAMPLES", "15"))
VERSIONS: tuple[Version, ...] = get_args(Version)


@pytest.fixture(scope="module")
def oracles(tmp_path_factory: pytest.TempPathFactory) -> dict[Version, Tekken]:
    return {
        version: shipped(tmp_path_factory.mktemp(version), version=version.removeprefix("mistral-"))
        for version in VERSIONS
    }


@pytest.mark.parametrize("version", VERSIONS)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES < 500,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(data=st.data())
def test_ids(oracles: dict[Version, Tekken], version: Version, data: st.DataObject) -> None:
    turns = data.draw(chats(version))
    efforts: list[Effort] = ["none", "high"] if version == "mistral-v15" else ["high"]
    effort = data.draw(st.sampled_from(efforts))
    oracle = oracles[version]
    told = effort if version == "mistral-v15" else None
    unfinished = turns[-1].role == "assistant"
    prompt = build(turns, version=version, keep_thinking=True, unfinished=unfinished, effort=effort)
    assert oracle.encode(prompt) == oracle.ids(turns, prefix=unfinished, effort=told)
    kept = [*without_thoughts(turns[:-1]), turns[-1]]
    kept = [turn for turn in kept if turn.role != "assistant" or speaks(turn)]
    dropped = build(
        turns, version=version, keep_thinking=False, unfinished=unfinished, effort=effort
    )
    assert oracle.encode(dropped) == oracle.ids(kept, prefix=unfinished, effort=told)
