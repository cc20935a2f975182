"""A chat on its way out of the window: the file is made when someone asks for it, not before.

Whoever drags a chat over the list and lets go has asked for nothing. Where a file manager, a mail
or an editor takes the drop, the chat is written into a folder of its own below the cache's, in the
form that was last exported, and its address is handed over. What was made is deleted with the next
start: by then it was copied.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEventLoop, QMimeData, QObject, QUrl

from app import paths
from app.errors import Problem
from ui import jobs
from ui.chat.message_box import LEAVING

if TYPE_CHECKING:
    from app.transcript.export import Form
    from app.transcript.readable import ThinkingForm

URLS = "text/uri-list"


class ChatMime(QMimeData):
    """A chat as a file, made at the first question for it. form, thinking: as for `exported`."""

    def __init__(
        self, owner: QObject, chat_id: str, form: "Form", thinking: "ThinkingForm"
    ) -> None:
        super().__init__()
        self.setProperty(LEAVING, True)
        self._owner = owner
        self._chat_id = chat_id
        self._form: Form = form
        self._thinking: ThinkingForm = thinking
        self._url: QUrl | None = None

    def formats(self) -> list[str]:
        """Return the one kind there is."""
        return [URLS]

    def hasFormat(self, mime: str) -> bool:  # noqa: N802 - Qt's name
        """Return whether it is of a kind."""
        return mime == URLS

    def retrieveData(self, mime: str, _kind: Any) -> Any:  # noqa: N802 - Qt's name
        """Return the file's address, and make the file where there is none yet."""
        if mime != URLS:
            return None
        if self._url is None:
            path = _waited(self._write, self._owner)
            self._url = QUrl.fromLocalFile(str(path)) if path is not None else QUrl()
        return [self._url] if not self._url.isEmpty() else None

    def _write(self) -> Path:
        from app.chat.store import Store
        from app.transcript import export
        from app.transcript.names import file_name

        store = Store(paths.database())
        try:
            record = export.record_from(store, self._chat_id)
            data = export.exported(record, self._form, kept=store.kept, thinking=self._thinking)
        finally:
            store.close()
        path = Path(tempfile.mkdtemp(dir=_folder())) / file_name(record.title, self._form)
        export.write(path, data)
        return path


def _folder() -> Path:
    """Return the folder of all files that were dragged out of this profile's window."""
    folder = paths.cache_dir() / "dragged"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def forget_dragged() -> None:
    """Delete what was dragged out before: whoever wanted it has copied it."""
    rmtree(paths.cache_dir() / "dragged", ignore_errors=True)


def _waited(op: Callable[[], Path], owner: QObject) -> Path | None:
    """Return what `op` gives, done in the background while the window goes on painting."""
    found: list[Path] = []
    loop = QEventLoop()

    def then(path: Path) -> None:
        found.append(path)
        loop.quit()

    def failed(_problem: Problem) -> None:
        loop.quit()

    jobs.run(op, then=then, failed=failed, owner=owner)
    loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
    return found[0] if found else None
