"""Splits a recorded output, such as `ponder reasoning` reads from its input."""

from collections.abc import Generator, Iterable, Iterator

from app.reasoning.formats import FORMATS, Format, detect_output, opened_before
from app.reasoning.splitter import Piece, Splitter, coalesced


def cli_pieces(
    chunks: Iterable[str], format_name: str
) -> Generator[Piece, None, tuple[Format, bool]]:
    """Yield the pieces of an output given as chunks of text; return its format and whether closed.

    format_name: a name in FORMATS, or "auto". A piece is yielded when the next one begins, so the
    pieces do not depend on the chunks. "auto" reads everything first: that a prompt had opened the
    thought can only be told by its end. Control tokens are taken as spelled. KeyError: no such
    format.
    """
    if format_name == "auto":
        chunks = list(chunks)
        text = "".join(chunks)
        found = detect_output(text)
        splitter = Splitter(found, thinking_open=opened_before(text, found), literal=True)
    else:
        found = FORMATS[format_name]
        splitter = Splitter(found, literal=True)
    yield from coalesced(_split(splitter, chunks))
    return found, splitter.closed


def _split(splitter: Splitter, chunks: Iterable[str]) -> Iterator[Piece]:
    for chunk in chunks:
        yield from splitter.feed(chunk)
    yield from splitter.finish()
