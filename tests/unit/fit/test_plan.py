"""The choice: what the catalogue's models get on well-known machines, and what is never chosen."""

import itertools
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from app.errors import WorldError
from app.fit import quality
from app.fit.candidates import Candidate, from_entry
from app.fit.devices import GPU_RESERVE_BYTES, MIB, NAMES, Device, Machine, from_hardware, named
from app.fit.learned import Learned, Load, shape_key
from app.fit.memory import estimate
from app.fit.plan import Plan, plan
from app.hardware.types import Cpu, Disk, Gpu, Hardware, Ram
from app.models.catalogue import Entry, File, find

CONTEXT = 40_960


def candidates(name: str = "magistral-small-1.2", **wanted: object) -> list[Candidate]:
    entry = find(name)
    assert entry is not None
    found = from_entry(entry)
    engine, official = wanted.get("engine"), wanted.get("official", False)
    return [
        candidate
        for candidate in found
        if engine in (None, candidate.shape.engine) and (candidate.official or not official)
    ]


def choice(found: Plan) -> tuple[str, str, str]:
    assert found.choice is not None
    return found.choice.quantization, found.choice.placement.kv, found.choice.verdict


@pytest.mark.parametrize(
    ("device", "engine", "official", "expected"),
    [
        ("rtx4090", "llama_cpp", False, ("Q6_K", "q8_0", "fits")),
        ("rtx4090", None, False, ("Q6_K", "q8_0", "fits")),
        ("rtx4090", "llama_cpp", True, ("Q5_K_M", "f16", "fits")),
        ("mac32", "llama_cpp", False, ("Q5_K_M", "q8_0", "fits")),
        ("mac32", "mlx", False, ("5bit", "q8_0", "fits")),
        ("rtx4080", "llama_cpp", False, ("Q4_K_M", "q8_0", "partial")),
    ],
)
def test_magistral_small_gets_the_best_reasoning_that_fits(
    device: str, engine: str | None, official: bool, expected: tuple[str, str, str]
) -> None:
    wanted = candidates(engine=engine, official=official)
    assert choice(plan(wanted, named(device), CONTEXT)) == expected


def test_a_processor_gets_what_is_not_unbearably_slow() -> None:
    quick = candidates("ministral-3-14b")
    assert choice(plan(quick, named("cpu32"), 8192)) == ("Q4_K_M", "f16", "fits")
    # Nothing of this size is quick there: then quality alone decides.
    slow = candidates(engine="llama_cpp", official=True)
    assert choice(plan(slow, named("cpu64"), 8192))[0] in ("Q8_0", "BF16")


def test_gpt_oss_keeps_its_experts_in_memory_on_a_small_card() -> None:
    found = plan(candidates("gpt-oss-20b"), named("rtx4060-8gb"), CONTEXT)
    assert found.choice is not None
    assert found.choice.placement.cpu_experts
    assert found.choice.verdict == "partial"
    assert "experts in main memory" in found.reason


@pytest.mark.parametrize("device", NAMES)
def test_every_row_keeps_its_promise_or_says_no(device: str) -> None:
    machine = named(device)
    found = plan(candidates(), machine, CONTEXT)
    for row in found.rows:
        if row.verdict == "no":
            assert row.spare_bytes < 0.01 * machine.budget_bytes
            continue
        for card, parts in zip(machine.gpus, row.estimate.gpus, strict=True):
            assert parts.total <= card.budget_bytes
        if not machine.unified:
            assert row.estimate.host.total <= machine.host.budget_bytes
        layers = len(row.shape.layers)
        whole = row.placement.gpu_layers > layers and not row.placement.cpu_experts
        assert (row.verdict == "fits") == whole
    if found.choice is not None:
        assert quality.advisable(found.choice.quantization)


def test_mlx_is_left_out_where_it_cannot_run_and_refused_where_there_is_nothing_else() -> None:
    engines = {row.shape.engine for row in plan(candidates(), named("rtx4090"), CONTEXT).rows}
    assert engines == {"llama_cpp"}
    only = plan(candidates(engine="mlx"), named("rtx4090"), CONTEXT)
    assert {row.verdict for row in only.rows} == {"no"}
    assert only.choice is None
    assert "Macs" in only.rows[0].reason


