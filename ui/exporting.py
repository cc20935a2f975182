"""The menu that writes a chat, a part of it or all chats into a file, in a form of one's choice."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QStandardPaths, QUrl
from PySide6.QtGui import QActionGroup, QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMenu

from app import paths
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
    """See the module. keep: saves settings by name, for the next time.

    run_again: runs the answers of the open chat again.
    """

    def __init__(
        self,
        window: MainWindow,
        session: "Session",
        *,
        failed: Callable[[Problem], None],
        keep: Callable[..., None],
        run_again: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._failed = failed
        self._keep = keep
        self._run_again = run_again
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
        state = self._session.state
        whole = record_of(state)
        self._add_forms(menu, whole)
        menu.addSeparator()
        chosen = self._selected()
        if chosen:
            self._add_forms(menu.addMenu("Only the selected messages"), whole, messages=chosen)
        if len(state.conversation.branch()) < len(state.conversation.messages):
            self._add_forms(menu.addMenu("Only the branch shown"), whole, branch=True)
        self.add_all(menu.addMenu("All chats"))
        menu.addSeparator()
        menu.addAction("Thinking, in all but JSON").setEnabled(False)
        group = QActionGroup(menu)
        for name, label in _THINKING:
            action = menu.addAction(label, partial(self._keep, export_thinking=name))
            action.setCheckable(True)
            action.setChecked(name == self._session.settings.export_thinking)
            group.addAction(action)
        menu.addSeparator()
        menu.addAction("Run again and compare…", self._run_again)
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def _add_forms(
        self, menu: QMenu, whole: "Record", *, branch: bool = False, messages: Sequence[str] = ()
    ) -> None:
        """Offer each form of a chat, or of a part of it."""

        def ask(form: "Form") -> None:
            from app.transcript import extract

            record = extract.branch(whole) if branch else whole
            self.ask_where(form, extract.selection(record, messages) if messages else record)

        for form, label, _ in _FORMS:
            menu.addAction(label, partial(ask, form))

    def add_all(self, menu: QMenu) -> None:
        """Offer each form of all chats together."""
        for form, label, _ in _FORMS:
            menu.addAction(label, partial(self._ask_all, form))

    def _selected(self) -> list[str]:
        """Return the ids of the messages that the selection reaches into."""
        view = self._window.chat_view
        ends = view.selection.ends()
        if ends is None:
            return []
        return [entry.id for entry in view.entries[ends[0].message : ends[1].message + 1]]

    def ask_where(self, form: "Form", record: "Record") -> None:
        """Ask for the file of a chat."""
        from app.transcript.names import file_name

        kind = next(name for one, _, name in _FORMS if one == form)
        self._keep(export_form=form)
        self._ask(
            f"{kind} (*.{form})", file_name(record.title, form), partial(self.write, record, form)
        )

    def _ask_all(self, form: "Form") -> None:
        """Ask for the file of all chats: an archive of one file each, or one file of lines."""
        ending = "jsonl" if form == "jsonl" else "zip"
        day = time.strftime("%Y-%m-%d")
        kind = "JSON lines" if ending == "jsonl" else "Archive"
        name = f"Chats {day}.{ending}"
        self._ask(f"{kind} (*.{ending})", name, partial(self.write_all, form))

    def _ask(self, kind: str, name: str, chosen: Callable[[str], None]) -> None:
        places = QStandardPaths.StandardLocation.DocumentsLocation
        folder = QStandardPaths.writableLocation(places)
        dialog = QFileDialog(self._window, "Export", folder, kind)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(Path(name).suffix[1:])
        dialog.selectFile(name)
        dialog.fileSelected.connect(chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def write(self, record: "Record", form: "Form", path: str) -> None:
        """Write the file of a chat in the background and say where it is."""
        kept, thinking = self._session.kept, self._session.settings.export_thinking

        def op() -> None:
            from app.transcript import export

            export.write(Path(path), export.exported(record, form, kept=kept, thinking=thinking))

        jobs.run(op, then=lambda _: self._done(path), failed=self._failed, owner=self)

    def write_all(self, form: "Form", path: str) -> None:
        """Write all chats into one file, in the background, and say where it is."""
        thinking = self._session.settings.export_thinking

        def op() -> int:
            from app.chat.store import Store
            from app.transcript import export

            # A connection of its own: the window's own store goes on saving meanwhile.
            store = Store(paths.database())
            try:
                chats = [chat.id for chat in store.list_chats()]
                records = (export.record_from(store, one) for one in chats)
                data = export.together(records, form, kept=store.kept, thinking=thinking)
            finally:
                store.close()
            export.write(Path(path), data)
            return len(chats)

        def done(count: int) -> None:
            self._done(path, "1 chat was" if count == 1 else f"{count:,} chats were")

        self._window.notices.show_notice(
            Notice("exported", f"Writing all chats to {Path(path).name}…")
        )
        jobs.run(op, then=done, failed=self._failed_all, owner=self)

    def _failed_all(self, problem: Problem) -> None:
        self._window.notices.dismiss("exported")
        self._failed(problem)

    def _done(self, path: str, what: str = "The chat was") -> None:
        folder = QUrl.fromLocalFile(str(Path(path).parent))

        def show() -> None:
            QDesktopServices.openUrl(folder)

        self._window.notices.show_notice(
            Notice(
                key="exported",
                title=f"{what} written to {Path(path).name}.",
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
