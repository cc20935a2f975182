"""Plans of loads: for files of true dimensions, machines that are not here, and after failures."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.chat.load_plan import LoadPlan, for_file, held, load_of, smaller, speed_of, wanted_context
from app.engine.protocol import DeviceMemory, LoadOptions, ModelInfo, Usage
from app.errors import WorldError
from app.fit import blueprint, sparse
from app.fit.candidates import from_path
from app.fit.devices import MIB, OVERHEAD_BYTES, RAM_RESERVE_BYTES, Device, Machine, named
from app.fit.learned import Learned, Load
from app.fit.memory import Placement, estimate
from app.fit.plan import plan
from app.settings import Settings
from tests.support.shapes import MODELS

GIB = 1 << 30
INFO = ModelInfo(
    name="m",
    path="/m.gguf",
    size_bytes=1,
    architecture="llama",
    quantization="Q4_K_M",
    parameters=1,
    layers=40,
    vocabulary=1,
    context=1,
    context_train=1,
    controls=(),
    template=None,
    sampling=None,
    backend="llama_cpp",
    device="CPU",
    build="",
)
USAGE = Usage(thinking_tokens=60, answer_tokens=40, decode_s=4.0)


def model(folder: Path, name: str, quantization: str, file_type: int = 15) -> Path:
    """Lay a model of true dimensions in a file without data."""
    header = blueprint.header(MODELS[name], quantization)
    header = replace(header, metadata={**header.metadata, "general.file_type": file_type})
    return sparse.write(folder / f"{name} {quantization}.gguf", header)


def memory(free_bytes: int) -> Machine:
    return Machine("this", (), Device("memory", "cpu", free_bytes, 0, 60 * 10**9))


def test_a_plan_is_the_row_that_is_chosen(tmp_path: Path) -> None:
    path, machine = model(tmp_path, "llama 24B", "Q5_K_M", 17), named("rtx4090")
    row = plan([from_path(path)], machine, 40_960).choice
    assert row is not None
    found = for_file(path, machine, 40_960)
    assert found == LoadPlan.of_row(row, machine)
    assert found == LoadPlan(
        context=40_960,
        promised_bytes=row.parts.total,
        machine="rtx4090",
        kind="cuda",
        shape="llama/40x5120/Q5_K_M",
    )
    assert found.whole
    assert found.options("/m.gguf") == LoadOptions("/m.gguf", context=40_960)


def test_what_does_not_fit_whole_is_planned_in_part(tmp_path: Path) -> None:
    found = for_file(model(tmp_path, "llama 24B", "Q5_K_M", 17), named("rtx4080"), 40_960)
    assert found is not None
    assert 0 < found.gpu_layers < 40
    assert not found.whole
    assert f"{found.gpu_layers} layers on the GPU" in found.in_words()
    assert found.options("/m.gguf").gpu_layers == found.gpu_layers


def test_experts_go_to_main_memory_before_layers_do(tmp_path: Path) -> None:
    found = for_file(model(tmp_path, "qwen3moe 30B", "Q4_K_M"), named("rtx4080"), 40_960)
    assert found is not None
    assert found.cpu_experts
    assert not found.whole
    assert found.gpu_layers == -1
    assert "experts in main memory" in found.in_words()
    assert found.options("/m.gguf").cpu_experts


def test_a_context_that_does_not_fit_is_made_smaller(tmp_path: Path) -> None:
    path = model(tmp_path, "llama 8B", "Q4_K_M")
    least = estimate(from_path(path).shape, Placement(12_288, "q4_0"), memory(0)).host.total
    found = for_file(path, memory(round(least * 1.02)), 40_960)
    assert found is not None
    assert found.context == 12_288
    assert for_file(path, memory(2 * GIB), 40_960) is None


def test_no_more_context_is_planned_than_the_model_was_made_for(tmp_path: Path) -> None:
    header = blueprint.header(replace(MODELS["llama 8B"], context_train=8192), "Q4_K_M")
    found = for_file(sparse.write(tmp_path / "m.gguf", header), named("cpu64"), 40_960)
    assert found is not None
    assert found.context == 8192


def test_a_quantization_that_is_never_recommended_is_loaded_where_it_is_here(
    tmp_path: Path,
) -> None:
    path = model(tmp_path, "llama 8B", "Q4_K_M", file_type=10)
    assert from_path(path).shape.quantization == "Q2_K"
    assert plan([from_path(path)], named("cpu64"), 40_960).choice is None
    found = for_file(path, named("cpu64"), 40_960)
    assert found is not None
    assert (found.context, found.kv) == (40_960, "f16")


def test_a_file_that_is_no_model_is_the_worlds_fault(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"nothing")
    with pytest.raises(WorldError):
        for_file(path, named("cpu64"), 40_960)


@pytest.mark.parametrize("device", ["rtx4090", "cpu64", "mac32"])
def test_each_offer_after_a_failure_takes_a_tenth_less_until_there_is_none(
    tmp_path: Path, device: str
) -> None:
    path, machine = model(tmp_path, "llama 24B", "Q4_K_M"), named(device)
    offer = for_file(path, machine, 40_960)
    seen: list[LoadPlan] = []
    while offer is not None and len(seen) < 40:
        if seen:
            assert (offer.promised_bytes or 0) <= 0.9 * (seen[-1].promised_bytes or 0)
            assert offer.context <= seen[-1].context
        seen.append(offer)
        offer = smaller(path, offer, machine)
    assert 1 < len(seen) < 40
    assert seen[1].context == 40_960
    assert (seen[1].kv != "f16") or not seen[1].whole
    assert any(not item.whole for item in seen) == (device == "rtx4090")


def test_after_a_failure_without_a_promise_the_formulas_is_taken(tmp_path: Path) -> None:
    path, machine = model(tmp_path, "llama 8B", "Q4_K_M"), named("cpu64")
    offer = smaller(path, LoadPlan(context=16_384), machine)
    whole = estimate(from_path(path).shape, Placement(16_384), machine).host.total
    assert offer is not None
    assert offer.context <= 16_384
    assert (offer.promised_bytes or 0) <= 0.9 * whole


def test_what_earlier_loads_taught_is_in_the_promise_and_named(tmp_path: Path) -> None:
    path, machine = model(tmp_path, "llama 8B", "Q4_K_M"), replace(named("cpu64"), name="this")
    before = for_file(path, machine, 8192)
    assert before is not None
    learned = Learned(tmp_path / "fit.json")
    learned.record(Load("this", "cpu", before.shape, 10 * GIB, 10 * GIB + 30 * MIB))
    after = for_file(path, machine, 8192, learned)
    assert after is not None
    assert after.correction_bytes == 30 * MIB
    assert after.promised_bytes == (before.promised_bytes or 0) + 30 * MIB
    # Once more the same difference: what is learned stays what it was.
    learned.record(
        Load(
            "this",
            "cpu",
            after.shape,
            after.promised_bytes or 0,
            after.promised_bytes or 0,
            correction_bytes=after.correction_bytes,
        )
    )
    assert learned.correction_bytes("this", "cpu", after.shape) == 30 * MIB


CPU = DeviceMemory("CPU", False, 600, 400, 50)
CARDS = (DeviceMemory("CUDA0", True, 1000, 0, 70), DeviceMemory("CUDA1", True, 800, 0, 0))


@pytest.mark.parametrize(
    ("kind", "allocated", "used"),
    [
        ("cpu", (CPU,), 650),
        ("cuda", (CPU, *CARDS), 1870),
        ("metal", (CPU, DeviceMemory("MTL0", True, 1000)), 1650 + OVERHEAD_BYTES["metal"]),
        ("vulkan", (CPU, DeviceMemory("Vulkan0", True, 9)), 9 + OVERHEAD_BYTES["vulkan"]),
    ],
)
def test_a_promise_is_compared_on_the_devices_it_was_made_for(
    kind: str, allocated: tuple[DeviceMemory, ...], used: int
) -> None:
    promised = LoadPlan(1, promised_bytes=2000, machine="this", kind=kind, shape="s")
    load = load_of(promised, replace(INFO, allocated=allocated), 9.0)
    assert load == Load("this", kind, "s", 2000, used, 9.0)


def test_nothing_is_compared_where_nothing_was_promised_or_told() -> None:
    promised = LoadPlan(1, promised_bytes=2000, machine="this", kind="cuda", shape="s")
    assert load_of(LoadPlan(1), replace(INFO, allocated=(CPU,))) is None
    assert load_of(promised, INFO) is None
    # Planned for a card, loaded without one: another thing than was promised.
    assert load_of(promised, replace(INFO, allocated=(CPU,))) is None


def test_mapped_weights_are_not_given_back_because_they_were_never_taken() -> None:
    assert held(None) == (0, 0)
    assert held(replace(INFO, allocated=(CPU, *CARDS))) == (1800, 200)


@pytest.mark.parametrize(
    ("changes", "usage", "speed"),
    [
        ({}, USAGE, 25.0),
        ({}, replace(USAGE, thinking_tokens=20), None),
        ({}, replace(USAGE, decode_s=0.0), None),
        ({}, None, None),
        ({"gpu_layers": 20}, USAGE, None),
        ({"cpu_experts": True}, USAGE, None),
        ({"shape": ""}, USAGE, None),
    ],
)
def test_only_a_long_answer_of_a_whole_model_tells_its_speed(
    changes: dict[str, object], usage: Usage | None, speed: float | None
) -> None:
    made = LoadPlan(**{"context": 1, "shape": "s", **changes})  # type: ignore[arg-type]  # by name
    assert speed_of(made, usage) == speed


def test_a_context_that_the_user_set_is_kept() -> None:
    assert wanted_context(Settings().context) == 40_960
    assert wanted_context(16_000) == 16_000


def test_the_reserve_stays_free_of_a_plan(tmp_path: Path) -> None:
    path = model(tmp_path, "llama 8B", "Q4_K_M")
    machine = named("cpu32")
    found = for_file(path, machine, 40_960)
    assert found is not None
    assert (found.promised_bytes or 0) + RAM_RESERVE_BYTES < machine.host.free_bytes
