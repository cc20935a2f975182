"""Text files as they are attached: which encoding they are in, and how a model is shown them.

A file is text if it decodes: UTF-8, UTF-16 with its mark, or one byte a character (Windows-1252,
which is Latin-1 with quotation marks). A byte that no text has, such as NUL, makes it binary.
"""

import re

from app.chat.attachments import clean_name, digest, in_words, refused
from app.chat.message import File

TEXT_MOST_BYTES = 4 << 20
"""A text file's largest size: a million tokens, eight times the largest context of these models."""

BYTES_PER_TOKEN = 4
"""For the guess that is shown before the tokens are counted: English has 4.4, code 3, Chinese 3."""

PREVIEW_LINES = 4
_PREVIEW_COLUMNS = 120
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
# What a text of one byte a character never has; tab, line feeds and escapes (colours) it may have.
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_KNOWN_BINARY = ((b"%PDF-", "a PDF"), (b"PK\x03\x04", "a ZIP archive or an Office document"))
_FENCES = re.compile(r"`{3,}")


def found(name: str, data: bytes) -> File:
    """Return the text file that bytes are. Raises WorldError where they are none, or too many."""
    name = clean_name(name)
    for magic, kind in _KNOWN_BINARY:
        if data.startswith(magic):
            raise refused(name, f"is {kind}", "Save its text as a text file and attach that.")
    encoding = encoding_of(data)
    text = None if encoding is None else decoded(data, encoding)
    if encoding is None or text is None:
        raise refused(
            name,
            "is neither an image that Ponder reads nor text",
            "Images (PNG, JPEG, WebP, GIF, BMP) and text files can be attached.",
        )
    if len(data) > TEXT_MOST_BYTES:
        about = len(data) // BYTES_PER_TOKEN // 1000
        raise refused(
            name,
            f"is {in_words(len(data))}, about {about:,},000 tokens: more than any model here reads",
            f"Attach a part of it, up to {in_words(TEXT_MOST_BYTES)}.",
        )
    return File(digest(data), name, len(data), encoding, text)


def encoding_of(data: bytes) -> str | None:
    """Return the encoding that a text's bytes are in; None where they are no text."""
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return encoding if decoded(data, encoding) is not None else None
    if b"\0" in data:
        return None
    if decoded(data, "utf-8") is not None:
        return "utf-8"
    if _CONTROLS.search(data):
        return None
    return "cp1252" if decoded(data, "cp1252") is not None else "latin-1"


def decoded(data: bytes, encoding: str) -> str | None:
    """Return the text of bytes, line breaks as "\\n"; None where they are not in that encoding."""
    try:
        text = data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None
    return None if "\0" in text else text.replace("\r\n", "\n").replace("\r", "\n")


def for_model(part: File) -> str:
    """Return a file as a model is shown it: its name, and its text between two fences.

    The fences are longer than any in the text, so that nothing in it can seem to end it.
    """
    if part.text is None:
        return f"[The attached file “{part.name}” is no longer there.]"
    longest = max((len(run) for run in _FENCES.findall(part.text)), default=2)
    fence = "`" * (longest + 1)
    end = "" if part.text.endswith("\n") else "\n"
    return f"Attached file: {part.name}\n{fence}\n{part.text}{end}{fence}"


def preview(part: File) -> str:
    """Return the first lines of a file, each cut to what a card can show."""
    lines = (part.text or "")[: PREVIEW_LINES * 2000].split("\n")[:PREVIEW_LINES]
    return "\n".join(line.expandtabs(4)[:_PREVIEW_COLUMNS] for line in lines)


def about_tokens(part: File) -> int:
    """Return a guess of a file's tokens, before they are counted."""
    return max(1, len((part.text or "").encode("utf-8", "replace")) // BYTES_PER_TOKEN)
