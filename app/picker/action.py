"""What the picker's blue button does for what is chosen, or why it does nothing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from app.picker.listing import Item
from app.picker.progress import ACTIVE, MAKING
from app.picker.remote import is_open
from app.picker.table import Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.models.downloads import Download

Kind = Literal["none", "download", "make", "use", "again", "busy", "connect"]


@dataclass(frozen=True, slots=True)
class Action:
    """kind: what happens. enabled: False where `why` says what lacks ("" needs no words).

    uses: the model is loaded as soon as it is here. download: the one it is about, if there is one.
    """

    kind: Kind
    label: str
    enabled: bool = True
    why: str = ""
    uses: bool = True
    download: "Download | None" = None


NOTHING = Action("none", "Download and use", enabled=False)


def action(
    item: Item | None,
    line: Line | None,
    downloads: "Sequence[Download]" = (),
    *,
    accepted: bool = False,
) -> Action:
    """Return what to offer. accepted: the licence's terms were, where they must be."""
    if item is not None and item.server is not None:
        return Action("connect", "Use")
    if item is None or line is None:
        return NOTHING
    if line.source.path:
        return _use(line)
    if line.source.made_from:
        return _make(line, downloads)
    under_way = find(line, downloads)
    if under_way is not None and under_way.state in ACTIVE:
        return Action("busy", "Downloading…", enabled=False, download=under_way)
    if under_way is not None and under_way.state == "failed":
        return Action("again", "Try again", download=under_way)
    if needs_consent(item) and not accepted:
        return Action(
            "download", "Download and use", enabled=False, why="Accept the licence first."
        )
    if not line.fits:
        why = "It does not fit into what is free now: it is downloaded, not loaded."
        return Action("download", "Download only", why=why, uses=False)
    return Action("download", "Download and use")


def _use(line: Line) -> Action:
    if line.fits:
        return Action("use", "Use")
    return Action("use", "Use", enabled=False, why="It does not fit into what is free now.")


def _make(line: Line, downloads: "Sequence[Download]") -> Action:
    making = next((each for each in downloads if each.id == MAKING), None)
    if making is None:
        return Action("make", "Make and use" if line.fits else "Make only", uses=line.fits)
    mine = making.wanted.files == line.source.files
    why = "" if mine else "Another one is being made."
    return Action("busy", "Making…", enabled=False, why=why, download=making if mine else None)


def needs_consent(item: Item) -> bool:
    """Return whether the licence restricts use, so that it must be accepted before a download."""
    if item.repository is not None:
        return item.repository.engine is not None and not is_open(item.repository.licence)
    return item.entry is not None and item.entry.licence_terms


def find(line: Line, downloads: "Sequence[Download]") -> "Download | None":
    """Return the download of a line's file, the latest if there were several."""
    source = line.source
    same = [
        each
        for each in downloads
        if (each.wanted.repository, each.wanted.files) == (source.repository, source.files)
    ]
    return same[-1] if same else None
