"""Behind the dialog: the jobs that look at a server, and what is remembered of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.errors import Problem
from ui import jobs
from ui.server.dialog import ConnectDialog

if TYPE_CHECKING:
    from app.models.servers import Server
    from app.server.probe import Found


class Connecting(QObject):
    """One dialog, from the address to the model; it lives as long as that.

    offline: the switch is on, which is said. connected: called with the path of the model.
    forgotten: called when a server has gone from the list.
    """

    def __init__(
        self,
        parent: QWidget,
        *,
        offline: bool,
        connected: Callable[[str], None],
        forgotten: Callable[[], None],
    ) -> None:
        dialog = ConnectDialog(parent)
        super().__init__(dialog)
        self.dialog = dialog
        self._offline = offline
        self._connected = connected
        self._forgotten = forgotten
        self._asked = 0
        self._key = ""
        self._server: Server | None = None
        self._known: Server | None = None
        self.dialog.tested.connect(self._on_tested)
        self.dialog.connected.connect(self._on_connected)
        self.dialog.edited.connect(self._on_edited)
        self.dialog.forgotten.connect(self._on_forgotten)

    def open(self, server: "Server | None" = None) -> None:
        """Show the dialog, with a server that is known where it is about one."""
        self._known = server
        if server is not None:
            self.dialog.set_server(server.base, has_key=server.key)
        self.dialog.open()
        self.dialog.address.setFocus()
        if server is not None:
            self.dialog.try_address()

    def _on_edited(self) -> None:
        self._asked += 1
        self._server = None

    def _on_tested(self, text: str, key: str, ca_file: str) -> None:
        self._asked += 1
        mine = self._asked
        self._key = key.strip()
        self.dialog.show_trying(text)

        def looked() -> "tuple[Server, Found]":
            from app.server import probe

            return probe.ask(text, key=key.strip() or None, ca_file=ca_file)

        def found(seen: "tuple[Server, Found]") -> None:
            if mine == self._asked:
                self._show(*seen)

        def failed(problem: Problem) -> None:
            if mine == self._asked:
                self.dialog.show_problem(problem.title, problem.advice)

        jobs.run(looked, then=found, failed=failed, owner=self.dialog)

    def _show(self, server: "Server", found: "Found") -> None:
        from app.server import kinds, words

        self._server = server
        lines = [words.privacy(server.address), *kinds.limits(found.kind)]
        if self._offline:
            lines.insert(1, words.offline(server.address))
        self.dialog.show_found(
            words.found(server, found),
            lines,
            [(name, words.model(found, name)) for name in found.models],
            server.model,
            leaves=server.address.reach != "here",
        )

    def _on_connected(self, model: str) -> None:
        server = self._server
        if server is None:
            return
        self.dialog.show_busy()
        kept, key = replace(server, model=model), self._key or None

        def remembered() -> str:
            from app.models import servers
            from app.server.address import path_of

            return path_of(servers.remember(kept, key).address, model)

        jobs.run(
            remembered,
            then=self._on_remembered,
            failed=lambda problem: self.dialog.show_problem(problem.title, problem.advice),
            owner=self.dialog,
        )

    def _on_forgotten(self) -> None:
        known = self._known
        if known is None:
            return

        def forget() -> None:
            from app.models import servers

            servers.forget(known.id)

        jobs.run(
            forget,
            then=lambda _: self._on_gone(),
            failed=lambda problem: self.dialog.show_problem(problem.title, problem.advice),
            owner=self.dialog,
        )

    def _on_gone(self) -> None:
        self.dialog.close()
        self._forgotten()

    def _on_remembered(self, path: str) -> None:
        self.dialog.close()
        self._connected(path)
