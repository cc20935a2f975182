"""The menu that writes the open chat into a file, in a form of one's choice."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QStandardPaths, QUrl
from PySide6.QtGui import QActionGroup, QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMenu

from app.errors import Problem
from ui import jobs
from ui.main_window import MainWindow
from ui.notices import Notice

if TYPE_CHECKING:
    from app.chat.session import Session
    from app.chat.session_state import SessionState
    from app.transcript.export import Form
    from app.transcript.readable import ThinkingForm
    from app.transcript.record import Record

_FORMS: "tuple[tuple[Form, str, str], ...]" = (
    ("md", "Markdown…", "Markdown"),
    ("html", "Web page…", "Web page"),
    ("pdf", "PDF…", "PDF"),
    ("txt", "Plain text…", "Plain text"),
    ("json", "JSON, whole and verifiable…", "JSON"),
    ("jsonl", "OpenAI messages…", "JSON lines"),
)
_THINKING: "tuple[tuple[ThinkingForm, str], ...]" = (
    ("details", "Folded away"),
    ("quote", "Quoted"),
    ("none", "Left out"),
)
_SHOWN_MS = 8000


class Exporting(QObject):
    """See the module. keep: saves which form thoughts take, for the next time."""

    def __init__(
        self,
        window: MainWindow,
        session: "Session",
        *,
        failed: Callable[[Problem], None],
        keep: Callable[[str], None],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._failed = failed
        self._keep = keep
        window.header.export.clicked.connect(self.show_menu)
        window.actions_["export"].triggered.connect(self.show_menu)
        self.show_state()

    def show_state(self) -> None:
        """Offer it where there is something to be written."""
        there = bool(self._session.state.conversation.messages)
        self._window.header.export.setVisible(there)
        self._window.actions_["export"].setEnabled(there)

    def show_menu(self) -> None:
        """Ask for the form, below the button."""
        button = self._window.header.export
        menu = self.menu()
        # The button is at the window's right edge: the menu ends where it does.
        left = button.width() - menu.sizeHint().width()
        menu.popup(button.mapToGlobal(QPoint(left, button.height() + 4)))

    def menu(self) -> QMenu:
        """Return the menu of forms."""
        menu = QMenu(self._window)
        menu.setAccessibleName("Export the chat")
        for form, label, _ in _FORMS:
            menu.addAction(label, partial(self.ask_where, form))
        menu.addSeparator()
        menu.addAction("Thinking, in all but JSON").setEnabled(False)
        group = QActionGroup(menu)
        for name, label in _THINKING:
            action = menu.addAction(label, partial(self._keep, name))
            action.setCheckable(True)
            action.setChecked(name == self._session.settings.export_thinking)
            group.addAction(action)
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def ask_where(self, form: "Form") -> None:
        """Ask for the file."""
        from app.transcript.names import file_name

        record = record_of(self._session.state)
        places = QStandardPaths.StandardLocation.DocumentsLocation
        folder = QStandardPaths.writableLocation(places)
        kind = next(name for one, _, name in _FORMS if one == form)
        dialog = QFileDialog(self._window, "Export the chat", folder, f"{kind} (*.{form})")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(form)
        dialog.selectFile(file_name(record.title, form))
        dialog.fileSelected.connect(partial(self.write, record, form))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def write(self, record: "Record", form: "Form", path: str) -> None:
        """Write the file in the background and say where it is."""
        kept, thinking = self._session.kept, self._session.settings.export_thinking

        def op() -> None:
            from app.transcript import export

            export.write(Path(path), export.exported(record, form, kept=kept, thinking=thinking))

        jobs.run(op, then=lambda _: self._done(path), failed=self._failed, owner=self)

    def _done(self, path: str) -> None:
        folder = QUrl.fromLocalFile(str(Path(path).parent))

        def show() -> None:
            QDesktopServices.openUrl(folder)

        self._window.notices.show_notice(
            Notice(
                key="exported",
                title=f"The chat was written to {Path(path).name}.",
                action="Show the folder",
                run=show,
                timeout_ms=_SHOWN_MS,
            )
        )


def record_of(state: "SessionState") -> "Record":
    """Return the open chat as it is shown, with all its branches."""
    from app.transcript.record import Record

    titles = {chat.id: chat.title for chat in state.chats}
    return Record(
        id=state.chat_id or "",
        title=titles.get(state.chat_id or "", ""),
        conversation=state.conversation,
        system_prompt=state.system_prompt,
        thinking_budget=state.thinking_budget,
        model=state.model.path,
    )
