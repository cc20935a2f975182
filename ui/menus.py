"""The menu behind the gear, and the dialog that asks for a file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from ui import theme

MLX_CONFIG = "config.json"
"""The file in an MLX model's folder that is chosen for the whole."""

_THEMES: tuple[tuple[theme.Mode, str], ...] = (
    ("system", "As the system"),
    ("light", "Light"),
    ("dark", "Dark"),
)


@dataclass(frozen=True, slots=True)
class Privacy:
    """The part of the gear's menu about the network: whether it is off, and what can be done."""

    offline: bool
    set_offline: Callable[[bool], None]
    show_connections: Callable[[], None]
    ask_token: Callable[[], None]
    ask_folder: Callable[[], None]
    connect_server: Callable[[], None]


def settings_menu(
    parent: QWidget,
    on_theme: Callable[[theme.Mode], None],
    privacy: Privacy,
    shortcuts: QAction,
    reading: Sequence[QAction] = (),
    chats: Sequence[QAction] = (),
) -> QMenu:
    """Return the gear's menu: theme, how chats are read, chats as files, the network, the keys."""
    menu = _menu(parent, "Settings")
    _heading(menu, "Theme")
    group = QActionGroup(menu)
    for mode, label in _THEMES:
        action = menu.addAction(label, partial(on_theme, mode))
        action.setCheckable(True)
        action.setChecked(mode == theme.mode())
        group.addAction(action)
    if reading:
        _heading(menu, "Chat")
        menu.addActions(list(reading))
    if chats:
        _heading(menu, "Chats")
        menu.addActions(list(chats))
    _heading(menu, "Privacy")
    offline = menu.addAction("Work offline")
    offline.setCheckable(True)
    offline.setChecked(privacy.offline)
    offline.setToolTip("Ponder connects to nothing but servers of this machine and its network.")
    offline.toggled.connect(privacy.set_offline)
    menu.addAction("Connections made…", privacy.show_connections)
    _heading(menu, "Models")
    menu.addAction("Connect to a server…", privacy.connect_server)
    menu.addAction("Hugging Face token…", privacy.ask_token)
    menu.addAction("Folder for models…", privacy.ask_folder)
    menu.addSeparator()
    keys = menu.addAction("Keyboard shortcuts", shortcuts.trigger)
    keys.setShortcut(shortcuts.shortcut())
    keys.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
    return menu


def open_file_dialog(parent: QWidget, chosen: Callable[[str], None]) -> None:
    """Ask for a GGUF file or an MLX folder's config.json, without holding up the window."""
    kinds = f"Models (*.gguf {MLX_CONFIG});;GGUF models (*.gguf);;MLX models ({MLX_CONFIG})"
    dialog = QFileDialog(parent, "Open a model", "", kinds)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.fileSelected.connect(lambda path: chosen(model_of(path)))
    dialog.open()


def model_of(path: str) -> str:
    """Return the model that a chosen file stands for: itself, or the folder of an MLX model."""
    return str(Path(path).parent) if Path(path).name == MLX_CONFIG else path


def _heading(menu: QMenu, text: str) -> None:
    """Head a group of actions. Not addSection: a styled menu draws that without its words."""
    if not menu.isEmpty():
        menu.addSeparator()
    menu.addAction(text).setEnabled(False)


def _menu(parent: QWidget, name: str) -> QMenu:
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.setAccessibleName(name)
    menu.setToolTipsVisible(True)
    return menu
