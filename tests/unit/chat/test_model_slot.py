"""What the chip shows of a model, from the engine's events."""

from app.chat.load_plan import LoadPlan
from app.chat.model_slot import ModelState, chosen, offered, reduce_model, remembered, took
from app.engine.protocol import EngineDied, Failed, Loading, Unloaded
from app.errors import Problem
from app.fit.learned import Load

PLAN = LoadPlan(40_960, promised_bytes=23_200_000_000)
SMALLER = LoadPlan(40_960, "q8_0", promised_bytes=18_000_000_000)
PROBLEM = Problem("load-memory", "There is not enough memory.", "Close programs.", "cudaMalloc")
FAILED = reduce_model(chosen("/models/m.gguf", PLAN), Failed(1, PROBLEM))


def test_a_promise_that_failed_is_told_as_one_with_what_to_try_next() -> None:
    state = offered(FAILED, SMALLER)
    assert state.phase == "failed"
    assert state.next_plan == SMALLER
    assert state.problem == Problem(
        "load-memory",
        "m.gguf was promised to fit in 21.6 GB, but there was not enough memory.",
        "It should fit with 40,960 tokens of context, KV cache q8_0.",
        "cudaMalloc",
    )


def test_where_nothing_smaller_fits_another_file_is_advised() -> None:
    state = offered(FAILED, None)
    assert state.next_plan is None
    assert state.problem is not None
    assert state.problem.advice == "Choose a smaller quantization of it, or close other programs."


def test_without_a_promise_the_engines_sentence_stays() -> None:
    state = offered(reduce_model(chosen("/m.gguf"), Failed(1, PROBLEM)), SMALLER)
    assert state.problem is not None
    assert state.problem.title == PROBLEM.title
    # A model that has not failed is offered nothing.
    assert offered(chosen("/m.gguf"), SMALLER) == chosen("/m.gguf")


def test_a_load_shows_its_promise_and_an_earlier_offer_is_gone() -> None:
    load = Load("this", "cuda", "s", 23_200_000_000, 23_130_000_000)
    assert took(offered(FAILED, SMALLER), load).promise == "promised 21.6 GB, used 21.5"
    without = took(offered(FAILED, SMALLER), None)
    assert (without.promise, without.next_plan) == ("", None)


def test_a_plan_outlives_the_events_of_its_load() -> None:
    state = chosen("/m.gguf", PLAN)
    for event in (Loading(1, 0.5), EngineDied(1, PROBLEM, -9), Unloaded(2)):
        state = reduce_model(state, event)
        assert state.plan == PLAN
    assert remembered("") == ModelState()
    assert remembered("/models/m.gguf").name == "m"
