"""What is copied can be pasted: it reads as what was selected, formulas, tables, code and all."""

import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QGuiApplication

from app.chat.htmltree import paragraphs
from app.chat.message import Message
from app.markup.blocks import Block, parse
from tests.ui.chat import samples
from ui.chat import copying
from ui.chat.cells import WHOLE
from ui.chat.column import Column, Place
from ui.chat.entry import Entry
from ui.chat.selection import Selection, Spot
from ui.chat.shelf import Shelf
from ui.chat.view import ChatView

pytestmark = pytest.mark.usefixtures("dressed")

WORDS = (
    "the",
    "snake_case",
    "2*3",
    "$5",
    "*star*",
    "<b>",
    "a|b",
    "#",
    "é",
    "漢字",
    "[x]",
    "1.",
    "😀",
)
FORMULAS = (r"x^2", r"\frac{a}{b} < 1", r"a_1 \cdot b_1", r"\text{cost \$5}", r"\{x\}")

word = st.sampled_from(WORDS)
plain = st.lists(word, min_size=1, max_size=6).map(" ".join)
run = st.one_of(
    plain,
    plain,
    st.sampled_from(FORMULAS).map(lambda tex: f"${tex}$"),
    st.sampled_from(FORMULAS).map(lambda tex: rf"\({tex}\)"),
    st.sampled_from(("**bold it**", "*slanted*", "`co*de`", "~~gone~~", "***both***")),
    st.sampled_from(("[a link](https://example.org/a_b)", "https://example.org/c", "[ref][1]")),
)
line = st.lists(run, min_size=1, max_size=5).map(" ".join)
code = st.sampled_from(("print(1)\n\n  x = '```'", "a\n\tb", "# no heading\n- no list"))
block = st.one_of(
    line,
    line.map(lambda text: f"## {text}"),
    st.lists(line, min_size=1, max_size=4).map(lambda items: "\n".join(f"- {i}" for i in items)),
    st.lists(line, min_size=2, max_size=4).map(
        lambda items: "\n".join(f"{n}. {item}" for n, item in enumerate(items, 7))
    ),
    st.tuples(line, line).map(lambda two: f"1. {two[0]}\n   - {two[1]}\n   - last"),
    line.map(lambda text: f"> {text}\n>\n> again"),
    st.tuples(plain, run).map(
        lambda two: "| a | b |\n|:--|--:|\n| {} | {} |\n| c | d |".format(
            *(one.replace("|", r"\|") for one in two)
        )
    ),
    code.map(lambda text: f"````python\n{text}\n````"),
    st.sampled_from(FORMULAS).map(lambda tex: f"$$\n{tex}\n$$"),
    st.sampled_from(FORMULAS).map(lambda tex: f"\\[\n{tex}\n\\]"),
    st.just("---"),
)
document = st.lists(block, min_size=1, max_size=6).map(
    lambda blocks: "\n\n".join([*blocks, "[1]: https://example.org/one"])
)


def entry_of(message: Message) -> Entry:
    entry = Entry(message, Shelf())
    entry.fill()
    entry.text.set_width(700)
    return entry


def answered(text: str) -> Entry:
    return entry_of(samples.answer(text))


def copied(entries: list[Entry], start: Spot, end: Spot) -> str:
    selection = Selection()
    selection.select(start, end)
    return copying.markdown(entries, selection)


def everything(entries: list[Entry]) -> str:
    selection = Selection()
    selection.select_through(len(entries) - 1)
    return copying.markdown(entries, selection)


def meaning(blocks: list[Block]) -> list[tuple[str, str, str]]:
    """Return what blocks say: links in full, where they are defined does not matter."""
    return [(block.kind, block.html or block.text.strip("\n"), block.language) for block in blocks]


def formulas(text: str) -> list[str]:
    found: list[str] = []
    for one in parse(text):
        found += [one.text] if one.kind == "math" else re.findall('data-tex="([^"]*)"', one.html)
    return found


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(document, min_size=1, max_size=3))
def test_a_whole_chat_reads_the_same_when_it_is_pasted(texts: list[str]) -> None:
    entries: list[Entry] = []
    for number, text in enumerate(texts):
        entries.append(entry_of(samples.question(f"Question {number}?")))
        entries.append(answered(text))
    expected = [one for entry in entries for one in meaning(parse(entry.message.text))]
    assert meaning(parse(everything(entries))) == expected


