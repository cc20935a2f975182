"""What the window does with chats as evidence and as files, beside exporting the open one.

How an answer was made; whether a file is as it was written; running answers again; taking chats in;
the trash. Each opens its own small window; this knows when.
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QRect, Qt
from PySide6.QtGui import QAction, QCursor
from PySide6.QtWidgets import QFileDialog, QMenu

from app.errors import Problem
from app.given import CHAT_ENDINGS
from ui import jobs
from ui.chat.answer import Answer
from ui.main_window import MainWindow
from ui.transcripts.details import Details
from ui.transcripts.taking_in import TakingIn

if TYPE_CHECKING:
    from app.chat.session import Session
    from app.transcript.record import Record
    from ui.transcripts.verifying import Checked

CHATS = f"Chats ({' '.join(f'*{ending}' for ending in CHAT_ENDINGS)});;All files (*)"
_OWN = "Transcripts (*.json);;All files (*)"


class Transcripts(QObject):
    """See the module. do: calls a use case and shows its effect; opened: models used so far.

    add_all: offers the forms of all chats together in a menu.
    """

    def __init__(
        self,
        window: MainWindow,
        session: "Session",
        *,
        do: Callable[[Callable[[], object]], None],
        failed: Callable[[Problem], None],
        opened: Callable[[], Sequence[str]],
        add_all: Callable[[QMenu], None],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._do = do
        self._failed = failed
        self._opened = opened
        self._every = QAction("Export all chats", self)
        forms = QMenu(window)
        add_all(forms)
        self._every.setMenu(forms)
        self._taking_in = TakingIn(window, session, do=do, failed=failed)
        window.chat_view.details_requested.connect(self.show_details)
        window.chats_dropped.connect(self._on_dropped)
        self._actions = [
            self._action("Import chats…", self.ask_import),
            self._action("Verify a transcript…", self.ask_verify),
            self._action("Recently deleted…", self.show_trash),
        ]

    def _action(self, label: str, does: Callable[[], None]) -> QAction:
        made = QAction(label, self)
        made.triggered.connect(lambda _checked=False: does())
        return made

    def in_menu(self) -> list[QAction]:
        """Return what stands in the window's menu."""
        self._every.setEnabled(bool(self._session.state.chats))
        return [self._actions[0], self._every, *self._actions[1:]]

    # ------------------------------------------------------------ how an answer was made

    def show_details(self, message_id: str) -> None:
        """Show how an answer was made, beside its figures."""
        from app.transcript import made_by

        message = self._session.state.conversation.messages.get(message_id)
        if message is None:
            return
        Details(self._window, made_by.details(message)).open_beside(self._place_of(message_id))

    def _place_of(self, message_id: str) -> QRect:
        """Return where on the screen the figures of an answer are."""
        item = self._window.chat_view.item(message_id)
        if isinstance(item, Answer) and item.footer is not None and not item.footer.isHidden():
            button = item.footer.details_button
            return QRect(button.mapToGlobal(QPoint(0, 0)), button.size())
        return QRect(QCursor.pos(), QCursor.pos())

    # ------------------------------------------------------------ verify, run again

    def ask_verify(self) -> None:
        """Ask for a file and check it."""
        self._ask("Verify a transcript", _OWN, lambda paths: self.verify(paths[0]))

    def verify(self, path: str) -> None:
        """Check a file and show what was found."""
        from ui.transcripts.verifying import check

        jobs.run(
            partial(check, Path(path)), then=self._show_checked, failed=self._failed, owner=self
        )

    def _show_checked(self, checked: "Checked") -> None:
        from ui.transcripts.verifying import VerifyWindow

        faults = () if checked.verdict.same_content else checked.verdict.faults
        changed = {fault.message for fault in faults if fault.message is not None}

        def again() -> None:
            if checked.record is not None:
                self.run_again(checked.record, changed)

        def take_in() -> None:
            self.take_in([str(checked.path)])

        VerifyWindow(self._window, checked, again=again, take_in=take_in).show()

    def run_open_again(self) -> None:
        """Run the answers of the open chat again."""
        from ui.exporting import record_of

        self.run_again(record_of(self._session.state))

    def run_again(self, record: "Record", changed: Collection[int] = ()) -> None:
        """Run a chat's answers again and show what came of each."""
        from ui.transcripts.comparing import CompareWindow

        if self._session.state.running is not None:
            self._failed(
                Problem(
                    "still-running",
                    "An answer is still being written.",
                    "Stop it first, or wait for its end.",
                )
            )
            return
        info = self._session.state.model.info
        if info is not None and info.gpu_layers:
            # A card seldom has room for the same model twice. The next message loads it again.
            self._do(self._session.unload_model)
        compare = CompareWindow(self._window, record, changed=changed, others=self._same_name())
        # A run does not outlive the window it was begun from.
        self._window.closing.connect(compare.close)
        compare.show()

    def _same_name(self) -> Callable[[str], str]:
        """Return what looks for a file's name among the models that are here."""
        from app import paths

        here = [*self._opened(), str(paths.demo_model())]

        def find(path: str) -> str:
            name = path.replace("\\", "/").rpartition("/")[2]
            same = (one for one in here if Path(one).name == name and Path(one).exists())
            return next(same, "")

        return find

    # ------------------------------------------------------------ chats from elsewhere, the trash

    def ask_import(self) -> None:
        """Ask for files and take the chats in them in."""
        self._ask("Import chats", CHATS, self.take_in, several=True)

    def take_in(self, paths: Sequence[str]) -> None:
        """Take the chats in some files in."""
        self._taking_in.begin([Path(path) for path in paths])

    def show_trash(self) -> None:
        """Show what was deleted and can still be brought back."""
        from ui.sidebar.trash import TrashWindow

        TrashWindow(self._window, self._session, do=self._do).show()

    def _on_dropped(self, paths: Sequence[str], at: QPoint) -> None:
        """Ask what is meant by files dropped on the window: any of three things may be."""
        menu = self.drop_menu(paths)
        menu.popup(at)

    def drop_menu(self, paths: Sequence[str]) -> QMenu:
        """Return what can be done with files that may hold chats."""
        menu = QMenu(self._window)
        menu.setAccessibleName("What to do with the file")
        several = len(paths) > 1
        menu.addAction(
            "Import the chats" if several else "Import the chat", lambda: self.take_in(paths)
        )
        if not several and paths[0].lower().endswith(".json"):
            menu.addAction("Verify the transcript", lambda: self.verify(paths[0]))
        if not any(path.lower().endswith(".zip") for path in paths):
            label = "Attach the files to the message" if several else "Attach it to the message"
            menu.addAction(label, lambda: self._window.given.emit(list(paths)))
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def _ask(
        self,
        title: str,
        kinds: str,
        chosen: Callable[[list[str]], None],
        *,
        several: bool = False,
    ) -> None:
        dialog = QFileDialog(self._window, title, "", kinds)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        mode = QFileDialog.FileMode
        dialog.setFileMode(mode.ExistingFiles if several else mode.ExistingFile)
        dialog.filesSelected.connect(chosen)
        dialog.open()
