"""Names of files made of titles: safe on every system, whatever the title holds.

The strictest rules are Windows's: no `<>:"/\\|?*`, no control characters, no dot or space at the
end, and no device's name, with any ending. Characters that turn the direction of text are left out
too: "Chat\\u202efdp.exe" is shown as "Chatexe.pdf".
"""

import unicodedata
from collections.abc import Collection

from app.chat.attachments import UNSEEN

MOST_BYTES = 120
"""Most file systems take 255 bytes; a folder, a number and an ending must still fit, and on Windows
the whole path 260 characters."""

_FORBIDDEN = frozenset('<>:"/\\|?*')
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{name}{digit}" for name in ("com", "lpt") for digit in "0123456789¹²³"]
)


def file_name(title: str, ending: str, taken: Collection[str] = ()) -> str:
    """Return a file name for a title: `ending` (without its dot) included, not among `taken`.

    taken is compared without regard to case, as Windows and macOS do.
    """
    shown = unicodedata.normalize("NFC", title)
    kept = "".join(
        " " if char in _FORBIDDEN or char.isspace() else char
        for char in shown
        if char.isspace() or unicodedata.category(char) not in UNSEEN
    )
    stem = _cut(" ".join(kept.split())).strip(" .") or "Chat"
    if stem.split(".")[0].rstrip(" ").casefold() in _DEVICES:
        stem = f"{stem.split('.')[0].rstrip(' ')}_"
    known = {name.casefold() for name in taken}
    name, number = f"{stem}.{ending}", 1
    while name.casefold() in known:
        number += 1
        name = f"{stem} ({number}).{ending}"
    return name


def _cut(text: str) -> str:
    """Return as much of the beginning as `MOST_BYTES` hold, no character of it halved."""
    return text.encode()[:MOST_BYTES].decode(errors="ignore")
