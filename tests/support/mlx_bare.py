"""What the MLX engine is measured against: mlx_lm's own generate_step, in a process of its own.

Run as a module with a folder. Reads lines "COUNT SEED TEMPERATURE" and answers each with one JSON
line: the seconds at which each token was there, from the first on.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

PROMPT_TOKENS = 16


def main() -> None:
    import mlx.core as mx  # noqa: TID251 - a child that is the measure of the engine
    from mlx_lm.generate import generate_step
    from mlx_lm.sample_utils import make_sampler
    from mlx_lm.utils import load_model

    model, _ = load_model(Path(sys.argv[1]))
    print("ready", flush=True)
    for line in sys.stdin:
        count, seed, temperature = line.split()
        mx.random.seed(int(seed))
        sampler = make_sampler(float(temperature), top_p=0.95, min_p=0.05, top_k=40)
        print(json.dumps(run(mx, generate_step, model, sampler, int(count))), flush=True)


def run(mx: Any, generate_step: Any, model: Any, sampler: Any, count: int) -> list[float]:
    prompt = mx.arange(300, 300 + PROMPT_TOKENS)
    times: list[float] = []
    began = 0.0
    for _ in generate_step(prompt, model, max_tokens=count, sampler=sampler):
        began = began or time.perf_counter()
        times.append(time.perf_counter() - began)
    return times


if __name__ == "__main__":
    main()
