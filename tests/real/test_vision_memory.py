"""What a vision part is promised to take, and what mtmd takes in truth; and what it is shown.

In processes of their own, because mtmd and numpy are no part of the tests' process.
"""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QImageReader, QPainter

from app.fit.vision import compute_bytes, largest
from app.models import projectors
from tests.support import synthetic
from tests.support import synthetic_vision as seeing
from tests.unit.models.test_picture_file import turned


def child(*arguments: object) -> Any:
    command = [sys.executable, "-m", "tests.support.vision_child", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


PARTS = (
    seeing.SMALL,
    # Wide text behind narrow eyes: the ends of rows take most, and a tall picture.
    seeing.Eyes(text_width=4096, width=64, layers=3, feed_forward=96),
    seeing.Eyes(text_width=512, width=256, layers=3, heads=4, feed_forward=320, merge=1),
    # Magistral's widths, of two layers: its buffer is the same with all twenty-four.
    seeing.Eyes(text_width=5120, width=1024, layers=2, heads=16, feed_forward=4096),
)


def test_the_promise_is_what_mtmd_takes(tmp_path: Path) -> None:
    paths: list[Path] = []
    for number, eyes in enumerate(PARTS):
        shape = synthetic.Shape(512, eyes.text_width, 1, 2, 1, 64)
        paths.append(seeing.write_model(tmp_path / f"{number}.gguf", shape))
        paths.append(seeing.write(tmp_path / f"mmproj-{number}.gguf", eyes, data=False))
    for path, taken in zip(paths[1::2], child("buffer", *paths), strict=True):
        found = projectors.read(path)
        assert taken["weights"] == found.weights_bytes
        # The log tells MiB with two digits.
        assert taken["compute"] == pytest.approx(compute_bytes(found, *largest(found)), abs=5300)


def test_no_picture_makes_the_process_larger_than_was_promised(tmp_path: Path) -> None:
    eyes = seeing.Eyes(text_width=256, width=64, layers=1, heads=2, feed_forward=256)
    shape = synthetic.Shape(512, 256, 1, 2, 1, 64, weights="f16")
    model = seeing.write_model(tmp_path / "seer.gguf", shape)
    path = seeing.write(tmp_path / "mmproj.gguf", eyes)
    grown = child("growth", model, path)
    # Pictures come and go: what stays is what was counted for one's vectors, and little more.
    assert grown["compute_lines"] == 0
    assert max(grown["bytes"]) < 8 << 20


def test_pictures_are_shown_upright_and_opaque_as_qt_shows_them(tmp_path: Path) -> None:
    model = seeing.write_model(tmp_path / "seer.gguf")
    eyes = seeing.write(tmp_path / "mmproj.gguf")
    plain = QImage(48, 32, QImage.Format.Format_RGB32)
    plain.fill(QColor("white"))
    painter = QPainter(plain)
    painter.fillRect(0, 0, 24, 16, QColor("red"))
    painter.fillRect(24, 0, 24, 16, QColor("blue"))
    painter.end()
    assert plain.save(str(tmp_path / "0.jpg"))
    jpeg = (tmp_path / "0.jpg").read_bytes()
    paths = []
    for orientation in range(1, 9):
        paths.append(tmp_path / f"{orientation}.jpg")
        paths[-1].write_bytes(turned(jpeg, orientation))
    for path, found in zip(paths, child("pixels", model, eyes, "image/jpeg", *paths), strict=True):
        check(path, found, most=6)  # two decoders of JPEG round differently

    clear = QImage(40, 30, QImage.Format.Format_ARGB32)
    clear.fill(Qt.GlobalColor.transparent)
    painter = QPainter(clear)
    painter.fillRect(0, 0, 20, 15, QColor(0, 0, 0, 255))
    painter.fillRect(20, 15, 20, 15, QColor(200, 40, 10, 128))
    painter.end()
    path = tmp_path / "clear.png"
    assert clear.save(str(path))
    (found,) = child("pixels", model, eyes, "image/png", path)
    check(path, found, most=1)


def check(path: Path, found: dict[str, Any], *, most: int) -> None:
    """Hold pixels against Qt's, on white. most: by which a colour may differ."""
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    image = reader.read()
    white = QImage(image.size(), QImage.Format.Format_RGB32)
    white.fill(QColor("white"))
    painter = QPainter(white)
    painter.drawImage(0, 0, image)
    painter.end()
    assert found["size"] == [white.width(), white.height()], path.name
    data = base64.b64decode(found["data"])
    for y in range(2, white.height(), 5):
        for x in range(2, white.width(), 5):
            colour = white.pixelColor(x, y)
            at = 3 * (y * white.width() + x)
            wanted = (colour.red(), colour.green(), colour.blue())
            for ours, theirs in zip(data[at : at + 3], wanted, strict=True):
                assert abs(ours - theirs) <= most, (path.name, x, y)
