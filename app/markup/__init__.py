"""Markdown as models write it: to HTML in one go, or to blocks while it streams.

markdown-it-py does the parsing: it passes all examples of the CommonMark specification, gives
source lines, and takes a real rule for mathematics. It is imported on the first use.

`blocks.Blocks.append(text)` reads what has come and gives (how many of the first blocks are what
they were, all blocks). Its cost does not grow with what came before: finished blocks stay, and of
an open list, table, code block or paragraph only the end is read again. A text that is there
already is opened in slices, with other work between them:

    blocks = Blocks()
    for piece in slices(text):      # a few milliseconds each
        unchanged, now = blocks.append(piece)

`Block.parts` says how the HTML of one block is cut: (opening, item, item, …, closing) of a list or
a table, (opening, stretch, stretch, …, closing) of a paragraph. While the block grows, the first
parts stay the same strings, so that only what comes after them has to be shown anew; opening +
item + closing is a list of that item alone (an ordered one needs its number: `start`).
"""


def to_html(text: str, commonmark: bool = False) -> str:
    """Return Markdown as HTML.

    As messages are shown: tables, strikethrough, task lists, bare links and footnotes as on GitHub,
    the notes as a list at the end; raw HTML as text; links to http, https and mailto only; images
    as links, never fetched; mathematics as `<span class="math" data-tex="…">`, with data-display
    where it stands on its own.
    commonmark=True: the specification and nothing else, raw HTML let through (to compare with it;
    not safe to show).
    """
    if commonmark:
        from app.markup import parser

        return str(parser.commonmark().render(text))
    from app.markup.endnotes import document

    return document(text)
