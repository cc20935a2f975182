"""`ponder render --png`: the picture that the transcript would show, made without a display."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage

from app.cli import main

TEXT = """# A file

Some *text* with $x^2$, 速度 and `code`.

$$\\int_0^1 x^2\\,dx = \\frac13$$

```python
print("x")
```
"""
ROOT = Path(__file__).parents[2]
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "QT_SCALE_FACTOR")


def render(
    *arguments: str | Path | int, module: str = "app", cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name not in SCREENS}
    env["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-m", module, "render", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "file.md"
    made.write_text(TEXT, encoding="utf-8")
    return made


def corner(image: QImage) -> QColor:
    return QColor(image.pixel(2, 2))


def test_width_scale_and_theme_are_those_asked_for(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    done = render(file, "--png", out, "--width", 500)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    once = QImage(str(out))
    assert once.width() == 500
    assert once.height() > 250
    assert corner(once).lightness() > 200
    # From another folder, and through the window's entry, which must not open one.
    done = render(
        file,
        "--png",
        "twice.png",
        "--width",
        500,
        "--scale",
        2,
        "--theme",
        "dark",
        module="ui",
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    twice = QImage(str(tmp_path / "twice.png"))
    assert twice.size() == once.size() * 2
    assert corner(twice).lightness() < 60


def test_the_world_s_faults_are_one_sentence(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.md").write_text(" \n")
    (tmp_path / "latin.md").write_bytes(b"caf\xe9")
    out = tmp_path / "out.png"
    for name, place, said in (
        ("none.md", out, "none.md cannot be read: No such file or directory."),
        ("empty.md", out, "empty.md is empty"),
        ("latin.md", out, "latin.md is not UTF-8 text."),
        (file.name, tmp_path, "cannot be written: Is a directory."),
    ):
        assert main(["render", str(tmp_path / name), "--png", str(place)]) == 1
        told = capsys.readouterr().err
        assert said in told
        assert told.startswith("ponder: ")
        assert told.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    "wrong", [("--width", "5"), ("--width", "x"), ("--scale", "nan"), ("--scale", "1e9")]
)
def test_absurd_sizes_are_wrong_usage(
    file: Path, capsys: pytest.CaptureFixture[str], wrong: tuple[str, str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["render", str(file), "--png", "out.png", *wrong])
    assert "is not between" in capsys.readouterr().err
