"""Code in HTML with the kinds of its words as classes; the page's style has their colours."""

from collections.abc import Iterator
from html import escape

from app.markup.highlight import runs


def runs_of(code: str, language: str) -> Iterator[tuple[str, str]]:
    """Yield the stretches of code with their kinds, "" for what is plain; together they are it."""
    done = 0
    for run in runs(code, language):
        if run.start > done:
            yield code[done : run.start], ""
        done = run.start + run.length
        yield code[run.start : done], run.kind
    if done < len(code):
        yield code[done:], ""


def spans(code: str, language: str) -> str:
    """Return code as HTML: the words that are not plain in spans, class "h-" and their kind."""
    return "".join(
        f'<span class="h-{kind}">{escape(words)}</span>' if kind else escape(words)
        for words, kind in runs_of(code, language)
    )
