"""What a load was promised to take, what it took, and what is offered where it was too much.

Real loads in real children; one of them under a limit of memory that makes llama.cpp fail.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app import paths
from app.chat.load_plan import LoadPlan, for_file, held
from app.cli import main
from app.errors import Problem
from app.fit.candidates import from_path
from app.fit.devices import MIB, Device, Machine, from_hardware
from app.fit.explain import memory
from app.fit.learned import Learned
from app.fit.memory import Placement, estimate
from app.hardware.detect import detect
from app.settings import Settings
from tests.support import synthetic
from tests.support.session import Desk

WIDE = synthetic.Shape(width=512, layers=4, heads=4, kv_heads=4, context=65_536)
"""Small weights and a large cache: 8 KiB a token in f16, 256 MiB for 32,768."""

CPU = Machine("this", (), Device("memory", "cpu", 16 << 30, 0, None))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.session.close()


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.write(tmp_path_factory.mktemp("models") / "wide.gguf", WIDE)


def ready(desk: Desk) -> None:
    desk.until(lambda: desk.session.state.model.phase in ("ready", "failed"))
    assert desk.session.state.model.phase == "ready", desk.session.state.model.problem


def answered(desk: Desk, text: str) -> str:
    """Ask, take some tokens of what these weights babble, stop; return them."""
    assert desk.session.send(text)
    desk.until(lambda: bool((turn := desk.session.state.turn) and turn.answer_tokens > 10))
    desk.session.stop()
    answer = desk.answer()
    assert answer.status == "cancelled"
    return answer.text


def records() -> list[dict[str, object]]:
    value = json.loads((paths.data_dir() / "fit.json").read_text(encoding="utf-8"))
    loads: list[dict[str, object]] = value["loads"]
    return loads


def test_a_file_is_planned_for_this_machine_and_its_promise_held_against_the_truth(
    desk: Desk, wide: Path
) -> None:
    desk.session.load_model(str(wide))
    assert desk.session.state.model.phase == "loading"
    ready(desk)
    model = desk.session.state.model
    assert model.info is not None
    assert model.plan is not None
    assert model.plan.promised_bytes is not None
    assert (model.plan.context, model.info.context) == (40_960, 40_960)
    assert re.fullmatch(r"promised \d+(\.\d GB| MB), used \d+(\.\d)?", model.promise)
    desk.idle()
    (record,) = records()
    assert record["promised_bytes"] == model.plan.promised_bytes
    actual = record["actual_bytes"]
    assert isinstance(actual, int)
    parts = estimate(from_path(wide).shape, Placement(40_960), CPU).host
    assert model.plan.promised_bytes == parts.total
    # The buffers by themselves, and with what the process takes beside them.
    buffers = model.info.allocated[0].bytes
    assert buffers == pytest.approx(parts.total - parts.overhead, rel=0.005)
    assert actual == buffers + (model.info.allocated[0].beside_bytes or 0)
    assert actual == pytest.approx(model.plan.promised_bytes, rel=0.05)


def test_what_a_load_taught_corrects_the_next_promise(desk: Desk, wide: Path) -> None:
    desk.session.load_model(str(wide))
    ready(desk)
    first = desk.session.state.model.plan
    desk.idle()
    assert first is not None
    correction = Learned().correction_bytes("this", first.kind, first.shape)
    assert correction != 0
    desk.session.load_model(str(wide))
    assert desk.session.state.model.phase == "loading"
    ready(desk)
    second = desk.session.state.model.plan
    desk.idle()
    assert second is not None
    assert second.correction_bytes == correction
    one, two = (int(str(record["actual_bytes"])) for record in records())
    # What a process takes beside its buffers differs from load to load by some pages.
    noise = 2 * MIB
    missed = abs(one - (first.promised_bytes or 0))
    assert abs(two - (second.promised_bytes or 0)) < max(missed, noise)


def test_a_long_answer_teaches_the_speed_and_the_next_table_tells_it(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    demo = str(paths.demo_model())
    desk.session.load_model(demo)
    ready(desk)
    usage = desk.ask("What is 12 + 30?").usage
    assert usage is not None
    desk.idle()
    tokens = usage.thinking_tokens + usage.answer_tokens
    assert tokens >= 64
    (record,) = records()
    assert record["tokens_per_s"] == pytest.approx(tokens / usage.decode_s)
    assert main(["fit", demo, "--json"]) == 0
    choice = json.loads(capsys.readouterr().out)["choice"]
    assert choice["measured"]
    assert choice["tokens_per_s"] == pytest.approx(tokens / usage.decode_s, abs=0.1)


def test_a_chosen_plan_is_loaded_and_kept_for_the_next_time(tmp_path: Path, wide: Path) -> None:
    chosen = LoadPlan(context=3072, kv="q8_0")
    desk = Desk(tmp_path)
    try:
        desk.session.load_model(str(wide), chosen)
        ready(desk)
        info = desk.session.state.model.info
        assert info is not None
        assert (info.context, info.kv_type) == (3072, "q8_0")
        assert desk.session.state.model.promise == ""
        desk.idle()
    finally:
        desk.session.close()
    again = Desk(tmp_path, Settings(last_model=str(wide)))
    try:
        again.session.set_draft("I begin to type")
        ready(again)
        assert again.session.state.model.plan == chosen
        found = again.session.state.model.info
        assert found is not None
        assert (found.context, found.kv_type) == (3072, "q8_0")
    finally:
        again.session.close()


def test_the_memory_of_an_unloaded_model_is_given_back(desk: Desk, wide: Path) -> None:
    desk.session.load_model(str(wide), LoadPlan(context=32_768))
    ready(desk)
    pid = desk.session.engine_pid
    assert pid is not None
    child = psutil.Process(pid)
    loaded = child.memory_info().rss
    _, host = held(desk.session.state.model.info)
    assert host > 256 * MIB
    desk.session.unload_model()
    desk.until(lambda: desk.session.state.model.phase == "none")
    assert loaded - child.memory_info().rss > 250 * MIB


def test_a_plan_counts_what_the_loaded_model_gives_back(wide: Path) -> None:
    reserve = 2048 * MIB
    short = Machine("this", (), Device("memory", "cpu", reserve + 200 * MIB, reserve, None))
    without = for_file(wide, short, 40_960)
    assert without is not None
    assert without.context < 40_960 or without.kv != "f16"
    plan = for_file(wide, short.given_back(0, 512 * MIB), 40_960)
    assert plan is not None
    assert (plan.context, plan.kv) == (40_960, "f16")


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
def test_a_load_that_finds_too_little_memory_offers_the_next_setting_and_that_works(
    desk: Desk, wide: Path
) -> None:
    desk.session.load_model(str(wide), LoadPlan(context=1024))
    ready(desk)
    assert answered(desk, "Hello")
    before = desk.texts()
    limit(desk, 200 * MIB)
    machine = from_hardware(detect())
    plan = for_file(wide, machine, 32_768)
    assert plan is not None
    assert (plan.context, plan.kv) == (32_768, "f16")
    desk.session.load_model(str(wide), plan)
    desk.until(lambda: desk.session.state.model.next_plan is not None)
    model = desk.session.state.model
    assert model.phase == "failed"
    assert model.problem is not None
    assert model.problem.key == "load-memory"
    assert model.problem.title == (
        f"wide.gguf was promised to fit in {memory(plan.promised_bytes or 0)}, "
        "but there was not enough memory."
    )
    assert "failed to allocate" in model.problem.detail
    assert "It should fit with 32,768 tokens of context, KV cache q8_0." in model.problem.advice
    shown: Problem = desk.problems[-1]
    assert shown == model.problem
    assert desk.texts() == before
    offer = model.next_plan
    assert offer is not None
    assert (offer.promised_bytes or 0) < 0.9 * (plan.promised_bytes or 0)
    desk.session.load_model(str(wide), offer)
    ready(desk)
    assert desk.session.state.model.next_plan is None
    assert answered(desk, "Hello again")
    # It is kept: loaded so again after an unload, and planned no more. (What the unloaded model
    # leaves behind in the process is not the matter here.)
    limit(desk, None)
    desk.session.unload_model()
    desk.until(lambda: desk.session.state.model.phase == "none")
    desk.session.load_model(str(wide))
    ready(desk)
    assert desk.session.state.model.plan == offer
    assert desk.texts()[: len(before)] == before


def limit(desk: Desk, more_bytes: int | None) -> None:
    """Let the engine's process have so much more data than now and no more; None: any amount.

    Data, not address space: malloc reserves 64 MiB of the latter for each thread as it pleases.
    """
    import resource

    pid = desk.session.engine_pid
    assert pid is not None
    most = resource.RLIM_INFINITY
    if more_bytes is not None:
        most = psutil.Process(pid).memory_info().data + more_bytes
    resource.prlimit(pid, resource.RLIMIT_DATA, (most, resource.RLIM_INFINITY))


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
def test_an_engine_that_dies_of_want_of_memory_is_followed_by_an_offer_too(
    desk: Desk, wide: Path
) -> None:
    desk.session.load_model(str(wide), LoadPlan(context=1024))
    ready(desk)
    before = desk.texts()
    # Not even room for what Python and the library need to say that there is none.
    limit(desk, 2 * MIB)
    desk.session.load_model(str(wide), LoadPlan(context=40_960))
    desk.until(lambda: desk.session.state.model.next_plan is not None)
    model = desk.session.state.model
    assert model.phase == "failed"
    assert model.problem is not None
    assert model.problem.key in ("engine-memory", "load-memory")
    offer = model.next_plan
    assert offer is not None
    assert (offer.context, offer.kv) == (40_960, "q8_0")
    assert desk.texts() == before


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
def test_after_a_failure_the_next_message_loads_what_is_smaller(desk: Desk, wide: Path) -> None:
    desk.session.load_model(str(wide), LoadPlan(context=1024))
    ready(desk)
    limit(desk, 200 * MIB)
    plan = for_file(wide, CPU, 32_768)
    assert plan is not None
    desk.session.load_model(str(wide), plan)
    desk.until(lambda: desk.session.state.model.next_plan is not None)
    assert answered(desk, "Hello")
    loaded = desk.session.state.model.plan
    assert loaded is not None
    assert (loaded.promised_bytes or 0) < (plan.promised_bytes or 0)


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
def test_where_nothing_smaller_is_left_it_is_said_and_nothing_is_tried_in_vain(
    desk: Desk, wide: Path
) -> None:
    desk.session.load_model(str(wide), LoadPlan(context=1024))
    ready(desk)
    limit(desk, 2 * MIB)
    # Promised to take so little that nothing could take less.
    least = LoadPlan(context=32_768, kv="q4_0", promised_bytes=MIB)
    desk.session.load_model(str(wide), least)
    desk.until(lambda: bool(desk.problems) and "smaller quant" in desk.problems[-1].advice)
    assert desk.session.state.model.next_plan is None
    desk.session.load_model(str(wide))
    desk.until(lambda: desk.session.state.model.phase == "failed")
    assert desk.problems[-1].key == "load-too-big"
    assert desk.problems[-1].title.startswith("wide.gguf found too little memory")


def test_of_two_files_chosen_in_a_row_the_second_is_loaded(desk: Desk, wide: Path) -> None:
    demo = str(paths.demo_model())
    desk.session.load_model(str(wide))
    desk.session.load_model(demo)
    desk.session.load_model(str(wide))
    desk.session.load_model(demo)
    ready(desk)
    info = desk.session.state.model.info
    assert info is not None
    assert info.path == demo
    desk.idle()
    assert desk.session.state.model.info == info
    assert [record["shape"] for record in records()] == ["llama/4x128/F16"]


def test_an_unload_stops_a_load_that_is_only_planned(desk: Desk, wide: Path) -> None:
    desk.session.load_model(str(wide))
    desk.session.unload_model()
    desk.until(lambda: desk.session.state.model.phase == "none")
    desk.idle()
    assert desk.session.state.model.phase == "none"
    assert desk.session.engine_pid is None


def test_a_file_that_cannot_be_planned_is_what_the_engine_says_of_it(
    desk: Desk, tmp_path: Path
) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF but no more")
    desk.session.load_model(str(path))
    desk.until(lambda: desk.session.state.model.phase == "failed")
    problem = desk.session.state.model.problem
    assert problem is not None
    assert "broken.gguf" in problem.title
    assert desk.session.state.model.plan is None


def test_a_window_closed_while_a_load_is_planned_leaves_nothing(desk: Desk, wide: Path) -> None:
    desk.session.load_model(str(wide))
    desk.session.close()
    assert desk.session.engine_pid is None


def test_ask_says_its_settings_its_promise_and_what_was_used(
    wide: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["ask", "Hello", "--model", str(wide), "--max-tokens", "70", "--json"]
    assert main(arguments) == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    loading = [event for event in events if event["event"] == "loading"]
    for event in loading:
        assert (event["context"], event["kv"], event["gpu_layers"]) == (40_960, "f16", -1)
        assert event["promised_bytes"] > 335 * 10**6
    assert loading[-1]["used_bytes"] == pytest.approx(loading[-1]["promised_bytes"], rel=0.05)
    made_by = events[-1]["provenance"]
    assert (made_by["context"], made_by["kv"], made_by["gpu_layers"]) == (40_960, "f16", 0)
    (record,) = records()
    assert record["actual_bytes"] == loading[-1]["used_bytes"]
    assert record["tokens_per_s"] is not None
