"""Markdown as models write it: to HTML in one go, or to blocks while it streams.

markdown-it-py does the parsing: it passes all examples of the CommonMark specification, gives
source lines, and takes a real rule for mathematics. It is imported on the first use.
"""


def to_html(text: str, commonmark: bool = False) -> str:
    """Return Markdown as HTML.

    As messages are shown: tables, strikethrough, task lists and bare links as on GitHub; raw HTML
    as text; links to http, https and mailto only; images as links, never fetched; mathematics as
    `<span class="math" data-tex="…">`, with data-display where it stands on its own.
    commonmark=True: the specification and nothing else, raw HTML let through (to compare with it;
    not safe to show).
    """
    from app.markup import parser

    made = parser.commonmark() if commonmark else parser.chat()
    return str(made.render(text))
