"""Recordings of real servers, as tests/fixtures/servers keeps them: whole, but small.

A recording is what a server sent: status line, headers, then each line of the body with the seconds
since the request. Lines of a stream differ from the one before in a word, so each is kept as the
length of the beginning and of the end that it shares with it, and what is between.

    python -m tests.support.captures FROM TO NAME...     packs recordings from a folder
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "fixtures" / "servers"
_LINE = re.compile(r"\[(\d+\.\d+)\] ?(.*)", re.DOTALL)
_PACKED = re.compile(r"(\d+\.\d+) (\d+) (\d+) (.*)", re.DOTALL)
_END = "<end of body>"


@dataclass(frozen=True)
class Recording:
    """status: "200 OK". lines: of the body, each with the seconds since the request.

    ended: the body came to its end; without, the connection stayed open and silent.
    """

    status: str
    headers: tuple[tuple[str, str], ...]
    lines: tuple[tuple[float, str], ...]
    ended: bool

    @property
    def chunked(self) -> bool:
        """Whether the server told the length of each part, so that a cut is seen as one."""
        return any(name.lower() == "transfer-encoding" for name, _ in self.headers)

    @property
    def streamed(self) -> bool:
        """Whether the body is a stream of events."""
        return any("event-stream" in value for _, value in self.headers)


def load(name: str) -> Recording:
    """Return a recording by its name."""
    return parse(unpacked((FOLDER / f"{name}.txt").read_text(encoding="utf-8")))


def parse(text: str) -> Recording:
    """Return the recording of a text as it was taken."""
    head, _, body = text.partition("\n\n")
    first, *rest = head.split("\n")
    headers = tuple(_pair(line) for line in rest)
    lines: list[tuple[float, str]] = []
    ended = False
    for line in body.split("\n"):
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        if found[2].startswith("EXC "):
            continue  # the recorder's own patience was over
        if found[2] == _END:
            ended = True
        else:
            lines.append((float(found[1]), found[2]))
    return Recording(first.removeprefix("HTTP "), headers, tuple(lines), ended)


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.strip()


def packed(text: str) -> str:
    """Return a recording in its small form."""
    head, _, body = text.partition("\n\n")
    before, lines = "", [head, ""]
    for line in body.rstrip("\n").split("\n"):
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"no line of a recording: {line[:80]}")
        said = found[2]
        same = _shared(before, said)
        rest = min(len(before), len(said)) - same
        tail = _shared(before[::-1][:rest], said[::-1][:rest])
        lines.append(f"{found[1]} {same} {tail} {said[same : len(said) - tail]}")
        before = said or before
    return "\n".join(lines) + "\n"


def unpacked(text: str) -> str:
    """Return a recording as it was taken."""
    head, _, body = text.partition("\n\n")
    before, lines = "", [head, ""]
    for line in body.rstrip("\n").split("\n"):
        found = _PACKED.fullmatch(line)
        if found is None:
            raise ValueError(f"no line of a packed recording: {line[:80]}")
        same, tail = int(found[2]), int(found[3])
        said = before[:same] + found[4] + (before[-tail:] if tail else "")
        lines.append(f"[{found[1]}] {said}")
        before = said or before
    return "\n".join(lines) + "\n"


def _shared(one: str, other: str) -> int:
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return length


def main() -> None:
    """Pack what is named."""
    source, target, *names = sys.argv[1:]
    for name in names:
        text = (Path(source) / f"{name}.txt").read_text(encoding="utf-8")
        text = re.sub(r"Linux-[^-]+(?:-[^-]+){2}-x86_64", "Linux-x86_64", text)
        small = packed(text)
        if parse(unpacked(small)) != parse(text):
            raise ValueError(f"{name} does not come back as it was")
        (Path(target) / f"{name}.txt").write_text(small, encoding="utf-8")


if __name__ == "__main__":
    main()
