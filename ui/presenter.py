"""Between the session and the window: what a user does becomes a call, what changed is shown.

The session's state is the only state. Every slot calls one use case and drains the bridge, so that
its effect is on the screen in the same turn of the event loop.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication

from app import paths
from app import settings as settings_file
from app.errors import Problem, WorldError
from ui import theme
from ui.answering import Answering
from ui.bridge import Bridge
from ui.chat.attaching import Attaching
from ui.exporting import Exporting
from ui.main_window import MainWindow
from ui.menus import Privacy, open_file_dialog, settings_menu
from ui.mirror import Mirror
from ui.notices import UNDO_MS, Notice
from ui.picker.models import Models
from ui.reading_settings import ReadingSettings
from ui.sidebar.library import Library
from ui.transcripts.desk import Transcripts

if TYPE_CHECKING:
    from app.chat.load_plan import LoadPlan
    from app.chat.session import Session
    from app.chat.session_state import Change

RECENT = 5
"""How many opened models the picker lists beside those that it finds."""


class Presenter(QObject):
    """See the module. It lives as long as the window's session."""

    def __init__(self, window: MainWindow, session: "Session", bridge: Bridge) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._bridge = bridge
        self._view = window.chat_view
        self._less: LoadPlan | None = None
        self.models = Models(
            window,
            session,
            load=self.load_model,
            choose_file=self.choose_file,
            unload=lambda: self._do(session.unload_model),
            show_prompt=lambda: self.answering.show_prompt(),
        )
        self._attaching = Attaching(
            window.composer, window.chat_view, session, do=self._do, failed=self._on_problem
        )
        self._exporting = Exporting(
            window,
            session,
            failed=self._on_problem,
            keep=lambda **values: self._save_settings(**values),
            run_again=lambda: self.transcripts.run_open_again(),
        )
        self.transcripts = Transcripts(
            window,
            session,
            do=self._do,
            failed=self._on_problem,
            opened=lambda: self.models.opened,
            add_all=self._exporting.add_all,
        )
        self.library = Library(window, session, do=self._do, failed=self._on_problem)
        self.answering = Answering(window, session, do=self._do)
        self._mirror = Mirror(window, session, self.models.look)
        bridge.changed.connect(self._on_changed)
        bridge.problem.connect(self._on_problem)
        self._connect_frame()
        self._connect_chat()
        if session.settings.last_model:
            self.models.opened.append(session.settings.last_model)

    @property
    def session(self) -> "Session":
        """The session behind the window."""
        return self._session

    # ------------------------------------------------------------ connections

    def _connect_frame(self) -> None:
        window, actions = self._window, self._window.actions_
        sidebar = window.sidebar
        sidebar.new_requested.connect(self.new_chat)
        sidebar.open_requested.connect(self.open_chat)
        sidebar.rename_requested.connect(self._on_rename)
        sidebar.delete_requested.connect(self.delete_chat)
        sidebar.settings.clicked.connect(self._on_settings)
        window.header.chip.clicked.connect(self._on_chip)
        window.first_run.demo_requested.connect(self.load_demo)
        window.first_run.file_requested.connect(self.choose_file)
        window.model_dropped.connect(lambda path: self.load_model(path))
        window.given.connect(self._attaching.give)
        window.closing.connect(self._on_closing)
        actions["new_chat"].triggered.connect(self.new_chat)
        actions["search"].triggered.connect(self._on_search)
        actions["model"].triggered.connect(self._on_chip)
        actions["open_file"].triggered.connect(self.choose_file)
        actions["stop"].triggered.connect(self._on_stop)
        actions["rename"].triggered.connect(self._on_rename_key)
        actions["shortcuts"].triggered.connect(self._on_shortcuts)
        actions["quit"].triggered.connect(window.close)
        app = QGuiApplication.instance()
        if isinstance(app, QGuiApplication):
            app.applicationStateChanged.connect(self._on_application_state)

    def _connect_chat(self) -> None:
        view, composer, session = self._view, self._window.composer, self._session
        composer.send_requested.connect(self._on_send)
        composer.send_without_requested.connect(
            lambda text: self._on_send(text, without_images=True)
        )
        composer.stop_requested.connect(self._on_stop)
        composer.draft_changed.connect(lambda text: self._do(lambda: session.set_draft(text)))
        composer.budget_changed.connect(
            lambda tokens: self._do(lambda: session.set_thinking_budget(tokens))
        )
        composer.system_prompt_changed.connect(
            lambda text: self._do(lambda: session.set_system_prompt(text))
        )
        composer.edit_last_requested.connect(self._on_edit_last)
        view.retry_requested.connect(lambda at: self._do(lambda: session.retry(at)))
        view.edit_requested.connect(lambda at, text: self._do(lambda: session.edit(at, text)))
        view.thought_edit_requested.connect(
            lambda at, text: self._do(lambda: session.edit_thought(at, text))
        )
        view.branch_requested.connect(
            lambda at, step: self._do(lambda: session.switch_branch(at, step))
        )
        view.collapsed_changed.connect(
            lambda at, folded: self._do(lambda: session.set_collapsed(at, collapsed=folded))
        )
        view.answer_now_requested.connect(lambda: self._do(session.answer_now))
        view.answer_from_requested.connect(
            lambda at: self._do(lambda: session.continue_answer(at, answer_now=True))
        )
        view.continue_requested.connect(lambda at: self._do(lambda: session.continue_answer(at)))
        self._window.actions_["thinking"].triggered.connect(view.toggle_thinking)
        self._reading = ReadingSettings(
            view,
            self._window.actions_,
            session.settings,
            zoomed=lambda percent: self._save_settings(zoom=percent),
            wrapped=lambda wrap: self._save_settings(wrap_code=wrap),
            titled=lambda titled: self._save_settings(model_titles=titled),
        )

    def drain(self) -> None:
        """Show now what the session has to say."""
        self._bridge.drain()

    def _do(self, use_case: Callable[[], object]) -> None:
        use_case()
        self.drain()

    # ------------------------------------------------------------ what the user does

    def new_chat(self) -> None:
        """Show a chat not yet begun, ready to be typed into."""
        self._do(self._session.new_chat)
        self._window.composer.setFocus(Qt.FocusReason.OtherFocusReason)

    def open_chat(self, chat_id: str) -> None:
        """Show a chat."""
        self._do(lambda: self._session.open_chat(chat_id))

    def delete_chat(self, chat_id: str) -> None:
        """Delete a chat, with a way back."""
        titles = {chat.id: chat.title for chat in self._session.state.chats}
        if chat_id not in titles:
            return
        self._do(lambda: self._session.delete_chat(chat_id))
        self._window.notices.show_notice(
            Notice(
                key="undo-delete",
                title=f"“{titles[chat_id]}” was deleted.",
                action="Undo",
                run=lambda: self._do(self._session.undo_delete),
                timeout_ms=UNDO_MS,
            )
        )

    def load_demo(self) -> None:
        """Load the demo model; typing can begin at once."""
        self.load_model(str(paths.demo_model()))

    def load_model(self, path: str, plan: "LoadPlan | None" = None) -> None:
        """Load a model and put the keyboard into the composer, unless the picker is open.

        plan: None lets one be made.
        """
        self._do(lambda: self._session.load_model(path, plan))
        if not self.models.picking:
            self._window.composer.setFocus(Qt.FocusReason.OtherFocusReason)

    def choose_file(self) -> None:
        """Ask for a GGUF file and load it."""
        open_file_dialog(self._window, self._on_file)

    def _on_file(self, path: str) -> None:
        self.models.close_picker()
        self.load_model(path)

    def _on_send(self, text: str, *, without_images: bool = False) -> None:
        sent: list[bool] = []
        self._do(lambda: sent.append(self._session.send(text, without_images=without_images)))
        if not sent[0]:
            self._window.composer.set_draft(text)

    def _on_edit_last(self) -> None:
        """Open the editor on the last question, scrolled to where it is."""
        view = self._view
        for number in reversed(range(len(view.entries))):
            entry = view.entries[number]
            if entry.message.role == "user":
                if view.item(entry.id) is None:
                    view.verticalScrollBar().setValue(view.item_top(number))
                item = view.item(entry.id)
                if item is not None:
                    item.begin_edit()
                return

    def _on_stop(self) -> None:
        self._do(self._session.stop)

    def _on_rename(self, chat_id: str, title: str) -> None:
        self._do(lambda: self._session.rename_chat(chat_id, title))

    def _on_rename_key(self) -> None:
        sidebar = self._window.sidebar
        chat = sidebar.list.focused_chat() or self._session.state.chat_id
        if chat is None:
            return
        self._window.show_sidebar()
        if not sidebar.list.isVisible() or not sidebar.model.index_of(chat).isValid():
            sidebar.search.clear()
        sidebar.list.rename(chat)

    def _on_search(self) -> None:
        self._window.show_sidebar()
        self._window.sidebar.focus_search()

    def _on_chip(self) -> None:
        self.models.open_picker()

    def _on_settings(self) -> None:
        button = self._window.sidebar.settings
        privacy = Privacy(
            self._session.settings.offline,
            lambda off: self._save_settings(offline=off),
            self._on_connections,
            self._on_token,
            self._on_folder,
            self.models.connect_server,
        )
        keys = self._window.actions_["shortcuts"]
        reading = self._reading.in_menu()
        chats = self.transcripts.in_menu()
        menu = settings_menu(self._window, self._on_theme, privacy, keys, reading, chats)
        at = button.mapToGlobal(button.rect().topLeft())
        at.setY(at.y() - menu.sizeHint().height())
        menu.popup(at)

    def _on_theme(self, mode: theme.Mode) -> None:
        theme.set_mode(mode)
        self._save_settings(theme=mode)

    def _on_connections(self) -> None:
        from app import net
        from ui.privacy import ConnectionList

        ConnectionList(self._window, net.contacts()).show()

    def _on_token(self) -> None:
        from ui.privacy import ask_token

        ask_token(self._window, self._on_problem)

    def _on_folder(self) -> None:
        from ui.privacy import ask_folder

        now = self._session.settings.models_folder
        ask_folder(self._window, now, lambda path: self._save_settings(models_folder=path))

    def _on_shortcuts(self) -> None:
        from ui.shortcuts import ShortcutList

        ShortcutList(self._window).show()

    def _on_application_state(self, state: Qt.ApplicationState) -> None:
        if state == Qt.ApplicationState.ApplicationActive:
            self._window.sidebar.model.regroup()

    def _on_closing(self) -> None:
        self._save_settings(geometry=self._window.saved_geometry())
        self.models.close()
        self._bridge.detach()
        self._session.close()

    def _save_settings(self, **values: str | bool | int) -> None:
        self._session.settings = replace(self._session.settings, **values)  # type: ignore[arg-type]
        try:
            settings_file.save(self._session.settings)
        except WorldError as error:
            self._on_problem(error.problem)

    # ------------------------------------------------------------ what the session says

    def _on_problem(self, problem: Problem) -> None:
        if problem.key == "no-model" and paths.demo_model().exists():
            self._window.notices.show_problem(
                problem, action="Try the demo now", run=self.load_demo
            )
            return
        self._window.notices.show_problem(problem)

    def _on_changed(self, changes: "frozenset[Change]") -> None:
        self._mirror.show(changes)
        self.answering.changed(changes)
        self.library.changed(changes)
        if "conversation" in changes:
            self._exporting.show_state()
        if changes & {"attached", "chat"}:
            self._attaching.show_attached()
        elif changes & {"model", "context"}:
            self._attaching.explain()
        model = self._session.state.model
        if "model" in changes and model.phase == "ready":
            others = (path for path in self.models.opened if path != model.path)
            self.models.opened = [model.path, *others][:RECENT]
        if "model" in changes:
            self.models.model_changed()
            self._offer_less()

    def _offer_less(self) -> None:
        """After a load that failed for memory: the next setting that fits, one click away."""
        model = self._session.state.model
        plan, problem = model.next_plan, model.problem
        if model.phase != "failed" or plan is None or problem is None or plan is self._less:
            return
        self._less = plan
        self._window.notices.show_problem(
            problem,
            action=f"Load with {plan.context:,} tokens of context",
            run=lambda: self.load_model(model.path, plan),
        )
