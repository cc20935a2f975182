"""`python -m ui`, from outside: what it opens, what it says, what it does not import."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def ponder(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ui", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_smoke_opens_paints_reports_and_leaves() -> None:
    done = ponder("--smoke")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["painted_ms"] > 0
    assert report["rss_bytes"] > 10_000_000
    heavy = {"llama_cpp", "mlx", "numpy", "huggingface_hub"}
    assert not heavy & set(report["modules"])


def test_without_a_display_it_says_so() -> None:
    done = ponder(DISPLAY="", WAYLAND_DISPLAY="", QT_QPA_PLATFORM="")
    assert done.returncode == 1
    assert done.stderr.startswith("ponder: there is no display")
    assert len(done.stderr.strip().splitlines()) == 1


def test_help_names_the_commands() -> None:
    done = ponder("--help")
    assert done.returncode == 0
    assert "ponder --smoke" in done.stdout


def test_a_command_goes_to_the_command_line() -> None:
    done = ponder("reasoning", "--help", QT_QPA_PLATFORM="")
    assert done.returncode == 0, done.stderr
    assert "--format" in done.stdout


def test_the_module_that_spawn_imports_again_is_light() -> None:
    code = "import ui.__main__, sys; print([m for m in sys.modules if m.startswith('PySide6')])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
