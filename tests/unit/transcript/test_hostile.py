"""Chats that mean harm go out in every form without doing any, and files are named safely."""

import hashlib
import io
import json
import re
import zipfile
from html.parser import HTMLParser
from typing import Any, get_args

import pytest

from app.chat.conversation import Conversation
from app.chat.message import Image, Message, Part, Provenance, Role, Text, Thinking
from app.engine.protocol import Sampling
from app.errors import WorldError
from app.markup import to_html
from app.transcript import chain, export, extract, importing, paper, readable
from app.transcript.html import page
from app.transcript.names import file_name
from app.transcript.record import Record
from app.transcript.sealing import PARSED_MOST

HARM = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</title></style></head><script src=https://evil.example/x.js></script>",
    "</details></article></main><iframe src='https://evil.example'></iframe>",
    "<svg/onload=alert(1)><style>@import url(https://evil.example)</style>",
    "[a](javascript:alert(1)) [b](data:text/html;base64,PHNjcmlwdD4=) [c](vbscript:x)",
    "![d](https://evil.example/pixel.png) ![e](javascript:x) ![f](data:image/svg+xml,<svg/>)",
    "<javascript:alert(1)> [g]: javascript:alert(1)\n\n[g]",
    '[h](https://a.example/"onmouseover="alert(1)) [i](<https://a.example/ \' onx=1>)',
    '```"><script>alert(1)</script>\nx\n```',
    "$</span><script>alert(1)</script>$ $\\href{javascript:alert(1)}{x}$ $\\unicode{x3c}$",
    "$$\\style{background:url(https://evil.example)}{x}\\class{evil}{y}$$",
    "\0\x01\x1b[31m\x7f\x9b \u202egnp.exe\u202c \u2066\u200f \ufeff\ufffe\uffff",
    "half \ud83d of an emoji \udc00",
    "| <b onclick=x> | ` |\n|---|---|\n| </td><script> | |",
    "[^1]\n\n[^1]: <script>alert(1)</script>\n\n<!-- --><!DOCTYPE x><?php ?><![CDATA[x]]>",
    "# " * 500 + "> " * 500 + "- " * 500,
]
TITLES = [
    *("../../etc/passwd", "..\\..\\x", "CON", "nul.txt", "COM1 ", "a.", "a. . ", "...", "", " "),
    *(
        '<script>"',
        "a\0b",
        "\u202exe.fdp",
        "x" * 5000,
        "\ud800",
        "a/b:c*d?e|f",
        "~",
        "-rf",
        "$HOME",
    ),
    *(
        "name\nwith\tlines",
        "LPT¹",
        "aux.tar.gz",
        "\u2028\u2029",
        "é" * 200,
        "👩‍👩‍👧" * 60,
        ".htaccess",
    ),
]
PICTURE = hashlib.sha256(b"<svg>").hexdigest()
BY = Provenance(
    "<script>model</script>",
    "/srv/ai/<img>.gguf",
    5,
    "<b>",
    "\0",
    "</dl>",
    9,
    Sampling(),
    "\u202e",
    "x",
)


def hostile(title: str = "</title><script>alert(1)</script>") -> Record:
    """Return a chat in which every text, name and note is one that means harm."""
    messages: dict[str, Message] = {}
    above: str | None = None
    for number, harm in enumerate(HARM):
        for role in get_args(Role):
            image = Image(PICTURE, f"../{harm}.png", 5, "image/svg+xml", 1, 1)
            parts: tuple[Part, ...] = (Text(harm), image)
            if role == "assistant":
                parts = (Thinking(harm, False, 1.0, 1), *parts)
            key = f"{number}{role}"
            messages[key] = Message(key, above, role, parts, 1e300, "failed", harm, None, BY)
            above = key
    return Record(HARM[0], title, Conversation(messages, above), HARM[3], 1, HARM[1])


