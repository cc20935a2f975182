"""The exported page: everything is in it, nothing in it runs, styles or fetches."""

import base64
import hashlib
import re
from collections.abc import Sequence
from html.parser import HTMLParser

import pytest

from app.chat.conversation import Conversation
from app.chat.message import File, Image, Message, Part, Provenance, Text, Thinking
from app.engine.protocol import Sampling, Usage
from app.latex.display import DisplayList, Item, Refusal
from app.latex.svg import Sheet
from app.latex.typesetter import Formula, Typeset
from app.transcript.html import page
from app.transcript.record import Record

VOID = {"meta", "br", "hr", "img", "path", "use", "rect", "line", "ellipse", "input", "link"}
BY = Provenance(
    "Demo", "/srv/ai/demo.gguf", 10, "Q8_0", "llama", "CPU", 64, Sampling(seed=7), "v13", "ab" * 32
)
SQUARE = DisplayList(
    1.5,
    0.75,
    0.25,
    ("M0 0L10 0L10 -10Z",),
    (
        Item(
            "rect",
            (0.0, -750.0, 900.0, 1000.0, 0.0),
            (1, 0, 0, 1, 0, 0),
            "#ff0",
            "none",
            0,
            (),
            None,
        ),
        Item("path", (0,), (1, 0, 0, 1, 10, 0), "current", "none", 0, (), None),
        Item("path", (0,), (1, 0, 0, 1, 1000, 0), "blue", "none", 0, (), None),
        Item(
            "text",
            ("若<", 900.0, False, True, False, 800.0),
            (1, 0, 0, 1, 1100, 0),
            "current",
            "none",
            0,
            (),
            None,
        ),
    ),
)


def typeset(formulas: Sequence[Formula]) -> list[Typeset]:
    return [Refusal("no <such> macro") if "bad" in f.tex else SQUARE for f in formulas]


def record(*parts: Part, role: str = "assistant", title: str = "A chat") -> Record:
    message = Message("m", None, role, parts, 1e9, "done", "", Usage(), BY)  # type: ignore[arg-type]
    return Record("c", title, Conversation().with_message(message))


class Reader(HTMLParser):
    """Checks that tags are closed in order, and keeps what it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    """Read a page and hold it to what must never be in it."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    for tag, attributes in reader.seen:
        assert tag not in {"script", "iframe", "object", "embed", "form", "link", "base", "audio"}
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name != "style", (tag, value)
            if name == "src":
                assert str(value).startswith("data:image/")
            if name == "href":
                assert re.match(r"https?://|mailto:|#", str(value)), value
    return reader


HOSTILE = r"""<script>alert(1)</script> <img src=x onerror=alert(1)> [a](javascript:alert(1))
![p](http://evil.example/p.png) <style>*{display:none}</style> [f](file:///etc/passwd)
<a href="data:text/html,x">d</a> </details></article></main> <!-- c

```html" onload="x
</code></pre><script>
```

$</span><script>$ and $\href{javascript:alert(1)}{x}$ <svg onload=alert(1)>
"""


@pytest.mark.parametrize("thinking", ["details", "quote", "none"])
def test_nothing_in_a_message_becomes_a_part_of_the_page(thinking: str) -> None:
    made = page(
        record(
            Thinking(HOSTILE),
            Text(HOSTILE),
            Image("0" * 64, '"><script>.png', 3, "image/svg+xml", 1, 1),
            File("1" * 64, "</pre><b>", 3, "utf-8", "</code></pre><script>x"),
            title="</title><script>alert(1)</script>",
        ),
        thinking=thinking,  # type: ignore[arg-type]
        attachments={"0" * 64: b"<svg onload=alert(1)>"},
        typeset=typeset,
    )
    reader = read(made)
    assert "alert(1)" in reader.text
    assert ("Thought for" in reader.text) == (thinking != "none")


def test_the_policy_allows_the_one_style_and_nothing_else() -> None:
    made = page(record(Text("$x$ and $y^2$")), typeset=typeset)
    style = re.search("<style>(.*?)</style>", made, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:" in made
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_formulas_share_their_outlines_and_keep_their_source() -> None:
    made = page(record(Text("$x<1$ and $$y$$ and $bad$ and $x<1$")), typeset=typeset)
    reader = read(made)
    assert made.count('d="M0 0L10 0L10 -10Z"') == 1
    assert made.count('<svg class="formula d25"') == 3
    assert ".d25{vertical-align:-0.25em}" in made
    assert 'data-tex="x&lt;1"' in made
    assert ("title", {}) in reader.seen
    assert 'title="no &lt;such&gt; macro">bad</code>' in made
    # Dark: a colour of its own is made lighter; on a box the text is black, whatever the page is.
    assert "oklch(from blue max(l,0.72) c h)" in made
    assert 'fill="#000"' in made


def test_outlines_that_are_none_are_refused() -> None:
    odd = DisplayList(
        1,
        1,
        0,
        ('M0 0"/><script>',),
        (Item("path", (0,), (1, 0, 0, 1, 0, 0), "current", "none", 0, (), None),),
    )
    with pytest.raises(ValueError, match="not an outline"):
        Sheet().formula(odd, "x")
    coloured = DisplayList(
        1,
        1,
        0,
        (),
        (Item("rect", (0, 0, 1, 1, 0), (1, 0, 0, 1, 0, 0), 'red"x', "none", 0, (), None),),
    )
    assert 'red"' not in Sheet().formula(coloured, "x")


def test_all_that_was_said_is_there() -> None:
    picture = b"\x89PNG\r\n"
    image = Image(hashlib.sha256(picture).hexdigest(), "cat.png", 6, "image/png", 4, 3)
    made = page(
        record(
            Thinking("Let me *see*.", False, 3.0, 12),
            Text(
                "# Head\n\n```python\nx = 1  # so\n```\n\n"
                "| a | b |\n|:-:|--:|\n| 1 | 2 |\n\n- [x] done"
            ),
            image,
        ),
        attachments={image.sha256: picture},
        typeset=typeset,
    )
    reader = read(made)
    for said in (
        "Let me",
        "Head",
        "x = 1  # so",
        "☑",
        "Thought without an end",
        "demo.gguf",
        "seed",
    ):
        assert said.casefold() in reader.text.casefold(), said
    assert "/srv/ai" not in made
    assert '<span class="h-comment"># so</span>' in made
    assert '<td class="right">2</td>' in made
    assert 'src="data:image/png;base64,' in made


def test_characters_that_html_cannot_hold_are_replaced() -> None:
    made = page(
        record(Text("a\x01b\x0bc\ufffed"), role="user", title="\x7f\ud83d"), typeset=typeset
    )
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe]", made)
    made.encode()


def test_a_chat_without_words_is_a_page() -> None:
    read(page(Record("c", "", Conversation()), typeset=typeset))


def test_footnotes_are_those_of_their_own_message() -> None:
    noted = "Said[^1].\n\n[^1]: So."
    message = record(Thinking(noted), Text(noted))
    reader = read(page(message, typeset=typeset))
    ids = [attributes["id"] for _, attributes in reader.seen if "id" in attributes]
    notes = [one for one in ids if one and ("note-" in one or "ref-" in one)]
    assert len(set(notes)) == len(notes) == 4
    leads = [str(attributes.get("href")) for _, attributes in reader.seen]
    assert {lead[1:] for lead in leads if "-note-" in lead or "-ref-" in lead} == set(notes)