@pytest.mark.parametrize("device", ["rtx4080", "rtx4060-8gb", "rtx3060-12gb"])
def test_one_more_layer_on_the_card_would_not_fit(device: str) -> None:
    machine = named(device)
    partial = [
        row
        for row in plan(candidates(), machine, CONTEXT).rows
        if row.verdict == "partial" and not row.placement.cpu_experts
    ]
    assert partial
    for row in partial:
        more = replace(row.placement, gpu_layers=row.placement.gpu_layers + 1)
        # A percent of the budget is kept free.
        parts = estimate(row.shape, more, machine).main
        assert parts.total > 0.99 * machine.budget_bytes


def test_under_three_bits_is_shown_but_never_chosen() -> None:
    tight = named("rtx4060-8gb")
    small = Machine("tight", (replace(tight.gpus[0], free_bytes=12_000 * MIB),), tight.host)
    small = replace(small, host=replace(small.host, free_bytes=4 * 1024 * MIB))
    found = plan(candidates(engine="llama_cpp"), small, 4096, kv_types=["f16"])
    verdicts = {row.quantization: row.verdict for row in found.rows}
    assert verdicts["Q2_K"] == "fits"
    assert found.choice is None or found.choice.quantization != "Q2_K"
    low = next(row for row in found.rows if row.quantization == "Q2_K")
    assert "too few bits" in low.reason


def test_where_nothing_fits_it_is_said_what_would_help() -> None:
    found = plan(candidates(), named("mac16"), CONTEXT)
    assert found.choice is None
    assert "smaller context" in found.reason
    assert "connect to a server" in found.reason


def test_more_bits_lose_less_and_nothing_unknown_beats_them() -> None:
    ladder = ("Q8_0", "Q6_K", "Q5_K_M", "Q5_K_S", "Q4_K_M", "Q4_K_S", "IQ4_XS", "Q3_K_M", "Q2_K")
    lost = [quality.points_lost(name, "f16") for name in ladder]
    assert lost == sorted(lost)
    assert quality.points_lost("Q6_K", "q8_0") < quality.points_lost("Q5_K_M", "f16")
    assert quality.points_lost("Q5_K_M", "q8_0") < quality.points_lost("Q6_K", "q4_0")
    assert quality.points_lost("Q4_K_M", "f16") < quality.points_lost("SOMETHING", "f16")


def test_a_longer_context_never_leaves_more_to_spare() -> None:
    rows = [
        plan(candidates(), named("rtx4090"), context).rows
        for context in (2048, 8192, 40_960, 131_072)
    ]
    for shorter, longer in itertools.pairwise(rows):
        for before, after in zip(shorter, longer, strict=True):
            if before.verdict == after.verdict != "partial":
                assert after.spare_bytes < before.spare_bytes


def test_what_the_last_load_taught_moves_the_promise(tmp_path: Path) -> None:
    machine = named("rtx4090")
    learned = Learned(tmp_path / "fit.json")
    wanted = [item for item in candidates() if item.shape.quantization == "Q6_K"]
    before = plan(wanted, machine, CONTEXT, kv_types=["q8_0"], learned=learned).rows[0]
    key = shape_key(before.shape)
    actual = before.parts.total + 300 * MIB
    learned.record(Load(machine.name, "cuda", key, before.parts.total, actual, 38.5))
    after = plan(wanted, machine, CONTEXT, kv_types=["q8_0"], learned=learned).rows[0]
    assert after.parts.total == actual
    assert after.parts.overhead == before.parts.overhead + 300 * MIB
    assert (after.tokens_per_s, after.measured) == (38.5, True)
    assert "measured" in after.reason
    assert "estimate" in before.reason


