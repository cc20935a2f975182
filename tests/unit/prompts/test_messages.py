"""MESSAGES.json: what is read, and how what cannot be read is refused."""

import json

import pytest

from app.errors import WorldError
from app.prompts.messages import parse
from app.prompts.segments import Thought, Turn


def test_a_conversation() -> None:
    messages = [
        {"role": "system", "thinking": "so", "content": "Be brief."},
        {"role": "user", "content": ""},
        {"role": "assistant", "content": "a", "thinking": ""},
        {"role": "user", "content": "é🤔"},
    ]
    turns = [
        Turn("system", (Thought("so"), "Be brief.")),
        Turn("user", ("",)),
        Turn("assistant", (Thought(""), "a")),
        Turn("user", ("é🤔",)),
    ]
    assert parse(json.dumps(messages)) == (turns, False)


def test_an_unfinished_answer() -> None:
    text = (
        '[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "prefix": true}]'
    )
    assert parse(text) == ([Turn("user", ("a",)), Turn("assistant", ("b",))], True)


def test_half_a_character_is_replaced() -> None:
    turns, _ = parse(r'[{"role": "user", "content": "a\ud83eb"}]')
    assert turns[0].parts[0] == "a\ufffdb"
    turns, _ = parse(r'[{"role": "user", "content": "\ud83e\udd14"}]')
    assert turns[0].parts[0] == "🤔"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not valid JSON"),
        ("[", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("{}", "must be a JSON list"),
        ("[]", "at least one message"),
        ('["a"]', "Message 1 is not a JSON object"),
        ('[{"role": "user"}]', 'Message 1: "content" must be text'),
        ('[{"role": "user", "content": ["a"]}]', '"content" must be text'),
        ('[{"content": "a"}]', '"role" must be one of system, user, assistant'),
        ('[{"role": ["user"], "content": "a"}]', '"role" must be one of'),
        ('[{"role": "tool", "content": "a"}]', '"role" must be one of'),
        ('[{"role": "user", "content": "a", "thinking": "b"}]', 'has no "thinking"'),
        ('[{"role": "assistant", "content": "a", "thinking": null}]', '"thinking" must be text'),
        ('[{"role": "user", "content": "a", "reasoning": "b"}]', 'means nothing here: "reasoning"'),
        ('[{"role": "user", "content": "a", "prefix": true}]', 'can be a "prefix"'),
        ('[{"role": "user", "content": "a", "prefix": 1}]', '"prefix" must be true or false'),
        (
            """[{"role": "assistant", "content": "a", "prefix": true},
                {"role": "user", "content": "a"}]""",
            "Message 1: only an assistant's last",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(WorldError) as caught:
        parse(text)
    assert words in caught.value.problem.title
    assert caught.value.problem.title.endswith(".")
    assert caught.value.problem.advice
