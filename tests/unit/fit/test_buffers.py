"""llama.cpp's log, as it was written by real and simulated loads."""

from app.engine.backends.buffers import read

MIB = 1 << 20

SIMULATED = """\
load_tensors: layer   0 assigned to device CPU, is_swa = 1
load_tensors: layer   1 assigned to device CUDA0, is_swa = 0
load_tensors: layer   2 assigned to device CUDA0, is_swa = 0
load_tensors:          CPU model buffer size =     0.00 MiB
llama_context:  CUDA_Host  output buffer size =     0.77 MiB
llama_kv_cache_iswa: creating non-SWA KV cache, size = 4096 cells
llama_kv_cache: layer   0: filtered
llama_kv_cache: layer   1: dev = CUDA0
llama_kv_cache:      CUDA0 KV buffer size =     0.00 MiB
llama_kv_cache: size =   96.00 MiB (  4096 cells,   1 layers,  1/1 seqs), K (f16):   48.00 MiB, V
llama_kv_cache: layer   0: dev = CPU
llama_kv_cache: layer   1: filtered
llama_kv_cache:        CPU KV buffer size =     0.00 MiB
llama_kv_cache: size =   18.00 MiB (   768 cells,   1 layers,  1/1 seqs), K (f16):    9.00 MiB, V
sched_reserve:      CUDA0 compute buffer size =   398.38 MiB
sched_reserve:  CUDA_Host compute buffer size =     7.15 MiB
"""

REAL = """\
load_tensors:        CUDA0 model buffer size = 10949.38 MiB
load_tensors:   CPU_Mapped model buffer size =   586.82 MiB
llama_context:  CUDA_Host  output buffer size =     0.77 MiB
llama_kv_cache:      CUDA0 KV buffer size =    96.00 MiB
llama_kv_cache: size =   96.00 MiB (  4096 cells,  12 layers,  1/1 seqs), K (f16):   48.00 MiB, V
llama_kv_cache:      CUDA0 KV buffer size =    18.00 MiB
llama_kv_cache: size =   18.00 MiB (   768 cells,  12 layers,  1/1 seqs), K (f16):    9.00 MiB, V
llama_memory_recurrent:      CUDA0 RS buffer size =     2.50 MiB
sched_reserve:      CUDA0 compute buffer size =   398.38 MiB
"""


def test_a_simulated_load_tells_caches_by_their_layers() -> None:
    found = read(SIMULATED.splitlines(), simulated=True)
    assert found.kv == {"CUDA0": 96 * MIB, "CPU": 18 * MIB}
    assert found.compute == {"CUDA0": round(398.38 * MIB), "CUDA_Host": round(7.15 * MIB)}
    assert found.output == {"CUDA_Host": round(0.77 * MIB)}
    assert found.weights == {}
    assert found.layers == {0: "CPU", 1: "CUDA0", 2: "CUDA0"}


def test_a_real_load_tells_its_buffers() -> None:
    found = read(REAL.splitlines())
    assert found.weights == {"CUDA0": round(10949.38 * MIB), "CPU_Mapped": round(586.82 * MIB)}
    assert found.kv == {"CUDA0": round(116.5 * MIB)}
    parts = 10949.38 + 586.82 + 0.77 + 96 + 18 + 2.5 + 398.38
    assert abs(found.total() - parts * MIB) < 8
