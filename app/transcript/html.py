"""A branch of a chat as one page of HTML: no script, nothing fetched, formulas typeset in it.

Thoughts fold with <details>. The page's one style has its hash in the content security policy, so
nothing that a message says can style, run or load anything; all text is escaped besides. Light and
dark follow the reader's system, and paper is always light.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape, unescape

from app.chat.message import File, Image, Message, Part, Text, Thinking
from app.latex.display import DisplayList
from app.latex.svg import Sheet
from app.latex.typesetter import Formula, Typeset
from app.markup import to_html
from app.transcript import formulas, made_by
from app.transcript.highlighted import spans
from app.transcript.page_style import DARK, STYLE
from app.transcript.readable import ThinkingForm
from app.transcript.record import Record
from app.transcript.sealing import PARSED_MOST

Typesetting = Callable[[Sequence[Formula]], list[Typeset]]

_MATH = re.compile(
    r'<span class="math" data-tex="([^"]*)"( data-display="true")?>.*?</span>', re.DOTALL
)
_CODE = re.compile(r'<pre><code(?: class="language-([^"]*)")?>(.*?)</code></pre>', re.DOTALL)
_ALIGNED = re.compile(r'style="text-align:(left|center|right)"')
_DIRECTED = re.compile(r"<(ul|ol|blockquote|table)(?=[ >])")
"""What has marks or sides of its own: they stand where its text begins."""
_HEADING = re.compile(r"<(/?)h([1-6])>")
_NOTE = re.compile(r'\b(id|href)="(#?)((?:note|ref)-\d+)')
_PICTURES = frozenset(["image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp"])
# What a page of HTML may not hold at all (the HTML standard, "preprocessing the input stream").
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
COLUMN_EM = 44.0
"""The width of the column, for formulas that are laid out over all of it."""


def page(
    record: Record,
    *,
    thinking: ThinkingForm = "details",
    attachments: Mapping[str, bytes] | None = None,
    typeset: Typesetting | None = None,
) -> str:
    """Return the shown branch as a page.

    attachments: bytes by their SHA-256. typeset: what makes display lists; a typesetter of its own
    by default.
    """
    messages = record.conversation.branch()
    maker = _Maker(thinking, attachments or {})
    system = record.system_prompt.strip()
    said = [maker.system(system)] if system else []
    said += [maker.message(message) for message in messages]
    body, sheet = _with_formulas("\n".join(said), typeset or formulas.typeset)
    lowered, dark = sheet.style()
    style = f"{STYLE}{lowered}@media screen and (prefers-color-scheme:dark){{{DARK}{dark}}}"
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:"
    title = escape(" ".join(record.title.split()) or "Chat")
    whole = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"{sheet.definitions()}\n<main>\n<h1><bdi>{title}</bdi></h1>\n{body}\n</main>\n"
        "</body>\n</html>\n"
    )
    return _FORBIDDEN.sub("\ufffd", whole)


def _with_formulas(html: str, typeset: Typesetting) -> tuple[str, Sheet]:
    """Return HTML with its formulas drawn; one that cannot be is shown as its source."""
    wanted = {
        match[0]: Formula.of(unescape(match[1]), display=bool(match[2]), width_em=COLUMN_EM)
        for match in _MATH.finditer(html)
    }
    sheet = Sheet()
    if not wanted:
        return html, sheet
    drawn: dict[str, str] = {}
    for (source, formula), made in zip(wanted.items(), typeset(list(wanted.values())), strict=True):
        kind = "math display" if formula.display else "math"
        tex = escape(formula.tex)
        if isinstance(made, DisplayList):
            inner = sheet.formula(made, formula.tex)
        else:
            inner = f'<code class="refused" title="{escape(made.error)}">{tex}</code>'
        drawn[source] = f'<span class="{kind}" data-tex="{tex}">{inner}</span>'
    return _MATH.sub(lambda match: drawn[match[0]], html), sheet


class _Maker:
    """Makes the parts of the page."""

    def __init__(self, thinking: ThinkingForm, attachments: Mapping[str, bytes]) -> None:
        self._thinking = thinking
        self._attachments = attachments
        self._texts = 0

    def system(self, text: str) -> str:
        """Return the system prompt as a fold."""
        return (
            '<details class="system"><summary>System prompt</summary>'
            f'<p class="plain">{escape(text)}</p></details>'
        )

    def message(self, message: Message) -> str:
        """Return a message as an article."""
        kind = "answer" if message.role == "assistant" else "question"
        inner = [f'<h2 class="speaker"><bdi>{escape(made_by.speaker(message))}</bdi></h2>']
        inner += [self._part(part, message) for part in message.parts]
        ending = made_by.ending(message)
        if ending:
            inner.append(f'<p class="ending">{escape(ending)}</p>')
        inner.append(_made(message))
        return f'<article class="{kind}">\n' + "\n".join(filter(None, inner)) + "\n</article>"

    def _prose(self, text: str) -> str:
        """Return Markdown as HTML; its footnotes are those of this text alone."""
        if len(text) > PARSED_MOST:
            return f'<p class="plain">{escape(text)}</p>'
        self._texts += 1
        return _NOTE.sub(rf'\1="\2t{self._texts}-\3', _prose(text))

    def _part(self, part: Part, message: Message) -> str:
        match part:
            case Text(text=text) if message.role == "assistant":
                return self._prose(text)
            case Text(text=text):
                return f'<p class="plain">{escape(text)}</p>' if text.strip() else ""
            case Thinking():
                return self._thought(part, message)
            case Image():
                return self._picture(part)
            case File():
                about = escape(made_by.attached(part))
                if part.text is None:
                    return f'<p class="attached"><bdi>{about}</bdi></p>'
                return (
                    f'<details class="attached"><summary><bdi>{about}</bdi></summary>'
                    f"<pre><code>{escape(part.text)}</code></pre></details>"
                )

    def _thought(self, part: Thinking, message: Message) -> str:
        if self._thinking == "none" or not part.text.strip():
            return ""
        about = escape(made_by.thought(message))
        if self._thinking == "quote":
            inner = self._prose(part.text)
            return f'<div class="thought"><p class="about">{about}</p>\n{inner}</div>'
        inner = self._prose(part.text)
        return f'<details class="thought"><summary>{about}</summary>\n{inner}</details>'

    def _picture(self, part: Image) -> str:
        about = escape(made_by.attached(part))
        data = self._attachments.get(part.sha256)
        if data is None or part.mime not in _PICTURES:
            return f'<p class="attached"><bdi>{about}</bdi></p>'
        source = base64.b64encode(data).decode()
        return (
            f'<figure><img src="data:{part.mime};base64,{source}" alt="{escape(part.name)}">'
            f"<figcaption><bdi>{about}</bdi></figcaption></figure>"
        )


def _prose(markdown: str) -> str:
    html = _CODE.sub(_coloured, to_html(markdown))
    html = _DIRECTED.sub(r'<\1 dir="auto"', _below(html))
    # The policy lets no element have a style of its own.
    html = _ALIGNED.sub(r'class="\1"', html)
    return html.replace('<a href="http', '<a rel="noopener noreferrer" href="http')


def _below(html: str) -> str:
    """Return HTML with its headings below that of the message, none of them skipping a level.

    How large they are stays as it was: that is their class.
    """
    open_levels: list[int] = []

    def lowered(found: re.Match[str]) -> str:
        level = int(found[2])
        if found[1]:
            return f"</h{min(2 + len(open_levels), 6)}>"
        while open_levels and open_levels[-1] >= level:
            open_levels.pop()
        open_levels.append(level)
        return f'<h{min(2 + len(open_levels), 6)} class="h{level}">'

    return _HEADING.sub(lowered, html)


def _coloured(match: re.Match[str]) -> str:
    language = unescape(match[1] or "")
    label = f'<span class="language">{escape(language)}</span>' if language else ""
    return f"<pre>{label}<code>{spans(unescape(match[2]), language)}</code></pre>"


def _made(message: Message) -> str:
    lines = made_by.lines(message)
    if not lines:
        return ""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in lines)
    return (
        '<details class="made"><summary>How this answer was made</summary>'
        f"<dl>{rows}</dl></details>"
    )
