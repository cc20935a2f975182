"""What the gear's menu says of the network and the disk: the hosts asked, the token, the folder."""

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QInputDialog,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app import net
from app.errors import Problem
from ui import jobs
from ui.widgets import muted

_SHOWN = 200


class ConnectionList(QWidget):
    """The hosts that Ponder has asked, what for, how often and when last; any key closes it."""

    def __init__(self, parent: QWidget, contacts: tuple[net.Contact, ...]) -> None:
        super().__init__(parent, Qt.WindowType.Dialog)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Connections")
        self.setAccessibleName("Connections that Ponder has made")
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setContentsMargins(24, 20, 24, 20)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(8)
        for row, contact in enumerate(contacts[:_SHOWN]):
            last = datetime.fromtimestamp(contact.last).astimezone()
            often = "once" if contact.times == 1 else f"{contact.times} times"
            grid.addWidget(QLabel(contact.host), row, 0)
            grid.addWidget(QLabel(contact.purpose), row, 1)
            grid.addWidget(muted(QLabel(f"{often}, last {last:%Y-%m-%d %H:%M}")), row, 2)
        if not contacts:
            grid.addWidget(QLabel("Ponder has made no connection."), 0, 0)
        said = [f"{one.host}: {one.purpose}" for one in contacts[:_SHOWN]]
        self.setAccessibleDescription(", ".join(said) or "Ponder has made no connection.")
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)
        self.resize(min(720, inner.sizeHint().width() + 24), min(480, inner.sizeHint().height()))

    def keyPressEvent(self, _event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Close on any key."""
        self.close()


def ask_token(parent: QWidget, failed: Callable[[Problem], None]) -> None:
    """Ask for a token for gated models and put it into the keychain; an empty one takes it out."""

    def keep(token: str) -> None:
        def op() -> None:
            from app.models import tokens

            tokens.keep(token)

        jobs.run(op, then=lambda _: None, failed=failed, owner=parent)

    dialog = QInputDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle("Hugging Face token")
    dialog.setLabelText(
        "For models whose licence is accepted on their page. It is kept in the system's keychain;\n"
        "an empty one takes it out."
    )
    dialog.setTextEchoMode(QLineEdit.EchoMode.Password)
    dialog.textValueSelected.connect(keep)
    dialog.open()


def ask_folder(parent: QWidget, now: str, chosen: Callable[[str], None]) -> None:
    """Ask for the folder that downloads go into."""
    dialog = QFileDialog(parent, "Folder for downloaded models", now)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.fileSelected.connect(chosen)
    dialog.open()
