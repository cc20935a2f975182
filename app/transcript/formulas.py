"""Formulas for an export, typeset by a process that lives as long as the export takes."""

from collections.abc import Sequence

from app.latex.typesetter import Formula, Typeset, Typesetter


def typeset(formulas: Sequence[Formula]) -> list[Typeset]:
    """Return formulas typeset or refused, however long that takes."""
    if not formulas:
        return []
    maker = Typesetter()
    try:
        return maker.all(formulas)
    finally:
        maker.close()
