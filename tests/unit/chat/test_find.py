"""Finding words as people mean them."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.chat.find import Pattern, Reader, said
from app.markup.blocks import parse


def found(wanted: str, text: str, *, match_case: bool = False) -> list[str]:
    pattern = Pattern(wanted, match_case=match_case)
    return [text[start:end] for start, end in pattern.hits(text)]


@pytest.mark.parametrize(
    ("wanted", "text", "hits"),
    [
        ("mean", "What they MEAN, meaning", ["MEAN", "mean"]),
        ("aa", "aaaaa", ["aa", "aa"]),
        ("", "anything", []),
        ("a b", "a\u00a0b a\nb", ["a\u00a0b", "a\nb"]),
        ("it's", "it’s so", ["it’s"]),
        ('"so"', "“so”", ["“so”"]),
        ("resume", "Résumé", ["Résumé"]),
        ("résumé", "resume r\u0065\u0301sume\u0301", ["re\u0301sume\u0301"]),
        ("strasse", "STRASSE, Straße", ["STRASSE", "Straße"]),
        ("s", "ß", []),
        ("ﬁ", "find", ["fi"]),
        ("İ", "i", []),
        ("istanbul", "İstanbul", ["İstanbul"]),
        ("漢字", "「漢字」と漢字", ["漢字", "漢字"]),
        ("が", "か\u3099 か が", ["か\u3099", "が"]),
        ("か", "が", []),
        ("한", "\u1112\u1161\u11ab 한", ["\u1112\u1161\u11ab", "한"]),
        ("שלום", "שָׁלוֹם עולם", ["שָׁלוֹם"]),
        ("हि", "हिन्दी", ["हि"]),
        ("😀", "a😀b", ["😀"]),
        ("cooperate", "co\u00adoperate", ["co\u00adoperate"]),
        ("ΣΊΣΥΦΟΣ", "σίσυφος", ["σίσυφος"]),
    ],
)
def test_hits(wanted: str, text: str, hits: list[str]) -> None:
    assert found(wanted, text) == hits


def test_case_can_be_asked_for() -> None:
    assert found("Mean", "mean Mean", match_case=True) == ["Mean"]
    assert found("É", "é e\u0301 É E\u0301", match_case=True) == ["É", "E\u0301"]


texts = st.text(st.sampled_from("aAeéß İﬁか\u3099\u0301\u00ad漢😀\u0300 שׁ"), max_size=12)


@settings(max_examples=150, deadline=None)
@given(texts, texts, st.booleans())
def test_a_text_finds_itself_in_whatever_form_it_is_written(
    before: str, wanted: str, composed: bool
) -> None:
    if not wanted.strip(" \u00ad\u0300\u0301\u3099\u05c1"):
        return
    text = f"{before}|{unicodedata.normalize('NFC' if composed else 'NFD', wanted)}|x"
    pattern = Pattern(f"|{wanted}|")
    hits = pattern.hits(text)
    assert hits
    for start, end in hits:
        assert (text[start], text[end - 1]) == ("|", "|")
    assert pattern.may_be_in(text)


MARKDOWN = r"""# A *first* title

Some **bo**ld text with $x^2$ and `code`, [a link](https://example.org/zz).
It goes
on.

1. one
   - [x] two

> quoted

| a | b |
|---|---|
| c | d\|e |

```python
print("bold text")
```

$$
\frac{a}{b}
$$
"""


def shown(markdown: str) -> list[str]:
    reader = Reader()
    list(reader.follow(markdown))
    return [text for block in reader.texts for text in block]


def test_what_is_shown_is_what_is_searched() -> None:
    assert shown(MARKDOWN) == [
        "A first title",
        "Some bold text with x^2 and code, a link. It goes on.",
        "one",
        "two",
        "quoted",
        "a",
        "b",
        "c",
        "d|e",
        'print("bold text")',
        "",
        r"\frac{a}{b}",
    ]


@pytest.mark.parametrize("wanted", ["bold text", "d|e", "first title", "goes on", "frac", "x^2"])
def test_nothing_that_is_shown_is_passed_over(wanted: str) -> None:
    pattern = Pattern(wanted)
    assert pattern.may_be_in(MARKDOWN)
    assert pattern.count(shown(MARKDOWN)) >= 1


def test_what_is_nowhere_is_known_without_reading() -> None:
    assert not Pattern("nowhere").may_be_in(MARKDOWN)


def test_a_long_text_is_read_in_steps_and_a_growing_one_goes_on() -> None:
    text = "\n\n".join(f"Paragraph {number} with *words* of [a][1]." for number in range(400))
    text += "\n\n[1]: https://example.org"
    whole = Reader()
    assert len(list(whole.follow(text))) > 5
    assert whole.texts == [said(block) for block in parse(text)]
    growing = Reader()
    for end in range(0, len(text), 777):
        list(growing.follow(text[:end]))
        assert len(growing.texts) == len(parse(text[:end]))
    list(growing.follow(text))
    assert growing.texts == whole.texts
    list(growing.follow("Other"))
    assert growing.texts == [["Other"]]