def test_a_model_about_to_go_gives_its_memory_back() -> None:
    machine = named("rtx4090")
    busy = replace(
        machine, gpus=(replace(machine.gpus[0], free_bytes=machine.gpus[0].free_bytes // 2),)
    )
    full = busy.given_back(machine.gpus[0].free_bytes - busy.gpus[0].free_bytes, 0)
    assert full.budget_bytes == machine.budget_bytes
    assert choice(plan(candidates(), full, CONTEXT)) == ("Q6_K", "q8_0", "fits")


def hardware(*gpus: Gpu) -> Hardware:
    return Hardware(
        gpus,
        Cpu("processor", 8, 16, "x86_64"),
        Ram(32 << 30, 20 << 30),
        Disk("/", 1 << 40, 1 << 39),
        (),
    )


def gpu(free: int | None, **more: Any) -> Gpu:
    fields: dict[str, Any] = {
        "name": "card",
        "vendor": "NVIDIA",
        "total_bytes": 24 << 30,
        "free_bytes": free,
        "bandwidth_bytes_s": 10**12,
        "unified": False,
        "driver": "1",
        "probe": "test",
        "devices": ("CUDA0",),
    }
    return Gpu(**{**fields, **more})


def test_this_machine_is_what_is_free_now_less_the_reserve() -> None:
    machine = from_hardware(hardware(gpu(20 << 30), gpu(None)))
    assert [card.kind for card in machine.gpus] == ["cuda", "cuda"]
    assert machine.gpus[0].budget_bytes == (20 << 30) - GPU_RESERVE_BYTES
    assert machine.gpus[1].budget_bytes == (24 << 30) - GPU_RESERVE_BYTES
    assert machine.host.budget_bytes == 18 << 30


def test_a_card_that_the_engine_cannot_use_does_not_count() -> None:
    machine = from_hardware(hardware(gpu(20 << 30, devices=())))
    assert not machine.gpus
    assert machine.budget_bytes == 18 << 30


def test_on_a_mac_the_working_set_counts_as_far_as_memory_is_free() -> None:
    mac = gpu(21 << 30, unified=True, devices=("MTL0",), vendor="Apple")
    machine = from_hardware(hardware(mac))
    assert machine.unified
    assert machine.budget_bytes == 18 << 30


def test_a_graphics_unit_of_the_processor_steps_behind_a_card() -> None:
    inside = gpu(10 << 30, unified=True, devices=("Vulkan1",))
    machine = from_hardware(hardware(inside, gpu(20 << 30)))
    assert [card.unified for card in machine.gpus] == [False]
    assert from_hardware(hardware(inside)).gpus[0].kind == "vulkan"


def test_an_unknown_device_names_the_known_ones() -> None:
    with pytest.raises(WorldError, match="rtx4090"):
        named("rtx9999")


def test_the_command_prints_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "Magistral-Small-1.2", "--device", "rtx4090", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["device"] == "rtx4090"
    assert found["budget_bytes"] == (24_564 - 1024) * MIB
    assert found["context"] == CONTEXT
    keys = (
        "quantization file engine kv context gpu_layers layers weights_bytes kv_bytes "
        "compute_bytes output_bytes projector_bytes overhead_bytes total_bytes spare_bytes "
        "verdict tokens_per_s reason"
    )
    for row in found["rows"]:
        assert set(keys.split()) <= set(row)
        parts = ("weights", "kv", "compute", "output", "projector", "overhead")
        assert row["total_bytes"] == sum(row[f"{part}_bytes"] for part in parts)
    assert found["choice"] in found["rows"]
    assert (found["choice"]["quantization"], found["choice"]["kv"]) == ("Q6_K", "q8_0")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("mistral-small-4", "Connect|connect to a server"),
        ("magistral-medium", "API"),
        ("no-such-model", "Known:"),
    ],
)
def test_what_cannot_be_planned_is_told_in_a_sentence(
    model: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", model, "--device", "rtx4090"]) == 1
    assert re.search(said, capsys.readouterr().err)


def test_without_dimensions_the_weights_are_told() -> None:
    files = (
        File("Q4_K_M", "a/b", "b-q4.gguf", "a", False, "llama_cpp", 16_500_000_000, "rounded"),
        File("Q8_0", "a/b", "b-q8.gguf", "a", False, "llama_cpp", None, "computed"),
    )
    entry = Entry("b", "B", "a", "MIT", 40_960, "think", files)
    with pytest.raises(WorldError) as caught:
        from_entry(entry)
    problem = caught.value.problem
    assert problem.title.startswith("B needs at least 16.5 GB for its weights")
    assert "header" in problem.advice
    assert "read before the download" in problem.advice
    assert problem.detail == "Q4_K_M 16.5 GB"
    with pytest.raises(WorldError, match="is not known yet"):
        from_entry(replace(entry, files=files[1:]))


def test_a_device_without_a_known_bandwidth_has_no_speed() -> None:
    card = Device("card", "vulkan", 24 << 30, 0, None)
    machine = Machine("card", (card,), named("rtx4090").host)
    row = plan(candidates(engine="llama_cpp"), machine, 4096, kv_types=["f16"]).rows[0]
    assert row.tokens_per_s is None
    assert "tokens a second" not in row.reason
