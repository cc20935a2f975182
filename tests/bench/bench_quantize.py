"""What quantizing gives: `python -m tests.bench.bench_quantize [--quick]`.

Four parts, each on real files, the results loaded by the real engine: the demo model's F16 and how
many of its sums are still right; a model with tekken's vocabulary and rows that K-quants fit; every
type there is; and MLX. Sizes are held against what was predicted before.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from app import paths
from app.engine.protocol import Finished, Loaded, LoadOptions
from app.models.gguf import read_header
from app.models.quantize import Quantizing
from app.models.quantize_types import FILE_TYPES, MLX_BITS, NEED_IMATRIX
from app.prompts.mistral import build
from app.prompts.segments import Turn
from tests.support import synthetic
from tests.support.engine import Engine, said

ROOT = Path(__file__).resolve().parents[2]
DEMO = paths.demo_model()
LARGE = synthetic.Shape(131_072, 1024, 4, 16, 4, 3072, weights="f16")
SMALL = synthetic.Shape(2048, 512, 4, 8, 2, 1536, weights="f16")
_MLX = """
import sys
from mlx_lm import generate, load
model, tokenizer = load(sys.argv[1])
right = 0
for line in sys.argv[2].split(";"):
    sum_, result = line.split("=")
    prompt = tokenizer.encode(f"<s>[INST]What is {sum_}?[/INST]", add_special_tokens=False)
    right += f"**{result}**" in generate(model, tokenizer, prompt=prompt, max_tokens=200)
print(right)
"""


def sums(count: int) -> dict[str, int]:
    """Return additions of two numbers of up to three digits, by their words."""
    pairs = ((7 + 37 * i % 901, 11 + 53 * i % 887) for i in range(count))
    return {f"{a} + {b}": a + b for a, b in pairs}


def make(source: Path, quantization: str, out: Path) -> str:
    """Quantize; return its line of the table."""
    made = Quantizing(source, quantization, out).run()
    assert made is not None
    error = 100 * (made.predicted_bytes / made.bytes - 1)
    return f"{quantization:<10}{made.bytes:>14,}{error:>10.4f}%{made.seconds:>8.1f} s"


def right(engine: Engine, path: Path, count: int) -> int:
    """Return how many sums the model in a file gets right, greedily."""
    loaded = engine.load(LoadOptions(str(path), context=1024))
    assert isinstance(loaded, Loaded), loaded
    good = 0
    for question, result in sums(count).items():
        turn = Turn("user", (f"What is {question}?",))
        prompt = build([turn], version="mistral-v13", keep_thinking=False)
        events = engine.ask(prompt, reasoning="mistral", max_tokens=300)
        good += f"**{result}**" in said(events, "answer")
    return good


def speaks(engine: Engine, path: Path) -> str:
    """Load a model and let it generate; return its speed."""
    loaded = engine.load(LoadOptions(str(path), context=512))
    assert isinstance(loaded, Loaded), loaded
    finished = engine.ask(synthetic.words(16), max_tokens=32)[-1]
    assert isinstance(finished, Finished), finished
    return f"{finished.usage.answer_tokens / max(finished.usage.decode_s, 1e-9):>8.0f} tokens/s"


def demo(engine: Engine, folder: Path, count: int) -> None:
    print(f"\nThe demo model: {DEMO.stat().st_size:,} bytes, {count} sums right of:")
    print(f"F16        {right(engine, DEMO, count):>60}")
    for name in ("Q8_0", "Q6_K", "Q5_1", "Q4_K_M", "IQ4_NL", "Q4_0"):
        out = folder / f"demo-{name}.gguf"
        line = make(DEMO, name, out)
        print(f"{line}{right(engine, out, count):>20}", flush=True)


def model(engine: Engine, folder: Path, shape: synthetic.Shape, names: tuple[str, ...]) -> None:
    source = synthetic.write(folder / "source-F16.gguf", shape)
    tensors = len(read_header(source).tensors)
    print(
        f"\n{shape.vocabulary:,} words, width {shape.width}, {shape.layers} layers, "
        f"{tensors} tensors: {source.stat().st_size:,} bytes"
    )
    for name in names:
        out = folder / "out.gguf"
        line = make(source, name, out)
        print(line, speaks(engine, out), flush=True)
        out.unlink()
    source.unlink()


def mlx(folder: Path, count: int) -> None:
    print(f"\nThe demo model's MLX folder, {count} sums right of:")
    wanted = ";".join(f"{question}={result}" for question, result in sums(count).items())
    for name in MLX_BITS:
        out = folder / name
        line = make(DEMO.with_name("mlx"), name, out)
        told = subprocess.run(
            [sys.executable, "-c", _MLX, str(out), wanted],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )
        print(f"{line}{told.stdout.strip():>20}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer sums, a smaller large model")
    options = parser.parse_args()
    count = 10 if options.quick else 100
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ponder-quantize-") as name:
        folder = Path(name)
        engine = Engine(folder / "engine.log")
        print(f"{'type':<10}{'bytes':>14}{'predicted':>11}{'took':>10}")
        demo(engine, folder, count)
        model(
            engine, folder, SMALL, tuple(n for n in FILE_TYPES if n not in ("F16", *NEED_IMATRIX))
        )
        if not options.quick:
            model(engine, folder, LARGE, ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0"))
        engine.client.close()
        if importlib.util.find_spec("mlx_lm") is not None:
            mlx(folder, 4 if options.quick else 20)
    print(f"\nin {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
