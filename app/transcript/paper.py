"""A branch of a chat as one stretch of rich text, and the PDF that is printed of it.

Qt prints, and nothing here may import Qt: `ui` does it in a process of its own, without a display.
"""

import logging
import re
import subprocess
import tempfile
from collections.abc import Callable, Container, Mapping
from html import escape, unescape
from pathlib import Path

from app.chat.message import File, Image, Message, Part, Text, Thinking
from app.chat.titles import title_of
from app.errors import Problem, WorldError
from app.markup import to_html
from app.offscreen import command, environment
from app.transcript import chain, made_by
from app.transcript.highlighted import runs_of
from app.transcript.readable import ThinkingForm
from app.transcript.record import Record
from app.transcript.sealing import PARSED_MOST

PRINT = "--print"
"""The argument by which `ui` is told to print; it is no part of the command line."""

MARK = "message-"
"""How the name of a place begins at which a message does; its number follows, from 1."""

PRINTED_MOST = 5_000_000
"""Characters of a chat that are printed: 1,700 pages. Laying them out takes 150 bytes each (306 MB
and 7 s for 2,000,000); what is beyond is said to be missing."""

_CODE = re.compile(r'<pre><code(?: class="language-([^"]*)")?>(.*?)</code></pre>', re.DOTALL)
_log = logging.getLogger(__name__)


def pdf(record: Record, attachments: Mapping[str, bytes], thinking: ThinkingForm) -> bytes:
    """Return the shown branch as a PDF. Raises WorldError where nothing can be printed."""
    with tempfile.TemporaryDirectory(prefix="ponder-") as folder:
        out = Path(folder) / "chat.pdf"
        done = subprocess.run(
            command(PRINT, str(out), thinking),
            input=chain.dumps(record, attachments),
            env=environment(1.0),
            capture_output=True,
            check=False,
        )
        if done.returncode == 0 and out.exists():
            return out.read_bytes()
    said = done.stderr.decode("utf-8", "replace")
    _log.error("the printer ended with %s:\n%s", done.returncode, said)
    raise WorldError(
        Problem(
            "no-printer",
            f"The part of Ponder that prints ended with status {done.returncode}.",
            "Export the chat as a web page and print that; the log says what was wrong.",
            said,
        )
    )


def rich_text(
    record: Record,
    *,
    thinking: ThinkingForm,
    colours: Mapping[str, str],
    pictures: Container[str] = (),
) -> str:
    """Return the branch as HTML of the kind that Qt's rich text knows.

    Formulas stay as they are in `app.markup`; pictures are <img src="sha256">. colours: of "ink",
    "muted", "thinking", "code" (a ground) and of the kinds of words in code. pictures: the hashes
    of those that can be shown.
    """
    maker = _Maker(colours, thinking, pictures)
    said = [f"<h1>{escape(' '.join(record.title.split()) or 'Chat')}</h1>"]
    if record.system_prompt.strip():
        said.append(maker.quiet("System prompt"))
        said.append(_plain(record.system_prompt))
    said += [
        maker.message(number, message)
        for number, message in enumerate(record.conversation.branch(), 1)
    ]
    return "\n".join(said)


def contents(record: Record) -> list[str]:
    """Return a line for each message of the branch: who says it, and how it begins."""
    return [
        f"{made_by.speaker(message)}: {title_of(message.text)}"
        if message.text.strip()
        else made_by.speaker(message)
        for message in record.conversation.branch()
    ]


class _Maker:
    def __init__(
        self, colours: Mapping[str, str], thinking: ThinkingForm, pictures: Container[str]
    ) -> None:
        self._pictures = pictures
        self._colours = colours
        self._thinking = thinking
        self._left = PRINTED_MOST

    def message(self, number: int, message: Message) -> str:
        """Return a message: who said it, its parts, how it ended, by what it was made."""
        plain = f"color:{self._colours['ink']}; text-decoration:none"
        who = escape(made_by.speaker(message))
        said = [f'<h3><a name="{MARK}{number}" style="{plain}">{who}</a></h3>']
        said += [self._part(part, message) for part in message.parts]
        said += [self.quiet(line) for line in (made_by.ending(message), made_by.short(message))]
        return "\n".join(filter(None, said))

    def quiet(self, text: str) -> str:
        """Return a line of what is said about the chat."""
        if not text:
            return ""
        return f'<p style="color:{self._colours["muted"]}; font-size:small">{escape(text)}</p>'

    def _part(self, part: Part, message: Message) -> str:
        match part:
            case Text(text=text):
                return self._cut(text, self._prose if message.role == "assistant" else _plain)
            case Thinking(text=text):
                if self._thinking == "none" or not text.strip():
                    return ""
                ink = self._colours["thinking"]
                return (
                    f'{self.quiet(made_by.thought(message))}<div style="color:{ink}">'
                    f"{self._cut(text, self._prose)}</div>{self.quiet('End of the thought')}"
                )
            case Image():
                about = self.quiet(made_by.attached(part))
                there = part.sha256 in self._pictures
                return f'<p><img src="{part.sha256}"></p>{about}' if there else about
            case File():
                about = self.quiet(made_by.attached(part))
                return about + self._cut(part.text or "", lambda text: self._code(text, ""))

    def _cut(self, text: str, made: Callable[[str], str]) -> str:
        """Return as much of a text as can still be printed, and how much is missing."""
        shown = text[: self._left]
        self._left -= len(shown)
        rest = len(text) - len(shown)
        if not rest:
            return made(shown)
        said = f"Not printed: {rest:,} more characters. Every other export has them."
        return (made(shown) if shown else "") + self.quiet(said)

    def _prose(self, text: str) -> str:
        if len(text) > PARSED_MOST:
            return _plain(text)
        return _CODE.sub(
            lambda found: self._code(unescape(found[2]), unescape(found[1] or "")), to_html(text)
        )

    def _code(self, text: str, language: str) -> str:
        made = []
        for words, kind in runs_of(text.rstrip("\n"), language):
            shown = escape(words)
            ink = self._colours.get(kind, "")
            made.append(f'<span style="color:{ink}">{shown}</span>' if ink else shown)
        ground = self._colours["code"]
        return (
            f'<table width="100%" cellpadding="6" bgcolor="{ground}"><tr><td>'
            '<p style="white-space:pre-wrap; font-family:monospace; font-size:small">'
            f"{''.join(made)}</p></td></tr></table>"
        )


def _plain(text: str) -> str:
    return f'<p style="white-space:pre-wrap">{escape(text)}</p>'
