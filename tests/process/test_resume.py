"""An old chat goes on from what was kept on disk, in a real engine, with the very same answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app import paths
from app.engine import states
from app.engine.protocol import Event, Finished, Forget, LoadOptions, Unload, Unloaded
from tests.support.engine import Engine, said

WORDS = "the quick brown fox jumps over the lazy dog and goes home to sleep until it is light "
FIRST = "First " + WORDS * 30
SECOND = "Second " + WORDS * 30


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "engine.log")
    with engine.client:
        yield engine


def load(engine: Engine) -> None:
    engine.load(LoadOptions(str(paths.demo_model()), context=4096))


def finished(events: list[Event]) -> Finished:
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1]


def cached(engine: Engine, prompt: str) -> tuple[Finished, str]:
    events = engine.ask(prompt, max_tokens=12, chat=prompt[:5])
    return finished(events), said(events, "answer")


def test_another_chat_and_back_reads_only_what_is_new(engine: Engine) -> None:
    load(engine)
    first, answer = cached(engine, FIRST)
    assert first.usage.prompt_tokens > 1000
    second, _ = cached(engine, SECOND)
    assert second.usage.cached_tokens < 10
    again, same = cached(engine, FIRST)
    assert again.usage.cached_tokens == first.usage.prompt_tokens - 1
    assert same == answer


def test_after_an_unload_and_in_another_process_too(engine: Engine, tmp_path: Path) -> None:
    load(engine)
    first, answer = cached(engine, FIRST)
    engine.client.send(Unload(engine.client.next_request()))
    engine.until(lambda event: isinstance(event, Unloaded))
    other = Engine(tmp_path / "other.log")
    with other.client:
        load(other)
        again, same = cached(other, FIRST + "more")
        assert again.usage.cached_tokens >= first.usage.prompt_tokens - 2
        again, same = cached(other, FIRST)
        assert same == answer


@pytest.mark.parametrize("harm", ["cut", "changed", "foreign"])
def test_a_broken_file_costs_reading_and_nothing_else(engine: Engine, harm: str) -> None:
    load(engine)
    _, answer = cached(engine, FIRST)
    cached(engine, SECOND)
    (path,) = (paths.cache_dir() / "states").glob("*.kv")
    data = path.read_bytes()
    match harm:
        case "cut":
            path.write_bytes(data[: len(data) // 2])
        case "changed":
            path.write_bytes(data[:5000] + b"\xff" * 100 + data[5100:])
        case "foreign":
            path.write_bytes(b"\x00" * len(data))
    again, same = cached(engine, FIRST)
    assert again.usage.cached_tokens < 10
    assert same == answer
    assert not path.exists()


def test_what_is_in_no_chat_is_not_kept(engine: Engine) -> None:
    load(engine)
    finished(engine.ask(FIRST, max_tokens=1))
    cached(engine, SECOND)
    assert kept() == []


def test_a_deleted_chat_takes_what_is_kept_of_it_along(engine: Engine) -> None:
    load(engine)
    cached(engine, FIRST)
    cached(engine, SECOND)
    assert len(kept()) == 1
    first, second = FIRST[:5], SECOND[:5]
    # One is on disk, the other is what was read last and would be kept.
    engine.client.send(Forget((first, second)))
    assert cached(engine, SECOND)[0].usage.cached_tokens == 0
    assert kept() == []
    cached(engine, FIRST)
    assert len(kept()) == 1


def test_nothing_is_left_of_chats_that_are_no_more(engine: Engine) -> None:
    load(engine)
    cached(engine, FIRST)
    cached(engine, SECOND)
    cached(engine, FIRST)
    assert len(kept()) == 2
    states.drop_chats(states.default_folder(), {"another"})
    assert len(kept()) == 2
    states.keep_chats(states.default_folder(), {SECOND[:5]})
    assert len(kept()) == 1
    # The engine learns of it when it looks.
    cached(engine, SECOND)
    assert cached(engine, FIRST)[0].usage.cached_tokens > 1000


def kept() -> list[Path]:
    return list(states.default_folder().glob("*.kv"))
