"""The examples of the CommonMark and GFM specifications, fetched once for the tests that compare.

The specifications are under CC-BY-SA and no part of this repository: they come with the source
distribution of marko, a Markdown parser for Python under the MIT licence, which is downloaded with
pip from the package index, checked against its hash, and kept in the user's cache folder. Only the
two text files are read; nothing of it is installed, imported or run.
"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import platformdirs
import pytest

NAME = "marko-2.2.4"
SHA256 = "c042c66f835425673123d7536b39b4660de3b68e30078c70fd26245b31170683"
EXTENSIONS = ("table", "strikethrough", "disabled", "autolink", "tagfilter")
_FENCE = "`" * 32


@dataclass(frozen=True, slots=True)
class Example:
    """One example. number counts from 1; extension: of GFM, "" for CommonMark's own."""

    number: int
    markdown: str
    html: str
    extension: str = ""


def commonmark() -> list[Example]:
    """Return the 652 examples of CommonMark 0.31."""
    return _examples("commonmark.txt")


def gfm() -> list[Example]:
    """Return the examples of GFM's extensions, numbered as in the whole of its specification."""
    return [example for example in _examples("gfm.txt") if example.extension in EXTENSIONS]


@cache
def _examples(name: str) -> list[Example]:
    found: list[Example] = []
    lines: list[str] | None = None
    kind = ""
    for line in _text(name).replace("→", "\t").split("\n"):
        line = f"{line}\n"
        if lines is None and line.startswith(f"{_FENCE} example"):
            lines, kind = [], line.removeprefix(f"{_FENCE} example").strip()
        elif lines is not None and line.rstrip("\n") == _FENCE:
            middle = lines.index(".\n")
            markdown, html = "".join(lines[:middle]), "".join(lines[middle + 1 :])
            found.append(Example(len(found) + 1, markdown, html, kind))
            lines = None
        elif lines is not None:
            lines.append(line)
    return found


def _text(name: str) -> str:
    with tarfile.open(_archive()) as archive:
        member = archive.extractfile(f"{NAME}/tests/spec/{name}")
        assert member is not None
        return member.read().decode()


@cache
def _archive() -> Path:
    """Return the source distribution, downloaded if it is not there yet."""
    kept = Path(platformdirs.user_cache_dir("ponder-tests", appauthor=False)) / f"{NAME}.tar.gz"
    if not kept.exists() or _hash(kept) != SHA256:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            got = _downloaded(Path(folder))
            assert _hash(got) == SHA256, f"{got.name} is not what it was"
            got.replace(kept)
    return kept


def _downloaded(folder: Path) -> Path:
    wanted = NAME.replace("-", "==")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=marko"]
    command += ["--disable-pip-version-check", "--dest", str(folder), wanted]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=240)
    got = folder / f"{NAME}.tar.gz"
    if not got.exists():
        pytest.skip(
            f"needs the specifications' examples, which are not in the repository: pip could not "
            f"download {wanted} from the package index ({done.stderr.strip()[-300:]})"
        )
    return got


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
