"""What a load took of each device, from llama.cpp's log as it was written by real loads."""

from app.engine.backends.buffers import read
from app.engine.backends.process_memory import allocated, anonymous_bytes, is_card, nvidia_bytes
from app.engine.protocol import DeviceMemory

MIB = 1 << 20

TWO_CARDS = """\
load_tensors:   CPU_Mapped model buffer size =   550.00 MiB
load_tensors:        ROCm0 model buffer size =  6000.00 MiB
load_tensors:        ROCm1 model buffer size =  5000.00 MiB
llama_context:   ROCm_Host  output buffer size =     0.50 MiB
llama_kv_cache:      ROCm0 KV buffer size =    60.00 MiB
llama_kv_cache:      ROCm1 KV buffer size =    40.00 MiB
sched_reserve:      ROCm0 compute buffer size =   300.00 MiB
sched_reserve:      ROCm1 compute buffer size =   200.00 MiB
sched_reserve:  ROCm_Host compute buffer size =    10.00 MiB
"""
REPACKED = """\
load_tensors:   CPU_Mapped model buffer size =   1000.00 MiB
load_tensors:   CPU_REPACK model buffer size =   900.00 MiB
llama_kv_cache:        CPU KV buffer size =    64.00 MiB
sched_reserve:        CPU compute buffer size =   100.00 MiB
"""
MAC = """\
load_tensors:   CPU_Mapped model buffer size =   300.00 MiB
load_tensors:  MTL0_Mapped model buffer size =  4000.00 MiB
llama_kv_cache:       MTL0 KV buffer size =    64.00 MiB
sched_reserve:       MTL0 compute buffer size =   100.00 MiB
sched_reserve:        CPU compute buffer size =    12.00 MiB
"""


def told(log: str, *, weights: int, tied: int = 0) -> tuple[DeviceMemory, ...]:
    buffers = read(log.splitlines())
    return allocated(buffers, weights_bytes=weights * MIB, tied_bytes=tied * MIB)


def test_each_card_is_told_apart_and_what_it_pins_is_main_memory() -> None:
    host, first, second = told(TWO_CARDS, weights=11_550)
    assert first == DeviceMemory("ROCm0", True, 6360 * MIB)
    assert second == DeviceMemory("ROCm1", True, 5240 * MIB)
    assert (host.device, host.card, host.mapped_bytes) == ("CPU", False, 550 * MIB)
    assert host.bytes == round(560.5 * MIB)


def test_weights_that_were_copied_from_a_mapped_file_count_once() -> None:
    (host,) = told(REPACKED, weights=1000)
    assert host.mapped_bytes == 100 * MIB
    assert host.bytes == (100 + 900 + 64 + 100) * MIB


def test_an_embedding_that_is_the_output_too_stays_mapped_beside_its_copy() -> None:
    (host,) = told(REPACKED, weights=1000, tied=200)
    assert host.mapped_bytes == 300 * MIB


def test_a_macs_card_has_its_mapped_weights() -> None:
    host, card = told(MAC, weights=4300)
    assert card == DeviceMemory("MTL0", True, 4164 * MIB)
    assert host.bytes == 312 * MIB
    assert host.mapped_bytes == 300 * MIB


def test_buffers_of_the_processor_are_no_cards() -> None:
    assert [is_card(name) for name in ("CPU", "CPU_REPACK", "CUDA_Host", "AMX", "CUDA0")] == [
        False,
        False,
        False,
        False,
        True,
    ]


def test_a_process_without_a_card_has_nothing_on_one() -> None:
    assert nvidia_bytes() is None


def test_the_system_counts_this_processs_memory() -> None:
    before = anonymous_bytes()
    if before is None:  # this system does not tell
        return
    kept = bytearray(b"\1") * (64 * MIB)
    now = anonymous_bytes()
    assert now is not None
    assert now - before > 60 * MIB
    assert len(kept) == 64 * MIB
