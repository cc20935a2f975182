"""A child that loads a model under a limit of memory, reads a slice, writes two tokens, and tells.

    python -m tests.support.limited_child MODEL CONTEXT KV LIMIT_BYTES THREADS

The limit is RLIMIT_DATA: an allocation past it is refused, as a graphics card's driver refuses one.
(A cgroup would end the child after the fact instead, and count the page cache.) Weights are read
into memory and not mapped, since mapped files count nowhere. LIMIT_BYTES 0: none. It prints JSON:
`used`, the bytes that the limit would have counted, or `why` it failed.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any

from app.engine.backends import llama_library
from app.engine.backends.llama_cpp import LlamaCppBackend
from app.engine.protocol import LoadOptions, Sampling
from app.errors import WorldError

BATCH = 512


def main(path: str, context: int, kv: Any, limit_bytes: int, threads: int) -> None:
    api = llama_library.library()
    defaults = api.llama_model_default_params

    def unmapped() -> Any:
        params = defaults()
        params.load_mode = api.LLAMA_LOAD_MODE_NONE
        return params

    api.llama_model_default_params = unmapped
    if limit_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))
    options = LoadOptions(path, context=context, kv_type=kv, gpu_layers=0, threads=threads)
    try:
        used = _work(options)
    except WorldError as error:
        print(json.dumps({"why": f"{error.problem.title} {error.problem.detail}"}))
    except MemoryError:
        print(json.dumps({"why": "Python had no memory."}))
    else:
        print(json.dumps({"used": used}))


def _work(options: LoadOptions) -> int:
    backend = LlamaCppBackend()
    backend.load(options, lambda _: True)
    used = _data_bytes()
    prompt = [300 + number % 500 for number in range(min(BATCH, options.context - 8))]
    backend.reuse(prompt)
    backend.read(prompt)
    backend.begin(Sampling())
    for _ in range(2):
        backend.append(backend.sample())
    return max(used, _data_bytes())


def _data_bytes() -> int:
    """Return what RLIMIT_DATA counts: private writable memory, whether touched or not."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (size,) = (line.split()[1] for line in lines if line.startswith("VmData:"))
    return int(size) * 1024


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
