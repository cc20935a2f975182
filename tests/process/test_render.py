"""`ponder render` to HTML and to plain text, as a program meets it."""

import os
import subprocess
import sys
from pathlib import Path

from app.markup import to_html

ROOT = Path(__file__).resolve().parents[2]
TEXT = """# Speed

It is $v = \\frac{d}{t}$, costs $5 and $6[^1].

| a | b |
|---|--:|
| 1 | <b> |

[^1]: A note.
"""


def render(folder: Path, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    file = folder / "said.md"
    if not file.exists():
        file.write_text(TEXT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "app", "render", str(file), *arguments],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        env={**os.environ, "PONDER_HOME": str(folder / "home"), "PYTHONUTF8": "1"},
        check=False,
    )
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done


def test_html_is_that_of_the_one_entry(tmp_path: Path) -> None:
    out = tmp_path / "new" / "said.html"
    assert render(tmp_path, "--html", str(out)).stdout == ""
    assert out.read_text(encoding="utf-8") == to_html(TEXT)
    assert render(tmp_path, "--html", "-").stdout == to_html(TEXT)


def test_text_is_what_is_read(tmp_path: Path) -> None:
    assert render(tmp_path, "--text", "-").stdout == (
        "Speed\n\nIt is $v = \\frac{d}{t}$, costs $5 and $6[1].\n\na\tb\n1\t<b>\n\n1. A note.\n"
    )


def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path) -> None:
    done = render(tmp_path, "--text", str(tmp_path), status=1)
    assert done.stderr.startswith(f"ponder: {tmp_path} cannot be written: ")
    (tmp_path / "said.md").write_bytes(b"\xff\xfe\x00")
    assert "is not UTF-8 text" in render(tmp_path, "--html", "-", status=1).stderr
    assert "one of the arguments" in render(tmp_path, status=2).stderr
