"""What the scripts share that take pictures: every scale, mode and size, each in a process."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main(module: str, doc: str, sizes: tuple[str, ...], shoot: Callable[..., None]) -> None:
    """Run a script's command line: `shoot` for one picture set, itself for each of several.

    module: the script, as `python -m` names it. doc: its first line describes it.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--scale", choices=("1", "2"))
    parser.add_argument("--mode", choices=("light", "dark"))
    parser.add_argument("--size", choices=sizes)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.scale and asked.mode and asked.size:
        shoot(asked.out, asked.mode, asked.size, asked.scale)
        return
    for scale in [asked.scale] if asked.scale else ["1", "2"]:
        for mode in [asked.mode] if asked.mode else ["light", "dark"]:
            for size in [asked.size] if asked.size else sizes:
                one = ["--scale", scale, "--mode", mode, "--size", size]
                subprocess.run(
                    [sys.executable, "-m", module, str(asked.out), *one],
                    cwd=ROOT,
                    env={"QT_QPA_PLATFORM": "offscreen", **os.environ, "QT_SCALE_FACTOR": scale},
                    check=True,
                )
