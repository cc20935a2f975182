"""A text painted whole: the same in one part or in many, formulas typeset, code coloured."""

from collections.abc import Callable

import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from app.errors import WorldError
from ui.chat import sheet
from ui.chat.sheet import Sheet

PARAGRAPH = r"""
Of $\frac{a}{b}$ and $\sqrt{2}$, at some length, so that a line is broken in a narrow column.

$$\sum_{n=1}^{\infty} \frac{1}{n^2} = \frac{\pi^2}{6}$$

```python
def f(x):
    return "a text"
```

| a | b |
|---|---|
| 1 | $x^2$ |
"""
TALL = PARAGRAPH * 6
LONG_CODE = "```python\n" + 'x = "a text"\n' * 700 + "```\n"


@pytest.fixture
def painted(dressed: QApplication) -> Callable[[str], QImage]:
    def paint(text: str) -> QImage:
        made = Sheet(text, 420)
        try:
            return made.picture(dressed)
        finally:
            made.close()
            made.deleteLater()

    return paint


def test_parts_join_without_a_seam(
    painted: Callable[[str], QImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet, "PART_PX", 8000)
    whole = painted(TALL)
    assert 2000 < whole.height() < 8000
    monkeypatch.setattr(sheet, "PART_PX", 433)
    assert painted(TALL) == whole


def test_long_code_is_coloured_to_its_end(painted: Callable[[str], QImage]) -> None:
    image = painted(LONG_CODE)
    last = image.height() - 60
    seen = {
        QColor(image.pixel(x, y)).name() for x in range(40, 200) for y in range(last, last + 20)
    }
    assert any(QColor(name).hslSaturationF() > 0.3 for name in seen), seen


def test_what_is_too_tall_is_told(painted: Callable[[str], QImage]) -> None:
    with pytest.raises(WorldError, match="more than 32,767 pixels tall"):
        painted(LONG_CODE * 4)
