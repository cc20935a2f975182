"""What Qt's writer leaves out of a PDF: a list of its contents, and letters told apart from forms.

Where a font draws two characters alike, Qt names the first of them when it says which character a
glyph is: the radical U+2F06 for the Chinese two, the final form of an Arabic letter for the letter.
Nobody who searches types those, so each is replaced by what it is a form of (Unicode's NFKC).

A PDF may be added to at its end (ISO 32000-1, 7.5.6, "Incremental updates"): new objects, the
catalog once more with its outline named, a table of where these stand, and where the earlier table
is. Nothing that Qt wrote is touched. What does not look as Qt writes it is returned as it is.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_START = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")
_SIZE = re.compile(rb"/Size\s+(\d+)")
_ROOT = re.compile(rb"/Root\s+(\d+)\s+0\s+R")
_KIDS = re.compile(rb"/Kids\s*\[([^\]]*)\]")
_MAPS = re.compile(rb"beginbfrange\n(.*?)endbfrange", re.DOTALL)
_RANGE = re.compile(rb"(<[0-9A-F]{4}> <[0-9A-F]{4}> )([^\n]*)")
_CODE = re.compile(rb"<([0-9A-F]{4})>")
_FORMS = ((0x2E80, 0x2FDF), (0xF900, 0xFAFF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC))
"""CJK radicals and compatibility ideographs, Arabic presentation forms."""
_REFERENCE = re.compile(rb"(\d+)\s+0\s+R")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the contents. page: from 0. top: points from the foot of the page."""

    title: str
    page: int
    top: float


def with_outline(data: bytes, entries: Sequence[Entry], language: str = "") -> bytes:
    """Return a PDF with its contents listed, shown when it is opened."""
    start, size, root = _START.search(data), None, None
    trailer = data[data.rfind(b"trailer") :]
    size, root = _SIZE.search(trailer), _ROOT.search(trailer)
    catalog = _object(data, int(root[1])) if root is not None else None
    if start is None or size is None or root is None or catalog is None or not entries:
        return data
    pages = _pages(data, catalog)
    known = [entry for entry in entries if entry.page < len(pages)]
    first = int(size[1])
    numbers = range(first + 1, first + 1 + len(known))
    objects = {
        first: b"<< /Type /Outlines /First %d 0 R /Last %d 0 R /Count %d >>"
        % (numbers[0], numbers[-1], len(known)),
        int(root[1]): catalog.rstrip().removesuffix(b">>")
        + b"/Outlines %d 0 R\n/PageMode /UseOutlines\n%s>>"
        % (first, b"/Lang (%s)\n" % language.encode() if language else b""),
    }
    for number, entry in zip(numbers, known, strict=True):
        beside = b"" if number == numbers[0] else b"/Prev %d 0 R " % (number - 1)
        beside += b"" if number == numbers[-1] else b"/Next %d 0 R " % (number + 1)
        objects[number] = b"<< /Title %s /Parent %d 0 R %s/Dest [%d 0 R /XYZ 0 %.1f null] >>" % (
            _text(entry.title),
            first,
            beside,
            pages[entry.page],
            entry.top,
        )
    return _added(data, objects, trailer, int(start[1]))


def with_letters(data: bytes) -> bytes:
    """Return a PDF whose text is read back in the letters that people type; no byte is moved."""

    def letter(found: re.Match[bytes]) -> bytes:
        code = int(found[1], 16)
        if not any(first <= code <= last for first, last in _FORMS):
            return found[0]
        plain = unicodedata.normalize("NFKC", chr(code))
        return b"<%04X>" % ord(plain) if len(plain) == 1 and ord(plain) < 0x10000 else found[0]

    def line(found: re.Match[bytes]) -> bytes:
        return found[1] + _CODE.sub(letter, found[2])

    return _MAPS.sub(lambda found: _RANGE.sub(line, found[0]), data)


def _added(data: bytes, objects: dict[int, bytes], trailer: bytes, before: int) -> bytes:
    whole = bytearray(data if data.endswith(b"\n") else data + b"\n")
    table = [b"xref\n"]
    for number in sorted(objects):
        table.append(b"%d 1\n%010d 00000 n \n" % (number, len(whole)))
        whole += b"%d 0 obj\n%s\nendobj\n" % (number, objects[number])
    at = len(whole)
    said = trailer[len(b"trailer") : trailer.rfind(b"startxref")].strip()
    said = _SIZE.sub(b"/Size %d" % (max(objects) + 1), said).removesuffix(b">>")
    whole += b"".join(table)
    whole += b"trailer\n%s/Prev %d\n>>\nstartxref\n%d\n%%%%EOF\n" % (said, before, at)
    return bytes(whole)


def _object(data: bytes, number: int) -> bytes | None:
    """Return what an object says, None where it is not found."""
    found = re.search(rb"(?:^|\n)%d 0 obj\s*(.*?)\s*endobj" % number, data, re.DOTALL)
    return found[1] if found is not None else None


def _pages(data: bytes, catalog: bytes) -> list[int]:
    """Return the numbers of the pages' objects, in their order."""
    named = re.search(rb"/Pages\s+(\d+)\s+0\s+R", catalog)
    listed = _object(data, int(named[1])) if named is not None else None
    kids = _KIDS.search(listed) if listed is not None else None
    return [int(found[1]) for found in _REFERENCE.finditer(kids[1])] if kids is not None else []


def _text(text: str) -> bytes:
    """Return a text as PDF has it: UTF-16 with its mark, in hexadecimal."""
    return b"<FEFF%s>" % text.encode("utf-16-be", "replace").hex().upper().encode()
