"""Code in HTML with the kinds of its words as classes; the page's style has their colours."""

from html import escape

from app.markup.highlight import runs


def spans(code: str, language: str) -> str:
    """Return code as HTML: the words that are not plain in spans, class "h-" and their kind."""
    made: list[str] = []
    done = 0
    for run in runs(code, language):
        made.append(escape(code[done : run.start]))
        done = run.start + run.length
        made.append(f'<span class="h-{run.kind}">{escape(code[run.start : done])}</span>')
    return "".join([*made, escape(code[done:])])
