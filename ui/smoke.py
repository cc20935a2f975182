"""What `ponder --smoke` reports: that the window painted, how soon, and what it weighs."""

import sys
import time
from pathlib import Path

HEAVY = (
    "av",
    "huggingface_hub",
    "jinja2",
    "llama_cpp",
    "markdown_it",
    "mlx",
    "mlx_lm",
    "numpy",
    "pygments",
    "py_mini_racer",
    "PySide6.QtNetwork",
    "PySide6.QtQml",
    "PySide6.QtSvg",
    "tiktoken",
    "torch",
    "transformers",
)
"""Modules that cost the window's process time or memory: those loaded are listed."""


def process_age_ms() -> float:
    """Return how long ago this process began, in ms.

    On Linux from the kernel's own count, in ticks of 10 ms since boot; psutil's creation time there
    rests on a boot time in whole seconds.
    """
    linux = sys.platform == "linux"
    if linux:
        import os

        stat = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
        # The name of the program, in brackets, may hold anything: count from behind it.
        began_s = int(stat.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        return (time.clock_gettime(time.CLOCK_BOOTTIME) - began_s) * 1000
    import psutil

    return (time.time() - psutil.Process().create_time()) * 1000


def report(painted_ms: float) -> str:
    """Return the line of JSON: painted_ms, rss_bytes, modules."""
    import json

    import psutil

    return json.dumps(
        {
            "painted_ms": round(painted_ms, 1),
            "rss_bytes": psutil.Process().memory_info().rss,
            "modules": [name for name in HEAVY if name in sys.modules],
        }
    )
