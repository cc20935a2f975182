"""A process in which both of llama.cpp's back ends say the same: MODEL COUNT TOKEN...

Prints one JSON line: what each drew from this prompt, greedily and with a seed, how much was
guessed and how much of it was right, and the processor time of each in seconds.
"""

import json
import sys
import time

from app.engine.backends.llama_cpp import LlamaCppBackend
from app.engine.backends.llama_lookup import LookupBackend
from app.engine.protocol import LoadOptions, Sampling


def main() -> None:
    path, count, *prompt = sys.argv[1], *map(int, sys.argv[2:])
    told: dict[str, object] = {}
    for name, backend in (("plain", LlamaCppBackend()), ("ahead", LookupBackend())):
        backend.load(LoadOptions(path, context=4096, threads=1), lambda _: True)
        for way, sampling in (("greedy", Sampling(0.0)), ("drawn", Sampling(0.7, seed=3))):
            kept = backend.reuse(prompt)
            assert backend.read(prompt[kept:])
            backend.begin(sampling)
            began = time.thread_time()
            drawn: list[int] = []
            while len(drawn) < count:
                drawn.append(backend.sample())
                assert backend.append(drawn[-1])
            told[f"{name} {way}"] = drawn
            told[f"{name} {way} s"] = time.thread_time() - began
            assert list(backend.sequence) == [*prompt, *drawn]
        if isinstance(backend, LookupBackend):
            told["guessed"], told["right"] = backend.guessed, backend.right
        backend.unload()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