class Watch(HTMLParser):
    """Notes what could run, style or fetch."""

    allowed = frozenset(
        [
            *("html", "head", "meta", "title", "style", "body", "main", "article", "section"),
            *("h1", "h2", "h3", "h4", "h5", "h6", "p", "bdi", "details", "summary", "div", "span"),
            *("ul", "ol", "li", "pre", "code", "a", "table", "thead", "tbody", "tr", "th", "td"),
            *("blockquote", "hr", "br", "em", "strong", "s", "del", "sup", "figure", "figcaption"),
            *("img", "dl", "dt", "dd", "svg", "path", "use", "g", "rect", "line", "text"),
        ]
    )

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []
        self.heads = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See the class."""
        if tag not in self.allowed:
            self.bad.append(f"<{tag}>")
        self.heads += tag in ("html", "head", "body", "title", "style")
        for name, value in attrs:
            address = (value or "").strip().lower()
            if name.startswith("on") or name == "style":
                self.bad.append(f"{tag} {name}={value}")
            if name == "src":
                self.bad.append(f"{tag} {name}={value}")
            if name in ("href", "action", "xlink:href") and not re.match(
                "https?://|mailto:|#", address
            ):
                self.bad.append(f"{tag} {name}={value}")


@pytest.mark.parametrize("thinking", ["details", "quote", "none"])
def test_a_page_runs_styles_and_fetches_nothing(thinking: Any) -> None:
    made = page(hostile(), thinking=thinking, typeset=lambda all_: [_refusal() for _ in all_])
    watch = Watch()
    watch.feed(made)
    assert watch.bad == []
    assert watch.heads == 5
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]", made)
    made.encode()


def _refusal() -> Any:
    from app.latex.display import Refusal

    return Refusal('"><script>alert(1)</script>')


def test_markdown_leaves_nothing_open_and_holds_no_html() -> None:
    made = readable.markdown(hostile()).encode("utf-8", "replace").decode()
    # As another program would read it: raw HTML goes through.
    watch = Watch()
    watch.feed(to_html(made, commonmark=True))
    assert {bad for bad in watch.bad if "src" not in bad and "href" not in bad} == set()
    assert made.count("<details>") == made.count("</details>") == len(HARM)


def test_the_other_forms_hold_everything_and_come_back() -> None:
    record = hostile()
    data = chain.dumps(record, {PICTURE: b"<svg>"})
    data.decode()
    assert chain.verify(data).intact
    assert importing.loads(data).chats[0].record == record
    line = readable.openai_line(record)
    assert line.count("\n") == 1
    assert len(json.loads(line)["messages"]) == 1 + len(HARM) * 3
    assert "at an unknown time" in readable.plain(record)


class Nothing:
    """Keeps no attachment."""

    def get(self, _sha256: str) -> bytes | None:
        """Return nothing."""
        return None


def test_files_are_named_so_that_every_system_takes_them() -> None:
    records = [
        Record("c", title, Conversation().with_message(Message("m", None, "user", (Text("a"),), 1)))
        for title in [*TITLES, *TITLES]
    ]
    kept: Any = Nothing()
    packed = export.together(records, "txt", kept=kept)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = archive.namelist()
    assert len({name.casefold() for name in names}) == len(TITLES) * 2
    for name in [*names, *(file_name(title, "pdf") for title in TITLES)]:
        stem, _, ending = name.rpartition(".")
        assert ending in ("txt", "pdf")
        assert not re.search(r'[<>:"/\\|?*\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]', name)
        assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", name)
        assert stem == stem.strip(" .")
        assert stem
        assert len(name.encode()) < 140


def test_a_text_of_many_megabytes_stands_as_it_was_written() -> None:
    text = "[" * PARSED_MOST + "``` <script>\n"
    message = Message("m", None, "assistant", (Thinking(text), Text(text)), 1.0)
    record = Record("c", "Long", Conversation().with_message(message))
    made = page(record, typeset=lambda all_: [_refusal() for _ in all_])
    assert made.count("[" * PARSED_MOST + "``` &lt;script&gt;") == 2
    assert f"````\n{text.rstrip()}\n````" in readable.markdown(record)


def test_what_is_too_long_to_be_printed_is_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paper, "PRINTED_MOST", 1000)
    messages = [
        Message("q", None, "user", (Text("q" * 400),), 1.0),
        Message("a", "q", "assistant", (Thinking("t" * 500), Text("a" * 250)), 1.0),
        Message("z", "a", "user", (Text("z" * 7),), 1.0),
    ]
    record = Record("c", "Long", Conversation({one.id: one for one in messages}, "z"))
    colours = {"ink": "#000", "muted": "#777", "thinking": "#777", "code": "#eee"}
    made = paper.rich_text(record, thinking="details", colours=colours)
    assert [made.count(run) for run in ("q" * 400, "t" * 500, "a" * 100, "zz")] == [1, 1, 1, 0]
    assert "Not printed: 150 more characters." in made
    assert "Not printed: 7 more characters." in made


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("messages", 0, "created_at"), "1e999"),
        (("messages", 0, "created_at"), "NaN"),
        (("chat", "thinking_budget"), str(10**30)),
        (("messages", 0, "parts", 1, "size_bytes"), str(10**30)),
        (("messages", 2, "parts", 0, "seconds"), "-Infinity"),
    ],
)
def test_numbers_that_no_program_can_keep_are_refused(place: tuple[Any, ...], value: str) -> None:
    whole = json.loads(chain.dumps(hostile()))
    at = whole
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = "HERE"
    data = json.dumps(whole).replace('"HERE"', value).encode()
    with pytest.raises(WorldError):
        importing.loads(data)
    assert not chain.verify(data).intact


def test_a_part_of_a_chat_says_that_it_is_one() -> None:
    conversation = Conversation()
    for key, above in (("q", None), ("a", "q"), ("b", "q"), ("c", "b"), ("d", "c")):
        role: Any = "user" if key in "qc" else "assistant"
        conversation = conversation.with_message(Message(key, above, role, (Text(key),), 1.0))
    record = Record("r", "Whole", conversation)
    other = extract.branch(record, "a")
    assert [one.id for one in other.conversation.branch()] == ["q", "a"]
    assert len(other.conversation.messages) == 2
    assert other.title == "Whole (one branch)"
    some = extract.selection(record, extract.numbered(record, "1,3-"))
    assert [(one.id, one.parent_id) for one in some.conversation.branch()] == [
        ("q", None),
        ("c", "q"),
        ("d", "c"),
    ]
    assert some.title == "Whole (messages 1, 3-4 of 4)"
    assert chain.verify(chain.dumps(some)).intact
    for wrong in ("0", "5", "2-1", "x", "", "1,,2", "-"):
        with pytest.raises(WorldError):
            extract.numbered(record, wrong)
    with pytest.raises(WorldError):
        extract.selection(record, ["a"])
    with pytest.raises(KeyError):
        extract.branch(record, "nobody")
