"""How chats are read, and keeping it: size of the text, wrapping of code, titles, the keys.

What is chosen anywhere, by key, wheel, menu or a block's own button, is saved at once.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from app.settings import Settings
from ui.actions import Actions
from ui.chat import wrapping
from ui.chat.view import ChatView


class ReadingSettings(QObject):
    """See the module. zoomed, wrapped, titled: what keeps a choice.

    They are given percent, whether lines wrap, and whether the model gives chats their titles.
    """

    def __init__(
        self,
        view: ChatView,
        actions: Actions,
        settings: Settings,
        *,
        zoomed: Callable[[int], None],
        wrapped: Callable[[bool], None],
        titled: Callable[[bool], None],
    ) -> None:
        super().__init__(view)
        self._actions = actions
        self._wrapped = wrapped
        self._wrap = QAction("Wrap long lines of code", self)
        self._wrap.setCheckable(True)
        wrapping.prefer(settings.wrap_code)
        self._wrap.setChecked(settings.wrap_code)
        self._titles = QAction("Let the model title chats", self)
        self._titles.setCheckable(True)
        self._titles.setChecked(settings.model_titles)
        self._titles.triggered.connect(titled)
        view.zoom.set_percent(settings.zoom)
        view.zoom.changed.connect(zoomed)
        wrapping.notifier().preferred.connect(self._on_preferred)
        self._wrap.triggered.connect(view.wraps.wrap_all)
        actions.let(
            {
                "find": view.finder.show,
                "find_next": lambda: view.finder.step(forward=True),
                "find_before": lambda: view.finder.step(forward=False),
                "zoom_in": view.zoom.larger,
                "zoom_out": view.zoom.smaller,
                "zoom_reset": view.zoom.reset,
            }
        )

    def in_menu(self) -> Sequence[QAction]:
        """Return the actions that the window's menu offers."""
        names = ("find", "zoom_in", "zoom_out", "zoom_reset")
        return [*(self._actions[name] for name in names), self._wrap, self._titles]

    def _on_preferred(self, wrap: bool) -> None:
        self._wrap.setChecked(wrap)
        self._wrapped(wrap)
