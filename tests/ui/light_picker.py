"""Opens the picker in a process of its own, searches, downloads, loads: prints what is imported.

    python -m tests.ui.light_picker HOME

A script, so that nothing that other tests imported is counted.
"""

import os
import sys
from pathlib import Path

import pytest

HEAVY = ("huggingface_hub", "llama_cpp", "numpy", "mlx", "keyring", "pynvml", "httpx", "httpx2")


def main() -> None:
    """Do it once."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    from tests.ui import hub_scene
    from tests.ui.drive import Driven
    from ui import jobs, theme

    home = Path(sys.argv[1])
    os.environ["PONDER_HOME"] = str(home)
    app = QApplication(["light", *theme.FUSION])
    theme.install(app, "light")
    with pytest.MonkeyPatch.context() as patch, hub_scene.scene(patch, home):
        driven = Driven(home)
        driven.until(driven.window.first_run.download.isVisible)
        driven.window.actions_["model"].trigger()
        detail = driven.presenter.models.picker.detail
        driven.until(lambda: detail.lines.line() is not None)
        driven.presenter.models.picker.search.setText("Tiny")
        driven.until(
            lambda: detail.title.text() == "Tiny-Reasoner-GGUF" and detail.take.isEnabled()
        )
        driven.until(jobs.idle)
        QTest.mouseClick(detail.take, Qt.MouseButton.LeftButton)
        driven.until(lambda: driven.session.state.model.phase == "ready")
        driven.idle()
        driven.close()
    loaded = {name.partition(".")[0] for name in sys.modules}
    print("heavy:", *(name for name in HEAVY if name in loaded))


if __name__ == "__main__":
    main()
