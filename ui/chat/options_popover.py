"""The small window over the composer that shows and sets how this chat's answers are drawn.

Every field shows what is asked with: what was typed or, muted, the model's own. What is typed
counts when the window closes, however it does; what makes no sense is said at once and not taken.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QPalette, QWheelEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from app.chat import option_fields
from app.chat.options import ChatOptions
from ui import theme
from ui.card import Card
from ui.chat.controls import FilledButton
from ui.picker.small import Step
from ui.widgets import button, muted

if TYPE_CHECKING:
    from app.engine.protocol import ModelInfo

WIDTH_PX = 460
FIELD_PX = 104
KEEPS: tuple[tuple[str, bool | None], ...] = (
    ("As advised", None),
    ("Keep", True),
    ("Leave out", False),
)


class OptionField(QLineEdit):
    """A number; Up, Down and the wheel change it by a step. Empty is the model's own."""

    def __init__(self, parent: QWidget, name: str) -> None:
        super().__init__(parent)
        self.name = name
        self.setProperty("kind", "field")
        self.setFixedWidth(FIELD_PX)
        self.setMaxLength(12)

    def step(self, steps: int) -> None:
        """Change the number by so many steps."""
        said = option_fields.stepped(self.name, self.text(), self.placeholderText(), steps)
        self.setText(said)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Step on Up and Down."""
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(event.key()))
        if steps is not None:
            self.step(steps)
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Step, where the field has the focus: a wheel that only passes by changes nothing."""
        if self.hasFocus() and event.angleDelta().y():
            self.step(1 if event.angleDelta().y() > 0 else -1)
            event.accept()
        else:
            super().wheelEvent(event)


