"""What reading ahead gives where a model copies, and what it costs where it does not.

    python -m tests.bench.bench_lookup [--tokens 300] [--rounds 1]

Two models of one layer of Magistral Small's widths that say what their weights say: one goes round
in a passage of 40 tokens, as whoever repeats a text; the other says 1,500 different words. Each
through llama.cpp as it is and through the back end that reads ahead, in one process, one thread;
by processor time. Wanted: more than 1.5 times the speed in the first, no less than 0.97 of it in
the second, the same tokens in both.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support import endless, synthetic

SHAPE = replace(synthetic.TRUE, vocabulary=2048, weights="f16")
PROMPT = ("1", "3", "400", "4", "34")


def both(path: Path, tokens: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.support.ahead_child", str(path), str(tokens), *PROMPT]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for what, thought in (("copies", endless.straight(40)), ("new", endless.straight(1500))):
            path = endless.write_gguf(Path(name) / "model.gguf", thought, SHAPE)
            for _ in range(arguments.rounds):
                told = both(path, arguments.tokens)
                for way in ("greedy", "drawn"):
                    plain, ahead = (told[f"{each} {way} s"] for each in ("plain", "ahead"))
                    same = told[f"plain {way}"] == told[f"ahead {way}"]
                    print(
                        f"  {what:6} {way:6} {1000 * plain / arguments.tokens:7.1f} ms a token,"
                        f" ahead {1000 * ahead / arguments.tokens:7.1f}:"
                        f" {plain / ahead:.2f} times as fast, {'same' if same else 'OTHER'} tokens"
                    )
                print(f"         {told['right']} of {told['guessed']} guesses right", flush=True)


if __name__ == "__main__":
    main()
