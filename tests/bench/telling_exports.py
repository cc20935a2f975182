"""Ten telling chats in every form, and what is wrong with them: `bench/telling_exports.py OUT`.

Pages of HTML are opened in a headless Chromium without a network: nothing may be said in its
console, nothing asked for, and thoughts fold with scripts off. Pages of HTML and of the PDFs become
pictures, for people to look at. The lossless form goes in and out again, Markdown is parsed again,
and every word of a page must be found in the text of its PDF. Ends with 1 where something is wrong.

Takes chromium, pdftotext, pdftoppm and pdfinfo (Poppler); tidy, and the Nu validator where
PONDER_VNU names its jar and there is a java.
"""

import json
import os
import re
import subprocess
import sys
import time
import unicodedata
from html import unescape
from pathlib import Path

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no stubs

from app import paths
from app.chat.message import Message, Text, Thinking
from app.markup import to_html
from app.transcript import chain, export, importing
from app.transcript.record import Record
from app.transcript.sealing import sealed
from tests.support import chromium
from tests.support.telling_chats import telling

_TAG = re.compile(r"<[^>]*>")
_FORMULA = re.compile(r'<span class="math" data-tex="([^"]*)"[^>]*>.*?</span>', re.DOTALL)


class Kept:
    """Attachments in memory, where an export looks for them."""

    def __init__(self, attachments: dict[str, bytes]) -> None:
        self._attachments = attachments

    def get(self, sha256: str) -> bytes | None:
        """Return bytes by their hash."""
        return self._attachments.get(sha256)


def main() -> int:
    """Make everything, check it, and print a line for each chat and each fault."""
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    for name, record, attachments in telling():
        began = time.process_time()
        for form in export.FORMS:
            data = export.exported(record, form, kept=Kept(attachments))  # type: ignore[arg-type] # all that it asks of them
            (out / f"{name}.{form}").write_bytes(data)
        found = [
            *_json(out / f"{name}.json"),
            *_markdown(record, out / f"{name}.md"),
            *_valid(out / f"{name}.html"),
            *_pdf(record, out / f"{name}.pdf"),
        ]
        took = time.process_time() - began
        sizes = ", ".join(
            f"{form} {(out / f'{name}.{form}').stat().st_size:,}" for form in export.FORMS
        )
        print(f"{name}: {sizes} bytes; {took:.1f} s of this process; {len(found)} faults")
        faults += [f"{name}: {fault}" for fault in found]
    faults += _browser(out)
    print("\n".join(faults) or "No fault was found.")
    print(f"Look at the pictures in {out}: *.light.png, *.dark.png, *.page-*.png")
    return 1 if faults else 0


def _json(path: Path) -> list[str]:
    data = path.read_bytes()
    (chat,) = importing.loads(data).chats
    schema = json.loads((paths.resources() / "schemas" / "transcript-1.json").read_text("utf-8"))
    wrong = [
        error.message[:200] for error in Draft202012Validator(schema).iter_errors(json.loads(data))
    ]
    if chain.dumps(chat.record, chat.attachments) != data:
        wrong.append("JSON does not come back byte for byte")
    if not chain.verify(data).intact:
        wrong.append("JSON is not intact")
    return wrong


def _markdown(record: Record, path: Path) -> list[str]:
    """Check that what stands in the file is what was said: the same blocks, the same TeX."""
    whole = path.read_text(encoding="utf-8")
    wrong = []
    for message in record.conversation.branch():
        for part in message.parts:
            if not isinstance(part, Text | Thinking) or not part.text.strip():
                continue
            made = sealed(part.text)
            if made not in whole:
                wrong.append("a text is not in the Markdown")
            # A fence that was open to the end ends on a line of its own.
            again, before = to_html(made), to_html(part.text.rstrip("\n"))
            if again.replace("\n</code>", "</code>") != before.replace("\n</code>", "</code>"):
                wrong.append("Markdown parsed again is something else")
    in_file = [unescape(tex) for tex in _FORMULA.findall(to_html(whole))]
    said = [tex for one in record.conversation.branch() for tex in _formulas(one)]
    if in_file != said:
        wrong.append(f"{len(in_file)} formulas in the Markdown, {len(said)} were said")
    return wrong