class OptionsPopover(Card):
    """See the module.

    Signals:
        committed: the chat's options and its thinking budget (tokens or None), where they changed.
        all_shown: the model shall see again what was left out to make room.
        prompt_wanted: the exact prompt is to be shown.
    """

    committed = Signal(object, object)
    all_shown = Signal()
    prompt_wanted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "How this chat is answered")
        self._before = ChatOptions()
        self._budget: int | None = None
        self._title = QLabel("How this chat is answered")
        font = theme.ui_font()
        font.setBold(True)
        self._title.setFont(font)
        self.whose = _caption(self)
        self.fields = {name: OptionField(self, name) for name in option_fields.NAMES}
        self._labels: dict[str, QLabel] = {}
        self.says = {name: _caption(self) for name in option_fields.NAMES}
        self._hints: dict[str, str] = {}
        self.keep = [Step(label, f"Earlier thoughts: {label.lower()}") for label, _ in KEEPS]
        self._group = QButtonGroup(self)
        for step in self.keep:
            self._group.addButton(step)
        self.gone = _caption(self)
        self.show_all = button("Show them again", "ghost")
        self.show_all.clicked.connect(self._on_show_all)
        self.reset = button("Reset to the model's own", "ghost")
        self.reset.clicked.connect(self.clear)
        self.prompt = button("The exact prompt…", "ghost")
        self.prompt.clicked.connect(self._on_prompt)
        self.done = FilledButton(self, "Done", self.hide, primary=True)
        self.done.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._lay_out()
        self.setFixedWidth(WIDTH_PX)

    def _lay_out(self) -> None:
        rows = QVBoxLayout(self)
        rows.setContentsMargins(16, 14, 16, 14)
        rows.setSpacing(8)
        rows.addWidget(self._title)
        rows.addWidget(self.whose)
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(2, 1)
        for at, (name, field) in enumerate(self.fields.items()):
            self._labels[name] = label = QLabel(self)
            label.setBuddy(field)
            grid.addWidget(label, at, 0)
            grid.addWidget(field, at, 1)
            grid.addWidget(self.says[name], at, 2)
            field.textChanged.connect(lambda text, name=name: self._on_text(name, text))
            field.returnPressed.connect(self.hide)
        rows.addLayout(grid)
        thoughts = QHBoxLayout()
        thoughts.setSpacing(8)
        thoughts.addWidget(QLabel("Earlier thoughts"))
        thoughts.addStretch(1)
        for step in self.keep:
            thoughts.addWidget(step)
        rows.addLayout(thoughts)
        gone = QHBoxLayout()
        gone.addWidget(self.gone, 1)
        gone.addWidget(self.show_all)
        rows.addLayout(gone)
        feet = QHBoxLayout()
        feet.setSpacing(4)
        feet.addWidget(self.reset)
        feet.addWidget(self.prompt)
        feet.addStretch(1)
        feet.addWidget(self.done)
        rows.addLayout(feet)

    def open_above(
        self, point: QPoint, info: "ModelInfo | None", options: ChatOptions, budget: int | None
    ) -> None:
        """Show the window with its lower left corner at a global point, within the screen."""
        self._before, self._budget = options, budget
        whose = f"{info.name}'s own" if info is not None else "the model's own"
        self.whose.setText(f"An empty field is {whose}. What was used is kept with each answer.")
        for field in option_fields.fields(info, options, budget):
            box = self.fields[field.name]
            self._labels[field.name].setText(field.label)
            self._hints[field.name] = field.hint
            box.setAccessibleName(field.label)
            box.setPlaceholderText(field.own)
            box.setToolTip(field.hint)
            box.setEnabled(field.taken)
            box.setText(field.text)
            self._on_text(field.name, field.text)
        for step, (_, keeps) in zip(self.keep, KEEPS, strict=True):
            step.setChecked(keeps is options.keep_thinking)
        count = len(options.left_out)
        older = "the oldest message" if count == 1 else f"the {count:,} oldest messages"
        self.gone.setText(f"The model is not shown {older}, to make room.")
        self.gone.setVisible(count > 0)
        self.show_all.setVisible(count > 0)
        self.adjustSize()
        screen = self.screen().availableGeometry()
        x = min(point.x(), screen.right() - self.width() - 8)
        self.move(max(8, x), max(8, point.y() - self.height()))
        self.show()
        self.fields["temperature"].setFocus(Qt.FocusReason.PopupFocusReason)

    def clear(self) -> None:
        """Leave all of it to the model."""
        for field in self.fields.values():
            field.clear()
        self.keep[0].setChecked(True)

    def _on_text(self, name: str, text: str) -> None:
        _, wrong = option_fields.read(name, text)
        label = self.says[name]
        label.setText(wrong or self._hints.get(name, ""))
        palette = QPalette(self.palette())
        token = "bad" if wrong else "muted"
        palette.setColor(QPalette.ColorRole.PlaceholderText, getattr(theme.current(), token))
        label.setPalette(palette)
        self.fields[name].setAccessibleDescription(label.text())

    def _on_show_all(self) -> None:
        self._before = replace(self._before, left_out=())
        self.gone.hide()
        self.show_all.hide()
        self.all_shown.emit()

    def _on_prompt(self) -> None:
        self.hide()
        self.prompt_wanted.emit()

    def _read(self) -> tuple[ChatOptions, int | None]:
        """Return what is set; a field that makes no sense is as it was before."""
        values: dict[str, Any] = {}
        for name, field in self.fields.items():
            before = self._budget if name == option_fields.BUDGET else getattr(self._before, name)
            value, wrong = option_fields.read(name, field.text())
            values[name] = before if wrong else value
        budget = values.pop(option_fields.BUDGET)
        chosen = next(
            keeps for step, (_, keeps) in zip(self.keep, KEEPS, strict=True) if step.isChecked()
        )
        return replace(self._before, keep_thinking=chosen, **values), budget

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Say what was set."""
        super().hideEvent(event)
        options, budget = self._read()
        if (options, budget) != (self._before, self._budget):
            self._before, self._budget = options, budget
            self.committed.emit(options, budget)


def _caption(parent: QWidget) -> QLabel:
    label = muted(QLabel(parent))
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setFont(theme.caption_font())
    label.setWordWrap(True)
    return label
