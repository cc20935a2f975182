"""How soon a click on Answer now closes the thought, and how late a spent budget does.

    python -m tests.bench.bench_steering [--runs 100] [--backend llama_cpp|mlx]

On a model that never closes a thought by itself and on the demo model: milliseconds from the click,
at a random moment of the thought, to the first words of the answer at the client (wanted: 200), and
the tokens by which a thought went beyond its budget (wanted: 2). That each closes and is answered
is held by tests/process/test_steering.py, as often as PONDER_RUNS says.
"""

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path

from app.engine.protocol import CloseThinking, Delta, Finished, Loaded, LoadOptions, Sampling
from app.prompts.mistral import build
from app.prompts.segments import Prompt, Turn
from tests.support import endless
from tests.support.engine import Engine

DEMO = Path(__file__).parents[2] / "resources" / "demo"


def asked(number: int) -> Prompt:
    question = f"What is {100 + number * 7 % 900} * {2 + number % 8}?"
    return build([Turn("user", (question,))], version="mistral-v13", keep_thinking=False)


def clicks(engine: Engine, runs: int) -> list[float]:
    """Return the seconds from click to answer, of the runs in which the click came in time."""
    moments = random.Random(1)
    found = []
    for run in range(runs):
        sampling = Sampling(temperature=0.7, seed=run)
        request = engine.generate(
            asked(run), reasoning="mistral", sampling=sampling, max_tokens=4000
        )
        engine.until(lambda event: isinstance(event, Delta))
        time.sleep(moments.random() * 0.05)
        clicked = time.monotonic()
        engine.client.send(CloseThinking(request))
        times = engine.until_timed(lambda event: isinstance(event, Finished))
        last = times[-1][1]
        assert isinstance(last, Finished)
        if last.usage.closed_by == "asked":
            answers = (at for at, e in times if isinstance(e, Delta) and e.channel == "answer")
            found.append(next(answers) - clicked)
    return found


def overruns(engine: Engine, runs: int) -> list[int]:
    """Return by how many tokens each thought went beyond its budget."""
    draws = random.Random(2)
    found = []
    for run in range(runs):
        budget = draws.randrange(1, 20)
        events = engine.ask(
            asked(run),
            reasoning="mistral",
            sampling=Sampling(temperature=0.7, seed=run),
            thinking_budget=budget,
            max_tokens=200,
        )
        last = events[-1]
        assert isinstance(last, Finished)
        if last.usage.closed_by == "budget":
            found.append(last.usage.closed_at - budget)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--backend", choices=("llama_cpp", "mlx"), default="llama_cpp")
    arguments = parser.parse_args()
    mlx = arguments.backend == "mlx"
    with tempfile.TemporaryDirectory() as name:
        engine = Engine(Path(name) / "engine.log")
        write = endless.write_mlx if mlx else endless.write_gguf
        models = {
            "never": write(Path(name) / "never", endless.straight(1500)),
            "demo": DEMO / ("mlx" if mlx else "ponder-demo.gguf"),
        }
        with engine.client:
            for what, path in models.items():
                options = LoadOptions(str(path), backend=arguments.backend, context=8192)
                assert isinstance(engine.load(options), Loaded)
                values = sorted(1000 * value for value in clicks(engine, arguments.runs))
                over = overruns(engine, arguments.runs)
                print(
                    f"  {what:5} click: median {statistics.median(values):.0f} ms, longest"
                    f" {values[-1]:.0f} of {len(values)}, {sum(v <= 200 for v in values)} within"
                    f" 200; budget: at most {max(over)} tokens beyond, of {len(over)}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
