"""How a download is told: on its card, in the sidebar, and to a screen reader."""

from typing import TYPE_CHECKING

from app.picker import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.models.downloads import Download

ACTIVE = ("waiting", "running", "paused", "checking")
"""States in which a download is not over."""


MAKING = "making"
"""The id under which a model that is being quantized here is told like a download."""


def name(download: "Download") -> str:
    """Return what is downloaded: the file, or the model where it is a whole folder."""
    files = download.wanted.files
    return files[0].rpartition("/")[2] if files else download.wanted.title


def title(download: "Download") -> str:
    """Return the card's first line."""
    what = name(download)
    if download.id == MAKING:
        return f"Making {what}"
    match download.state:
        case "waiting":
            return f"Waiting to download {what}"
        case "paused":
            return f"Paused: {what}"
        case "checking":
            return f"Checking {what}"
        case "done":
            return f"{what} is here"
        case "failed":
            return f"{what} was not downloaded"
    return f"Downloading {what}"


def facts(download: "Download") -> str:
    """Return "7.9 of 19.3 GB · 84 MB/s · 2 min 16 s left", as far as it is known."""
    said = [amount(download)]
    if download.state == "running":
        if download.bytes_per_s:
            said.append(f"{words.file_size(round(download.bytes_per_s))}/s")
        if download.seconds_left is not None:
            said.append(f"{words.duration(download.seconds_left)} left")
    return " · ".join(part for part in said if part)


def amount(download: "Download") -> str:
    """Return "7.9 of 19.3 GB", in the unit of the whole."""
    if not download.total_bytes:
        return ""
    unit, size = ("GB", 1e9) if download.total_bytes >= 1e9 else ("MB", 1e6)
    done, total = download.done_bytes / size, download.total_bytes / size
    return f"{done:.1f} of {total:.1f} {unit}"


def share(download: "Download") -> float:
    """Return the part that is done, 0 to 1."""
    return download.done_bytes / download.total_bytes if download.total_bytes else 0.0


def summary(downloads: "Sequence[Download]") -> tuple[str, int, int]:
    """Return the sidebar's line for what is not over, and its bytes: done, and of how many.

    The line is "" where nothing is under way.
    """
    active = [each for each in downloads if each.state in ACTIVE]
    if not active:
        return "", 0, 0
    done = sum(each.done_bytes for each in active)
    total = sum(each.total_bytes for each in active)
    what = active[0].wanted.title if len(active) == 1 else f"{len(active)} downloads"
    paused = all(each.state == "paused" for each in active)
    percent = f"{100 * done // total} %" if total else "waiting"
    return f"{what} · {'paused' if paused else percent}", done, total
