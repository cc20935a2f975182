"""The one style sheet of the application, made from a theme. Qt compiles it once per theme.

It holds only what a palette cannot say: radii, borders, paddings, the look of menus, fields and
scroll bars. Buttons choose their look by the dynamic property "kind":

    primary  filled with the accent          plain  bordered, on the card's ground
    ghost    text alone, muted

and so do fields: "field" is bordered, "clear" leaves all but the text to whoever made it. The first
paint does without the sheet.
Anything with more shape than that (chips, list rows, panels) paints itself from the theme.
"""

from ui.tokens import Theme


def style_sheet(theme: Theme) -> str:
    """Return the sheet for QApplication.setStyleSheet."""
    return f"""
QToolTip {{ background: {theme.card}; color: {theme.ink}; border: 1px solid {theme.line};
  padding: 4px 6px; }}
QMenu {{ background: {theme.card}; color: {theme.ink}; border: 1px solid {theme.line};
  padding: 4px; }}
QMenu::item {{ padding: 6px 24px 6px 12px; border-radius: 6px; }}
QMenu::item:selected {{ background: {theme.accent_soft}; }}
QMenu::item:disabled {{ color: {theme.muted}; }}
QMenu::separator {{ height: 1px; background: {theme.line}; margin: 4px 8px; }}
QPushButton[kind] {{ border: 1px solid {theme.line}; border-radius: 8px; padding: 8px 12px;
  background: {theme.card}; color: {theme.ink}; }}
QPushButton[kind]:hover {{ border-color: {theme.muted}; }}
QPushButton[kind]:focus {{ border-color: {theme.accent}; }}
QPushButton[kind]:disabled {{ color: {theme.muted}; }}
QPushButton[kind="primary"] {{ background: {theme.accent}; color: {theme.on_accent};
  border-color: {theme.accent}; font-weight: 600; }}
QPushButton[kind="primary"]:disabled {{ background: {theme.code}; color: {theme.muted};
  border-color: {theme.line}; }}
QPushButton[kind="primary"]:focus {{ border-color: {theme.ink}; }}
QPushButton[kind="ghost"] {{ background: transparent; border-color: transparent;
  color: {theme.muted}; padding: 4px 6px; }}
QPushButton[kind="ghost"]:hover {{ color: {theme.ink}; }}
QPushButton[kind="ghost"]:focus {{ border-color: {theme.accent}; }}
QLineEdit[kind="clear"] {{ background: transparent; border: none; }}
QLineEdit[kind="field"] {{ background: {theme.card}; color: {theme.ink};
  border: 1px solid {theme.line}; border-radius: 8px; padding: 6px 8px;
  selection-background-color: {theme.accent}; selection-color: {theme.on_accent}; }}
QLineEdit[kind="field"]:focus {{ border-color: {theme.accent}; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 2px; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 2px; }}
QScrollBar::handle {{ background: {theme.line}; border-radius: 3px; min-height: 32px;
  min-width: 32px; }}
QScrollBar::handle:hover {{ background: {theme.muted}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
"""