def test_a_chat_with_fifty_formulas_tables_and_code_comes_back_whole() -> None:
    texts = [
        f"Round {n}: ${n}x^2$ and \\({n}y\\).\n\n$$\n\\frac{{{n}}}{{2}}\n$$\n\n"
        f"| n | f |\n|---|:-:|\n| {n} | $f_{{{n}}}$ |\n\n\\[\nz_{{{n}}}\n\\]\n\n"
        f"```python\nprint({n})\n```\n\n3. third $a_{{{n}}}$\n4. fourth"
        for n in range(10)
    ]
    entries = [
        entry_of(message)
        for text in texts
        for message in (samples.question(), samples.answer(text, thought="Secret thoughts."))
    ]
    pasted = everything(entries)
    expected = [one for entry in entries for one in meaning(parse(entry.message.text))]
    assert meaning(parse(pasted)) == expected
    assert len(formulas(pasted)) == 60
    assert formulas(pasted) == [tex for text in texts for tex in formulas(text)]
    assert "Secret" not in pasted


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(document, st.randoms(use_true_random=False))
def test_any_part_reads_as_the_text_that_was_selected(text: str, chance: random.Random) -> None:
    entry = answered(text)
    column = entry.text
    two = sorted(
        (
            Place(cell, chance.choice((0, chance.randrange(60), WHOLE)))
            for cell in chance.choices(range(len(column.cells)), k=2)
        ),
    )
    pasted = copied([entry], Spot(0, "text", two[0]), Spot(0, "text", two[1]))
    wanted = squeezed(column.copied(*two))
    # A part without marks is the text itself; one of a table has its header besides.
    assert wanted in squeezed(said(pasted)) or wanted == squeezed(pasted) or has_table(pasted)
    for tex in set(formulas(pasted)):
        assert tex in formulas(text)


def said(markdown: str) -> str:
    return "".join(
        "".join(paragraphs(one.html)) if one.kind == "prose" else one.text
        for one in parse(markdown)
    )


def squeezed(text: str) -> str:
    """Return what is left without white space, delimiters, and the marks and numbers of lists."""
    return re.sub(r"[\s$\\()\[\]•◦▪☐☑-]|\d+\.", "", text)


def has_table(markdown: str) -> bool:
    return any(one.html.startswith("<table") for one in parse(markdown))


