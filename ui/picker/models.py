"""Everything of choosing and fetching models, in one place behind the presenter.

The picker is built when it is first opened: the window starts without it. The downloads are opened
with the window, because one of them may have to go on.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.picker import progress
from ui import jobs
from ui.main_window import MainWindow
from ui.notices import Notice
from ui.picker.making import Making
from ui.picker.transfers import Transfers

if TYPE_CHECKING:
    from app.chat.load_plan import LoadPlan
    from app.chat.session import Session
    from app.models.downloads import Download, Downloads
    from app.picker.work import Look
    from ui.picker.desk import Desk
    from ui.picker.panel import Picker

Load = Callable[[str, "LoadPlan | None"], None]


class Models(QObject):
    """See the module.

    load: loads a path with a plan and puts the keyboard into the composer. choose_file: asks for a
    file to load. unload: gives the model's memory back. show_prompt: shows the prompt it gets.
    """

    picker: "Picker"

    def __init__(
        self,
        window: MainWindow,
        session: "Session",
        *,
        load: Load,
        choose_file: Callable[[], None],
        unload: Callable[[], None],
        show_prompt: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._load = load
        self._choose_file = choose_file
        self._unload = unload
        self._show_prompt = show_prompt
        self._desk: Desk | None = None
        self._look: Look | None = None
        self.opened: list[str] = []
        self.transfers = Transfers(_open_downloads, self)
        self.making = Making(self)
        self.making.changed.connect(self._on_changed)
        self.making.finished.connect(self._on_made)
        self.making.failed.connect(window.notices.show_problem)
        self.transfers.changed.connect(self._on_changed)
        self.transfers.finished.connect(self._on_finished)
        self.transfers.failed.connect(self._on_failed)
        window.sidebar.transfer.clicked.connect(lambda: self.open_picker())
        window.first_run.download_requested.connect(self._on_download)
        window.first_run.others_requested.connect(self.open_picker)
        self._on_changed()

    def open_picker(self) -> None:
        """Show the picker, or hide the one that is shown."""
        if self.picking:
            self.picker.close_panel()
            return
        desk = self._made_desk()
        self._window.allow_shortcuts(allowed=False)
        desk.opened = self.opened
        desk.open()

    @property
    def picking(self) -> bool:
        """Return whether the picker is open."""
        return self._desk is not None and self.picker.isVisible()

    def close_picker(self) -> None:
        """Take the picker from the screen, if it is there."""
        if self.picking:
            self.picker.close_panel()

    def _made_desk(self) -> "Desk":
        if self._desk is None:
            from ui.picker.desk import Desk
            from ui.picker.panel import Picker

            self.picker = Picker(self._window)
            self.picker.file_requested.connect(self._choose_file)
            self.picker.server_requested.connect(self.connect_server)
            self.picker.detail.unload_requested.connect(self._unload)
            self.picker.detail.prompt_requested.connect(self._show_prompt)
            self.picker.closed.connect(lambda: self._window.allow_shortcuts(allowed=True))
            self._desk = Desk(self.picker, self._session, self.transfers, self.making)
            self._desk.load_requested.connect(self._load)
        return self._desk

    def connect_server(self) -> None:
        """Ask for a server and use a model of its; in the picker, begin with the one chosen."""
        from ui.server.desk import Connecting

        offline = self._session.settings.offline
        known = self._desk.server if self._desk is not None and self.picking else None
        Connecting(
            self._window, offline=offline, connected=self._on_server, forgotten=self._on_forgotten
        ).open(known)

    def _on_forgotten(self) -> None:
        if self._desk is not None and self.picking:
            self._desk.look()

    def _on_server(self, path: str) -> None:
        self.close_picker()
        self._load(path, None)

    def model_changed(self) -> None:
        """Tell the picker that another model is loaded, or none."""
        if self._desk is not None:
            self._desk.model_changed()

    def close(self) -> None:
        """Stop the downloads; the next start goes on with them."""
        self.making.cancel()
        self.transfers.close()

    # ------------------------------------------------------------ the first screen

    def look(self) -> None:
        """Look at the machine for the first screen, and offer what suits it."""

        def seen() -> "Look":
            from app.picker import work

            return work.look()

        say = self._window.notices.show_problem
        jobs.run(seen, then=self._on_looked, failed=say, owner=self)

    def _on_looked(self, look: "Look") -> None:
        self._look = look
        self._window.first_run.show_hardware(look.hardware)
        self._window.first_run.show_offer(look.offer)
        self._on_changed()

    def _on_download(self) -> None:
        """Fetch what the first screen offers, or use it where it is here."""
        look = self._look
        if look is None or look.offer is None:
            return
        from app.chat.load_plan import LoadPlan
        from app.models.downloads import Wanted

        offer = look.offer
        source = offer.line.source
        plan = LoadPlan.of_row(offer.line.row, look.machine)
        if source.path:
            self._load(source.path, plan)
            return
        wanted = Wanted(source.repository, source.revision, source.files, offer.title)
        self.transfers.start(wanted, plan)

    # ------------------------------------------------------------ downloads

    def _on_changed(self) -> None:
        downloads = (*self.transfers.all(), *self.making.all())
        self._window.sidebar.transfer.show_progress(*progress.summary(downloads))
        offer = self._look.offer if self._look is not None else None
        if offer is not None:
            from app.picker import action

            self._window.first_run.show_download(action.find(offer.line, downloads))

    def _on_finished(self, download: "Download", plan: "LoadPlan | None") -> None:
        if download.path is not None:
            self._use(download.wanted.title, download.path, plan)

    def _on_made(self, path: str, plan: "LoadPlan | None") -> None:
        self._use(Path(path).name, path, plan)

    def _use(self, title: str, path: str, plan: "LoadPlan | None") -> None:
        """Load what is here now, if that was asked for and stops no answer; else offer it."""
        state = self._session.state
        free = state.running is None and state.model.phase != "loading"
        if plan is not None and free:
            self._load(path, plan)
            return
        # Loading now would stop an answer, or was not asked for in this session.
        self._window.notices.show_notice(
            Notice(
                key=f"here-{path}",
                title=f"{title} is here.",
                action="Use it",
                run=lambda: self._load(path, plan),
            )
        )

    def _on_failed(self, download: "Download") -> None:
        problem = download.problem
        if problem is not None:
            self._window.notices.show_problem(
                problem, action="Try again", run=lambda: self.transfers.resume(download.id)
            )


def _open_downloads(wakeup: Callable[[], None]) -> "Downloads":
    from app.models.downloads import Downloads

    return Downloads(wakeup)
