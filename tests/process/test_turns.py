"""What a turn costs beyond its own tokens, in a session with the demo model: next to nothing."""

from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import paths
from app.chat.message import Message, Thinking
from app.chat.request import turn_of
from app.engine import states
from app.engine.generation import prompt_hash
from app.engine.prefix import common_prefix
from app.engine.protocol import Finished, Generate, Loaded, LoadOptions, Tokenize, Tokens, Usage
from app.prompts.mistral import build
from app.prompts.segments import Prompt
from app.settings import Settings
from tests.support.engine import Engine, said
from tests.support.session import Desk

TURNS = 20
QUESTION = "What is 17 + 25?"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, Settings(keep_thinking=False))
    desk.session.load_model(str(paths.demo_model()))
    yield desk
    desk.session.close()


@pytest.fixture
def words(tmp_path: Path) -> Iterator[Engine]:
    """The demo model's vocabulary."""
    engine = Engine(tmp_path / "words.log")
    with engine.client:
        options = LoadOptions(str(paths.demo_model()), words_only=True)
        assert isinstance(engine.load(options), Loaded)
        yield engine


def ids_of(words: Engine, branch: tuple[Message, ...]) -> tuple[int, ...]:
    """Return the prompt of a branch, as the format's own builder writes it."""
    open_ = bool(branch[-1].parts) and branch[-1].role == "assistant"
    return encoded(
        words,
        build(
            [turn_of(message) for message in branch],
            version="mistral-v13",
            keep_thinking=False,
            unfinished=open_,
        ),
    )


def encoded(words: Engine, prompt: Prompt) -> tuple[int, ...]:
    request = words.client.next_request()
    words.client.send(Tokenize(request, prompt))
    (tokens,) = words.until(lambda event: isinstance(event, Tokens))
    assert isinstance(tokens, Tokens)
    return tokens.ids


def usage_of(message: Message) -> Usage:
    assert message.usage is not None
    return message.usage


def test_a_turn_reads_what_is_new_and_what_follows_a_dropped_thought(
    desk: Desk, words: Engine
) -> None:
    read_before = 0
    for turn in range(TURNS):
        answer = desk.ask(f"What is {turn + 3} + {turn * 2 + 4}?")
        usage = usage_of(answer)
        branch = desk.session.state.conversation.branch()
        prompt = ids_of(words, branch[:-1])
        assert usage.prompt_tokens == len(prompt)
        assert answer.thinking is not None
        # A prompt is kept whole. So is the answer to it, but without its thought it stands
        # elsewhere now.
        assert usage.cached_tokens == read_before
        read_before = len(prompt)
    # Once more: only the last token.
    desk.session.retry(answer.id)
    again = usage_of(desk.answer())
    assert (again.cached_tokens, again.prompt_tokens) == (len(prompt) - 1, len(prompt))


def test_an_edit_and_a_branch_read_from_where_they_part(desk: Desk, words: Engine) -> None:
    session = desk.session
    for turn in range(4):
        desk.ask(f"What is {turn + 3} + {turn * 2 + 4}?")
    old = session.state.conversation.branch()
    session.edit(old[2].id, "What is 4 + 9?")
    edited = usage_of(desk.answer())
    new = session.state.conversation.branch()
    one, other = (ids_of(words, branch[:-1]) for branch in (old, new))
    assert edited.cached_tokens == common_prefix(one, other)
    session.switch_branch(new[2].id, -1)
    assert session.state.conversation.branch() == old
    back = usage_of(desk.ask("What is 5 + 5?"))
    here = ids_of(words, session.state.conversation.branch()[:-1])
    assert back.cached_tokens == common_prefix(other, here)


def test_a_chat_that_is_deleted_for_good_takes_what_was_read_of_it_along(desk: Desk) -> None:
    session = desk.session
    # The demo model has nothing sensible to say to this, and no end.
    assert session.send("Remember: " + "one two three four five " * 120)
    desk.thought(2)
    session.stop()
    desk.answer()
    first = session.state.chat_id
    assert first is not None
    session.new_chat()
    desk.ask(QUESTION)
    assert len(list(states.default_folder().glob("*.kv"))) == 1
    session.delete_chat(first)
    desk.idle()
    assert len(list(states.default_folder().glob("*.kv"))) == 1  # it can be brought back
    session.purge_chats((first,))
    desk.idle()
    assert list(states.default_folder().iterdir()) == []


def test_an_edited_thought_goes_on_from_its_very_tokens(
    desk: Desk, words: Engine, tmp_path: Path
) -> None:
    session = desk.session
    first = desk.ask(QUESTION)
    session.edit_thought(first.id, "I add 17 and 25 column by column. 7+5=12, write 2, carry")
    second = desk.answer()
    by = second.provenance
    assert by is not None
    branch = session.state.conversation.branch()
    edited = Thinking("I add 17 and 25 column by column. 7+5=12, write 2, carry", closed=False)
    question, reply = branch[0], Message("", None, "assistant", (edited,), 0.0)
    ids = ids_of(words, (question, reply))
    assert by.prompt_hash == prompt_hash(array("i", ids))
    assert usage_of(second).prompt_tokens == len(ids)
    # What was kept of the first thought changes nothing: an engine that read it all says the same.
    assert usage_of(second).cached_tokens > 0
    fresh = Engine(tmp_path / "fresh.log")
    with fresh.client:
        loaded = fresh.load(LoadOptions(by.file, context=by.context))
        assert isinstance(loaded, Loaded)
        prompt = build(
            [turn_of(question), turn_of(reply)],
            version="mistral-v13",
            keep_thinking=False,
            unfinished=True,
        )
        request = fresh.client.next_request()
        fresh.client.send(
            Generate(request, prompt, by.sampling, reasoning="mistral", thinking_open=True)
        )
        events = fresh.until(lambda event: isinstance(event, Finished))
    assert second.thinking is not None
    assert second.thinking.text == edited.text + said(events, "thinking")
    assert second.text == said(events, "answer")