def place(entry: Entry, cell: int, text: str, *, after: bool = False) -> Spot:
    """Return the spot of some text in a block."""
    shown = entry.text.cells[cell].document().toPlainText()  # type: ignore[attr-defined]
    at = shown.index(text) + (len(text) if after else 0)
    return Spot(0, "text", Place(cell, len(shown[:at].encode("utf-16-le")) // 2))


LIST = "9. nine *and* more\n10. ten $x^2$ so\n    - inner `code`\n11. eleven"
TABLE = "| Status | Meaning |\n|:--|--:|\n| 429 | *Too* many |\n| 500 | $e^x$ |"


@pytest.mark.parametrize(
    ("text", "start", "end", "expected"),
    [
        ("Some *slanted* text here", "slan", "slan", "slan"),
        ("Some *slanted* text here", "me", "anted", "me *slanted*"),
        ("with my_own_name and 2 * 3 in it", "my_own", "2 * 3", "my_own_name and 2 * 3"),
        (r"so $\alpha+\beta$ is it", r"+\be", "is", r"$\alpha+\beta$ is"),
        (r"so \(\alpha+\beta\) is it", r"+\be", "is", r"\(\alpha+\beta\) is"),
        (LIST, "ten", "eleven", "10. ten $x^2$ so\n    - inner `code`\n11. eleven"),
        (LIST, "and", "more", "*and* more"),
        (LIST, "inner", "eleven", "10. - inner `code`\n11. eleven"),
        (TABLE, "Too", "Too", "Too"),
        (TABLE, "429", "many", "| Status | Meaning |\n|:--|--:|\n| 429 | *Too* many |"),
        (TABLE, "many", "e^x", "| Status | Meaning |\n|:--|--:|\n|  | many |\n| 500 | $e^x$ |"),
        ("> quoted *text* here\n>\n> and more", "text", "and", "> *text* here\n>\n> and"),
        ("a [link](https://example.org/x) here", "a", "link", "a [link](https://example.org/x)"),
        ("# A title", "A", "title", "# A title"),
    ],
)
def test_parts(text: str, start: str, end: str, expected: str) -> None:
    entry = answered(text)
    one, two = place(entry, 0, start), place(entry, 0, end, after=True)
    assert copied([entry], one, two) == expected


def test_part_of_code_alone_is_code_and_with_more_it_keeps_its_fence() -> None:
    entry = answered("Before\n\n```rust\nlet a = 1;\nlet b = 2;\n```\n\nAfter")
    whole = Spot(0, "text", Place(1, 0)), Spot(0, "text", Place(1, WHOLE))
    assert copied([entry], *whole) == "let a = 1;\nlet b = 2;"
    part = Spot(0, "text", Place(1, 11)), Spot(0, "text", Place(2, WHOLE))
    assert copied([entry], *part) == "```rust\nlet b = 2;\n```\n\nAfter"


def test_code_that_is_not_closed_swallows_nothing() -> None:
    entries = [answered("```python\nprint(1)"), entry_of(samples.question("Why?"))]
    pasted = parse(everything(entries))
    assert [one.kind for one in pasted] == ["code", "prose"]


@pytest.mark.parametrize(
    "text",
    [
        "```\na",
        "````\n```\na",
        "~~~\n```\na\n```",
        "- x\n\n  ```py\n  a",
        "```\na\n```\n\n```js\nb",
    ],
)
def test_nothing_open_is_left_to_the_next_message(text: str) -> None:
    pasted = parse(everything([answered(text), entry_of(samples.question("Why is that?"))]))
    assert pasted[-1].kind == "prose"
    assert "Why is that?" in pasted[-1].html


def test_copying_a_whole_chat_reads_none_of_it() -> None:
    entries = [Entry(samples.answer(samples.RICH), Shelf()) for _ in range(50)]
    assert everything(entries).count("A good loop") == 50
    assert not any(entry.text.cells for entry in entries)


def test_what_is_defined_in_one_message_is_not_used_in_the_next() -> None:
    entries = [
        answered("see [it][1]\n\n[1]: https://example.org/one"),
        answered("see [it][1]\n\n[1]: https://example.org/two"),
    ]
    pasted = "".join(one.html for one in parse(everything(entries)))
    assert "example.org/one" in pasted
    assert "example.org/two" in pasted


NOTES = "A note[^1] and **more**[^b].\n\n```regex\n[^1]\n```\n\n[^1]: The *one* $x$.\n[^b]: Other."


def test_footnotes_of_several_messages_stay_apart() -> None:
    entries = [answered(NOTES), answered(NOTES.replace("*one*", "*two*"))]
    pasted = everything(entries)
    (notes,) = [one.html for one in parse(pasted) if "footnotes" in one.html]
    assert notes.count("<li") == 4
    assert notes.index("one") < notes.index("two")
    assert [one.text for one in parse(pasted) if one.kind == "code"] == ["[^1]\n", "[^1]\n"]
    both = [answered(NOTES + "\n\n[ref]\n\n[ref]: https://example.org"), answered("x")]
    assert "example.org" in everything(both)
    (notes,) = [one.html for one in parse(everything(both)) if "footnotes" in one.html]
    assert notes.count("<li") == 2


def test_a_part_with_a_footnote_keeps_its_mark() -> None:
    entry = answered(NOTES)
    one, two = place(entry, 0, "note"), place(entry, 0, "and", after=True)
    assert copied([entry], one, two) == "note[^1] and"


def test_a_selection_in_a_thought_is_the_thought(view: ChatView) -> None:
    branch = [samples.question(), samples.answer("So.", thought="It is $x$.\n\n- *a*\n- b")]
    view.show_conversation(branch, samples.alone, {"a1": False})
    view.selection.select_text(1, "thinking")
    assert view.copy()
    assert QGuiApplication.clipboard().text() == "It is $x$.\n\n- *a*\n- b"


def test_the_clipboard_has_rich_text_too_and_plain_text_on_demand(view: ChatView) -> None:
    branch = [samples.question("Why?"), samples.answer("**Bold** $x$\n\n<b>raw</b>")]
    view.show_conversation(branch, samples.alone, {})
    view.reading.select_everything()
    assert view.copy()
    data = QGuiApplication.clipboard().mimeData()
    assert data.text() == "Why?\n\n**Bold** $x$\n\n<b>raw</b>"
    assert "<strong>Bold</strong>" in data.html()
    assert "<b>raw" not in data.html()
    assert view.reading.copy_plain()
    data = QGuiApplication.clipboard().mimeData()
    assert data.text() == "Why?\n\nBold $x$\n\n<b>raw</b>"
    assert not data.hasHtml()


def test_columns_know_the_blocks_of_their_cells() -> None:
    column = Column("answer", Shelf())
    blocks = parse(samples.RICH)
    column.set_blocks(blocks)
    assert [cell.source for cell in column.cells] == [block.source for block in column.blocks]
