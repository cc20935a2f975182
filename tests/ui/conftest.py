"""The dressed application that widgets are tested in."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from ui import theme


@pytest.fixture
def dressed(qapp: QApplication) -> Iterator[QApplication]:
    """Return the application in Ponder's light theme, and leave it so."""
    theme.install(qapp, "light")
    theme.set_mode("light")
    yield qapp
    theme.set_mode("light")
