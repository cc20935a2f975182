"""A load that finds too little memory: said in a notice, whose button loads what fits."""

import sys
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.chat.load_plan import LoadPlan, for_file
from app.fit.devices import from_hardware
from app.hardware.detect import detect
from tests.support import synthetic
from tests.ui.drive import Driven

WIDE = synthetic.Shape(width=512, layers=4, heads=4, kv_heads=4, context=65_536)
"""Small weights and a large cache: 256 MiB for 32,768 tokens."""


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
def test_the_notice_of_a_failed_load_loads_what_fits(
    dressed: QApplication, tmp_path: Path, qtbot: QtBot
) -> None:
    import resource

    path = synthetic.write(tmp_path / "wide.gguf", WIDE)
    plan = for_file(path, from_hardware(detect()), 32_768)
    assert plan is not None
    driven = Driven(tmp_path)
    session, notices = driven.session, driven.window.notices
    driven.presenter.load_model(str(path), LoadPlan(context=1024))
    driven.until(lambda: session.state.model.phase == "ready")
    driven.idle()
    pid = session.engine_pid
    assert pid is not None
    most = psutil.Process(pid).memory_info().vms + (200 << 20)
    resource.prlimit(pid, resource.RLIMIT_AS, (most, most))
    driven.presenter.load_model(str(path), plan)
    driven.until(lambda: session.state.model.next_plan is not None)
    offer = session.state.model.next_plan
    assert offer is not None
    banner = next(iter(notices.shown().values()))
    assert "was promised to fit" in banner.notice.title
    assert banner.action.text() == f"Load with {offer.context:,} tokens of context"
    qtbot.mouseClick(banner.action, Qt.MouseButton.LeftButton)
    driven.until(lambda: session.state.model.phase == "ready")
    assert session.state.model.plan == offer
    assert "used" in driven.window.header.chip.toolTip()
    driven.close()
