"""A model that sees, in the real window: attached, looked at; what cannot be shown is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.support import synthetic_vision as seeing
from tests.support.pictures import landscape
from tests.ui.drive import Driven
from ui import jobs


@pytest.fixture
def driven(dressed: QApplication, qtbot: QtBot, ponder_home: Path) -> Iterator[Driven]:
    ponder_home.mkdir(exist_ok=True)
    opened = Driven(ponder_home)
    yield opened
    opened.close()


def attach(driven: Driven, path: Path) -> None:
    attaching = driven.presenter._attaching
    attaching.give([str(path)])
    driven.until(lambda: jobs.idle() and not attaching.waiting)
    driven.idle()


def test_an_image_is_attached_looked_at_and_answered(driven: Driven, tmp_path: Path) -> None:
    session = driven.session
    seeing.write_model(tmp_path / "seer.gguf", general__name="Seer")
    seeing.write(tmp_path / "mmproj-F16.gguf")
    landscape(tmp_path / "hill.png", 420, 280)
    driven.presenter.load_model(str(tmp_path / "seer.gguf"))
    driven.until(lambda: session.state.model.phase == "ready")
    assert session.sight == "sees"
    attach(driven, tmp_path / "hill.png")
    strip = driven.window.composer.strip
    assert strip is not None
    assert "cannot see" not in strip.note.text()
    assert session.send("What is this?")
    driven.presenter.drain()
    driven.until(lambda: bool((turn := session.state.turn) and turn.answer_tokens > 3))
    session.stop()
    driven.until(lambda: session.state.running is None)
    driven.idle()
    answer = session.state.conversation.branch()[-1]
    assert answer.text
    assert answer.usage is not None
    # 15 by 10 tokens of 28 pixels a side, the ends of the rows, and the words.
    assert answer.usage.prompt_tokens > 15 * 10 + 10

    # What the engine cannot decode is told before it is sent, and stays in the draft.
    landscape(tmp_path / "hill.webp", 60, 40)
    attach(driven, tmp_path / "hill.webp")
    assert not session.send("And this?")
    (problem,) = session.problems()
    assert problem.title == "“hill.webp” is a WebP image, which the engine cannot read."
    assert len(session.state.attached) == 1


def test_a_model_without_its_vision_part_says_so(driven: Driven, tmp_path: Path) -> None:
    seeing.write_model(tmp_path / "blind.gguf", general__name="Blind")
    landscape(tmp_path / "hill.png", 60, 40)
    driven.presenter.load_model(str(tmp_path / "blind.gguf"))
    driven.until(lambda: driven.session.state.model.phase == "ready")
    attach(driven, tmp_path / "hill.png")
    strip = driven.window.composer.strip
    assert strip is not None
    said = "Blind cannot see images here: no vision part lies beside its file."
    assert strip.note.text().startswith(said)
    assert not driven.session.send("What is this?")
    (problem,) = driven.session.problems()
    assert problem.title == said
