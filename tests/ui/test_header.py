"""The chip says which model answers and how it is; the meter says how full the context is."""

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.chat.model_slot import ModelState
from app.engine.protocol import ModelInfo
from ui import theme
from ui.header import Header, level

INFO = ModelInfo(
    name="Magistral Small 1.2",
    path="/models/m.gguf",
    size_bytes=1,
    architecture="llama",
    quantization="Q8_0",
    parameters=1,
    layers=1,
    vocabulary=1,
    context=1,
    context_train=1,
    controls=(),
    template=None,
    sampling=None,
    backend="llama_cpp",
    device="CPU",
    build="",
)


@pytest.fixture
def header(dressed: QApplication, qtbot: QtBot) -> Header:
    made = Header()
    qtbot.addWidget(made)
    made.resize(1016, made.height())
    made.show()
    return made


@pytest.mark.parametrize(
    ("model", "said", "dot"),
    [
        (ModelState(), "Model: No model loaded", None),
        (ModelState("none", "m", "/m.gguf"), "Model: m not loaded", "muted"),
        (ModelState("loading", "m", "/m.gguf", 0.45), "Model: m loading 45 %", "warn"),
        (
            ModelState("ready", INFO.name, INFO.path, 1.0, INFO),
            "Model: Magistral Small 1.2 Q8_0 · llama.cpp · CPU",
            "good",
        ),
        (ModelState("failed", "m", "/m.gguf"), "Model: m failed", "bad"),
    ],
)
def test_the_chip_says_and_shows_the_state(
    header: Header, model: ModelState, said: str, dot: str | None
) -> None:
    header.chip.show_model(model)
    assert header.chip.accessibleName() == said
    QApplication.processEvents()
    pixel = header.chip.grab().toImage().pixelColor(19, header.chip.height() // 2)
    wanted = getattr(theme.current(), dot) if dot else None
    assert (pixel.name().upper() == wanted) == (dot is not None)


def test_a_long_name_is_cut_to_the_window(header: Header) -> None:
    header.chip.show_model(ModelState("ready", "A very long name " * 20, "/m", 1.0, INFO))
    QApplication.processEvents()
    assert header.chip.geometry().right() <= header.width()
    assert header.chip.accessibleName().startswith("Model: A very long name")


def test_the_meter_turns_amber_then_red() -> None:
    assert [level(share) for share in (0, 0.69, 0.70, 0.849, 0.85, 1)] == [
        *("accent", "accent", "warn", "warn", "bad", "bad")
    ]


def test_the_meter_counts(header: Header) -> None:
    assert not header.meter.isVisible()
    header.meter.show_usage(1393, 40960)
    assert header.meter.isVisible()
    assert header.meter.count.text() == "1,393 / 40,960"
    assert "39,567 tokens are free" in header.meter.toolTip()
    header.meter.show_usage(50000, 40960)
    assert "100 %" in header.meter.toolTip()
    header.meter.show_usage(0, 0)
    assert not header.meter.isVisible()


def test_in_a_narrow_window_the_bar_gives_way_and_the_figures_stay(header: Header) -> None:
    header.chip.show_model(ModelState("ready", INFO.name, INFO.path, 1.0, INFO))
    header.export.show()
    header.meter.set_compact(True)
    header.meter.show_usage(1_112, 20_480)
    header.resize(436, header.height())
    QApplication.processEvents()
    meter = header.meter
    assert meter.count.width() >= meter.count.sizeHint().width()
    assert meter.bar.geometry().right() < meter.count.geometry().left()
    assert meter.geometry().right() < header.export.geometry().left()
    header.resize(1016, header.height())
    QApplication.processEvents()
    assert meter.bar.width() == 120
