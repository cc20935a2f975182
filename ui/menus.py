"""The menus behind the model chip and the gear, and the dialog that asks for a file."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from app import paths
from ui import theme

if TYPE_CHECKING:
    from app.chat.model_slot import ModelState

_THEMES: tuple[tuple[theme.Mode, str], ...] = (
    ("system", "As the system"),
    ("light", "Light"),
    ("dark", "Dark"),
)


def model_menu(
    parent: QWidget,
    model: "ModelState",
    recent: Sequence[str],
    *,
    load: Callable[[str], None],
    choose: Callable[[], None],
    unload: Callable[[], None],
) -> QMenu:
    """Return the chip's menu: the demo, what was used lately, a file, and unload."""
    menu = _menu(parent, "Model")
    demo = str(paths.demo_model())
    if paths.demo_model().exists():
        menu.addAction("Demo model", partial(load, demo))
    used = [path for path in recent if path != demo]
    if used:
        _heading(menu, "Used lately")
    for path in used:
        action = menu.addAction(Path(path).name, partial(load, path))
        action.setToolTip(path)
    menu.addSeparator()
    menu.addAction("Open a GGUF file…", choose)
    if model.phase in ("loading", "ready"):
        menu.addAction("Unload", unload)
    return menu


def settings_menu(
    parent: QWidget, on_theme: Callable[[theme.Mode], None], shortcuts: QAction
) -> QMenu:
    """Return the gear's menu: the theme, and the list of keys."""
    menu = _menu(parent, "Settings")
    _heading(menu, "Theme")
    group = QActionGroup(menu)
    for mode, label in _THEMES:
        action = menu.addAction(label, partial(on_theme, mode))
        action.setCheckable(True)
        action.setChecked(mode == theme.mode())
        group.addAction(action)
    menu.addSeparator()
    keys = menu.addAction("Keyboard shortcuts", shortcuts.trigger)
    keys.setShortcut(shortcuts.shortcut())
    keys.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
    return menu


def open_file_dialog(parent: QWidget, chosen: Callable[[str], None]) -> None:
    """Ask for a GGUF file, without holding up the window."""
    dialog = QFileDialog(parent, "Open a model", "", "GGUF models (*.gguf)")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.fileSelected.connect(chosen)
    dialog.open()


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
