"""Which chats stand below which heading: pinned, today, yesterday, seven days, then months.

Pure and free of Qt. Days are the user's own: they begin at local midnight, which is found with
mktime, so that a day of 23 or 25 hours is still one day.
"""

import time
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.chat.message import ChatSummary

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True)
class Heading:
    """The first line of a group."""

    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A chat. title: one line, never empty."""

    id: str
    title: str
    pinned: bool = False


Row = Heading | Entry


def rows(chats: "Iterable[ChatSummary]", now: float, query: str = "") -> tuple[Row, ...]:
    """Return the list's lines; only titles that hold all words of `query`.

    Pinned chats stand first, in the order they come in; then the newest chat first.

    now: seconds since the epoch. A chat dated in the future (a clock set back) counts as today's.
    """
    words = query.casefold().split()
    kept = [chat for chat in chats if _matches(chat.title, words)]
    pinned = [chat for chat in kept if chat.pinned]
    kept = [chat for chat in kept if not chat.pinned]
    kept.sort(key=lambda chat: chat.updated_at, reverse=True)
    bounds = _bounds(now)
    year = time.localtime(now).tm_year
    found: list[Row] = [Heading("Pinned")] if pinned else []
    found += [Entry(chat.id, _one_line(chat.title), pinned=True) for chat in pinned]
    last = ""
    for chat in kept:
        heading = _heading(chat.updated_at, bounds, year)
        if heading != last:
            found.append(Heading(heading))
            last = heading
        found.append(Entry(chat.id, _one_line(chat.title)))
    if not found:
        found.append(Heading("No chat has such a title" if words else "No chats yet"))
    return tuple(found)


def _matches(title: str, words: list[str]) -> bool:
    folded = title.casefold()
    return all(word in folded for word in words)


def _one_line(title: str) -> str:
    return " ".join(title.split()) or "New chat"


def _bounds(now: float) -> list[float]:
    """Return the starts of: seven days before today, yesterday, today."""
    day = time.localtime(now)
    return [
        time.mktime((day.tm_year, day.tm_mon, day.tm_mday - back, 0, 0, 0, 0, 0, -1))
        for back in (7, 1, 0)
    ]


def _heading(when: float, bounds: list[float], year: int) -> str:
    near = ("", "Previous 7 days", "Yesterday", "Today")[bisect_right(bounds, when)]
    if near:
        return near
    day = time.localtime(when)
    month = _MONTHS[day.tm_mon - 1]
    return month if day.tm_year == year else f"{month} {day.tm_year}"
