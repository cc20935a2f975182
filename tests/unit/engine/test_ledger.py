"""The client's books, without a child."""

from app.engine.ledger import Ledger
from app.engine.protocol import (
    Command,
    Delta,
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    LoadOptions,
    ModelInfo,
    Sampling,
    Unload,
    Unloaded,
    Usage,
)
from app.errors import Problem
from app.prompts.segments import Text

OPTIONS = LoadOptions("model.gguf")
INFO = ModelInfo("", "", 0, "", "", 0, 0, 0, 0, 0, (), None, None, "scripted", "CPU", "")


def generate(request: int) -> Generate:
    return Generate(request, (Text("x"),), Sampling())


def finished(request: int) -> Finished:
    return Finished(request, "stop", Usage())


def failed(request: int, key: str = "any") -> Failed:
    return Failed(request, Problem(key, "It failed."))


def ledger_with_model() -> Ledger:
    ledger = Ledger(5.0)
    do(ledger, Load(1, OPTIONS))
    assert ledger.take(Loaded(1, INFO, 0.1), 0.0) is not None
    assert ledger.loaded == OPTIONS
    return ledger


def do(ledger: Ledger, job: Load | Generate | Unload) -> list[Command]:
    ledger.open(job)
    steps = ledger.steps(job)
    for step in steps:
        ledger.written(step)
    return steps


def take(ledger: Ledger, event: Event) -> Event | None:
    return ledger.take(event, 0.0)


def test_late_and_unknown_events_are_dropped() -> None:
    ledger = ledger_with_model()
    do(ledger, generate(2))
    assert take(ledger, Delta(2, "answer", "x", 1)) is not None
    assert take(ledger, finished(2)) is not None
    assert take(ledger, Delta(2, "answer", "late", 1)) is None
    assert take(ledger, finished(2)) is None
    assert take(ledger, finished(77)) is None


def test_after_a_death_the_model_is_loaded_before_the_next_message() -> None:
    ledger = ledger_with_model()
    first, second = generate(2), generate(3)
    assert do(ledger, first) == [first]
    assert ledger.child_ended(0.0) == [first]
    assert not ledger.is_open(2)
    assert do(ledger, second) == [Load(3, OPTIONS), second]
    # Its answers carry the message's id and do not end it.
    assert take(ledger, Loaded(3, INFO, 0.1)) is not None
    assert ledger.is_open(3)
    assert take(ledger, finished(3)) is not None
    assert do(ledger, generate(4)) == [generate(4)]


def test_requests_the_dead_child_never_saw_stay_open() -> None:
    ledger = ledger_with_model()
    do(ledger, generate(2))
    ledger.open(generate(3))
    assert ledger.child_ended(0.0) == [generate(2)]
    assert ledger.is_open(3)


def test_a_model_that_fails_to_load_is_forgotten() -> None:
    ledger = ledger_with_model()
    do(ledger, Load(2, LoadOptions("other.gguf")))
    assert ledger.loaded is None
    take(ledger, failed(2))
    assert do(ledger, generate(3)) == [generate(3)]


def test_a_failed_reload_ends_the_message_and_is_tried_again() -> None:
    ledger = ledger_with_model()
    ledger.child_ended(0.0)
    do(ledger, generate(2))
    assert take(ledger, failed(2)) == failed(2)
    assert take(ledger, failed(2, "no-model")) is None
    assert do(ledger, generate(3)) == [Load(3, OPTIONS), generate(3)]


def test_a_failed_message_does_not_unload_the_model() -> None:
    ledger = ledger_with_model()
    do(ledger, generate(2))
    take(ledger, failed(2, "prompt-too-long"))
    assert do(ledger, generate(3)) == [generate(3)]


def test_a_reload_that_is_cancelled_is_a_cancelled_answer() -> None:
    ledger = ledger_with_model()
    ledger.child_ended(0.0)
    do(ledger, generate(2))
    event = take(ledger, failed(2, "load-cancelled"))
    assert isinstance(event, Finished)
    assert event.reason == "cancelled"


def test_unloaded_is_forgotten() -> None:
    ledger = ledger_with_model()
    do(ledger, Unload(2))
    assert take(ledger, Unloaded(2)) == Unloaded(2)
    assert ledger.loaded is None
    assert do(ledger, generate(3)) == [generate(3)]


def test_patience_is_with_the_running_request_only() -> None:
    ledger = ledger_with_model()
    do(ledger, generate(2))
    do(ledger, generate(3))
    assert ledger.time_left(0.0) is None
    ledger.cancel(3, 0.0)
    assert ledger.time_left(100.0) is None  # it waits for its turn
    ledger.take(finished(2), 100.0)
    assert ledger.time_left(101.0) == 4.0
    ledger.cancel(3, 104.0)  # asking twice does not prolong it
    assert ledger.time_left(110.0) == 0.0
    ledger.give_up()
    assert ledger.time_left(110.0) is None