def _formulas(message: Message) -> list[str]:
    texts = [part.text for part in message.parts if isinstance(part, Text | Thinking)]
    return [unescape(tex) for text in texts for tex in _FORMULA.findall(to_html(text))]


def _valid(path: Path) -> list[str]:
    jar = os.environ.get("PONDER_VNU")
    wrong = []
    if jar:
        checked = _run("java", "-jar", jar, "--errors-only", "--format", "gnu", str(path))
        wrong += [f"Nu: {line}" for line in checked.stderr.splitlines()]
    tidied = _run("tidy", "-q", "-e", "--gnu-emacs", "yes", str(path))
    # Tidy knows no lengths in em in SVG, and no <bdi> in headings' outlines: its errors count.
    wrong += [f"tidy: {line}" for line in tidied.stderr.splitlines() if "Error:" in line]
    return wrong


def _pdf(record: Record, path: Path) -> list[str]:
    """Check that all words of the branch are in the PDF's text; make pictures of its pages."""
    text = _run("pdftotext", "-raw", str(path), "-").stdout
    said = _plain(re.sub(r"^\d+ of \d+$", "", text, flags=re.MULTILINE))
    wrong = []
    for message in record.conversation.branch():
        for part in message.parts:
            if not isinstance(part, Text | Thinking):
                continue
            html = to_html(part.text) if message.role == "assistant" else part.text
            prose = unescape(_TAG.sub(" ", _FORMULA.sub(" ", html)))
            # Brackets are turned round in a text from right to left.
            words = [word.strip("().,") for word in prose.split() if _readable(word)]
            lost = {word for word in words if _plain(word) not in said}
            if lost:
                wrong.append(f"PDF lacks {len(lost)} words: {sorted(lost)[:12]}")
            tex = {one for one in _formulas(message) if _plain(one) not in said}
            if tex:
                wrong.append(f"PDF lacks {len(tex)} formulas: {sorted(tex)[:3]}")
    pages = int(_run("pdfinfo", str(path)).stdout.split("Pages:")[1].split()[0])
    stem = path.with_suffix("")
    _run("pdftoppm", "-r", "60", "-png", "-l", "3", str(path), f"{stem}.page")
    contents = path.read_bytes().count(b"/Title <FEFF")
    if contents != len(record.conversation.branch()):
        wrong.append(f"PDF lists {contents} messages")
    if b"/URI ()" in path.read_bytes():
        wrong.append("PDF has links that lead nowhere")
    if not 0 < pages < 200:
        wrong.append(f"PDF has {pages} pages")
    return wrong


def _plain(text: str) -> str:
    """Return text without what a line's end or a script's order changes."""
    return "".join(
        char
        for char in unicodedata.normalize("NFKC", text)
        if not char.isspace() and unicodedata.category(char)[0] not in "CM"
    )


def _readable(word: str) -> bool:
    """Whether a word's letters can be told from its glyphs at all.

    Qt does not name the characters of a glyph that several made: Devanagari's clusters, emoji.
    """
    return not any(
        "\u0900" <= char <= "\u0dff" or char > "\uffff" or char in "☐☑↩" for char in word
    )


def _browser(out: Path) -> list[str]:
    wrong = []
    with chromium.page() as page:
        for path in sorted(out.glob("*.html")):
            name = path.stem
            page.open(path)
            thoughts = int(page.value("document.querySelectorAll('details.thought').length"))
            if thoughts:
                page.click("details.thought summary")
                opened = page.value("document.querySelectorAll('details.thought[open]').length")
                if opened != 1:
                    wrong.append(f"{name}: a thought does not unfold")
            wide = page.value("document.documentElement.scrollWidth > innerWidth")
            if wide:
                wrong.append(f"{name}: the page is wider than the window")
            page.picture(out / f"{name}.light.png", most_px=1600)
            said, asked = list(page.said), list(page.asked)
            page.open(path, dark=True)
            page.picture(out / f"{name}.dark.png", most_px=1600)
            wrong += [f"{name}: Chromium says {line}" for line in {*said, *page.said}]
            others = {*asked, *page.asked} - {path.as_uri()}
            wrong += [
                f"{name}: asks for {url[:200]}" for url in others if not url.startswith("data:")
            ]
    return wrong


def _run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, check=False, text=True, errors="replace")


if __name__ == "__main__":
    sys.exit(main())
