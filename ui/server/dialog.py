"""“Connect to a server…”: the address and the key at the top, what was found there below.

A window of its own over Ponder's. It shows what it is told; `ui.server.desk` tells it.
"""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from ui import theme
from ui.server.parts import Finding, ModelList
from ui.widgets import button, muted

WIDTH_PX = 520
_INTRO = (
    "vLLM, llama.cpp, LM Studio, Ollama, mlx_lm, Mistral's API, or any other server that speaks "
    "OpenAI's protocol."
)


class ConnectDialog(QDialog):
    """See the module.

    Signals:
        tested: address, key ("" where none was typed) and file of certificates are to be tried.
        connected: the name of the model that was chosen.
        forgotten: the server that it began with is to be forgotten.
        edited: what was found is no longer of the address that is typed.
    """

    tested = Signal(str, str, str)
    connected = Signal(str)
    forgotten = Signal()
    edited = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Connect to a server")
        self.setAccessibleName("Connect to a server")
        self._ca_file = ""
        self.heading = QLabel("Connect to a server")
        font = theme.body_font()
        font.setPointSizeF(font.pointSizeF() * 17 / 15)
        font.setWeight(QFont.Weight.Bold)
        self.heading.setFont(font)
        self.address = _field("Address", "localhost:8080")
        self.key = _field("Key", "only if the server asks for one")
        self.key.setEchoMode(QLineEdit.EchoMode.Password)
        self.key_note = muted(QLabel("Kept in the system's keychain, never in a file of Ponder's."))
        self.key_note.setFont(theme.caption_font())
        self.certificate = button("Certificate…", "ghost")
        self.certificate.setToolTip("Trust a certificate of your own, for an https:// address")
        self.test = button("Test", "plain")
        self.finding = Finding()
        self.models = ModelList()
        self.forget = button("Forget this server", "ghost")
        self.forget.setToolTip("Take it and its key out of Ponder's list")
        self.forget.hide()
        self.cancel = button("Cancel", "plain")
        self.connect_ = button("Connect", "primary")
        self._lay_out()
        for field in (self.address, self.key):
            field.textChanged.connect(lambda _text: self._on_edited())
            field.returnPressed.connect(self._on_return)
        self.test.clicked.connect(self.try_address)
        self.certificate.clicked.connect(self._on_certificate)
        self.forget.clicked.connect(self.forgotten)
        self.cancel.clicked.connect(self.close)
        self.connect_.clicked.connect(self._on_connect)
        self.models.currentItemChanged.connect(lambda *_: self._show_chosen())
        self.models.itemActivated.connect(lambda _item: self._on_connect())
        self.show_nothing()

    def _lay_out(self) -> None:
        intro = muted(QLabel(_INTRO))
        intro.setWordWrap(True)
        fields = QGridLayout()
        fields.setHorizontalSpacing(12)
        fields.setVerticalSpacing(8)
        fields.addWidget(_label("Address", self.address), 0, 0)
        fields.addWidget(self.address, 0, 1)
        fields.addWidget(self.test, 0, 2)
        fields.addWidget(_label("Key", self.key), 1, 0)
        fields.addWidget(self.key, 1, 1)
        fields.addWidget(self.certificate, 1, 2)
        fields.addWidget(self.key_note, 2, 1, 1, 2)
        fields.setColumnStretch(1, 1)
        for one in (self.cancel, self.connect_, self.test, self.certificate, self.forget):
            one.setAutoDefault(False)
        feet = QHBoxLayout()
        feet.setSpacing(10)
        feet.addWidget(self.forget)
        feet.addStretch(1)
        feet.addWidget(self.cancel)
        feet.addWidget(self.connect_)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(12)
        column.addWidget(self.heading)
        column.addWidget(intro)
        column.addLayout(fields)
        column.addWidget(self.finding)
        column.addWidget(self.models)
        column.addStretch(1)
        column.addLayout(feet)
        self.setFixedWidth(WIDTH_PX)

    # ------------------------------------------------------------ what it shows

    def set_server(self, address: str, *, has_key: bool) -> None:
        """Begin with a server that is known; its key is not shown."""
        self.address.setText(address)
        self.forget.show()
        self.key.setPlaceholderText(
            "kept in the keychain" if has_key else "only if it asks for one"
        )

    def show_nothing(self) -> None:
        """Show no finding: nothing was tried yet, or something else is typed now."""
        self.finding.hide()
        self.models.clear()
        self.models.hide()
        self.test.setEnabled(bool(self.address.text().strip()))
        self._show_chosen()
        self._fit()

    def show_trying(self, host: str) -> None:
        """Show that a server is being asked."""
        self.test.setEnabled(False)
        self.finding.say("muted", f"Asking {host}…", ())
        self._fit()

    def show_problem(self, title: str, advice: str) -> None:
        """Show why it did not work."""
        self.test.setEnabled(True)
        self.models.hide()
        self.finding.say("bad", title, (advice,) if advice else ())
        self._fit()

    def show_found(
        self,
        said: str,
        lines: Sequence[str],
        models: Sequence[tuple[str, str]],
        chosen: str,
        *,
        leaves: bool,
    ) -> None:
        """Show what answers, what that means, and its models.

        models: each a name and what is known of it. leaves: what is written leaves this machine.
        """
        self.test.setEnabled(True)
        self.finding.say("warn" if leaves else "good", said, lines)
        self.models.show_models(models, chosen)
        self.models.show()
        self.models.setFocus(Qt.FocusReason.OtherFocusReason)
        self._show_chosen()
        self._fit()

    def show_busy(self) -> None:
        """Show that it connects: the keychain may ask for something first."""
        self.connect_.setEnabled(False)

    def _fit(self) -> None:
        """Be as high as what is shown."""
        layout = self.layout()
        if layout is not None:
            layout.activate()
            self.resize(WIDTH_PX, max(self.minimumSizeHint().height(), layout.sizeHint().height()))

    def _show_chosen(self) -> None:
        self.connect_.setEnabled(bool(self.models.chosen()))

    # ------------------------------------------------------------ what the user does

    def try_address(self) -> None:
        """Try what is typed."""
        text = self.address.text().strip()
        if text:
            self.tested.emit(text, self.key.text(), self._ca_file)

    def _on_edited(self) -> None:
        self.forget.hide()
        self.show_nothing()
        self.edited.emit()

    def _on_return(self) -> None:
        if self.test.isEnabled():
            self.try_address()

    def _on_connect(self) -> None:
        if self.connect_.isEnabled():
            self.connected.emit(self.models.chosen())

    def _on_certificate(self) -> None:
        kinds = "Certificates (*.pem *.crt *.cer);;All files (*)"
        dialog = QFileDialog(self, "Trust a certificate", "", kinds)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.set_certificate)
        dialog.open()

    def set_certificate(self, path: str) -> None:
        """Trust the certificates in a file, beside the system's."""
        self._ca_file = path
        self.certificate.setToolTip(f"Trusted: {path}")
        self.key_note.setText(f"Trusts the certificate in {path.rpartition('/')[2]}.")
        self._on_edited()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the ground, whatever the theme becomes."""
        QPainter(self).fillRect(self.rect(), theme.current().background)


def _field(name: str, hint: str) -> QLineEdit:
    field = QLineEdit()
    field.setProperty("kind", "field")
    field.setPlaceholderText(hint)
    field.setAccessibleName(name)
    field.setFont(theme.ui_font())
    return field


def _label(text: str, buddy: QWidget) -> QLabel:
    label = QLabel(text)
    label.setBuddy(buddy)
    return label
