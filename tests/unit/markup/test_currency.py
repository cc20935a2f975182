"""What is a formula and what is money: every case of the corpus, and every case within others."""

import html
import re
from pathlib import Path

import pytest

from app.markup import to_html

CORPUS = Path(__file__).parents[2] / "fixtures" / "currency.txt"


def cases() -> list[tuple[str, list[str]]]:
    """Return each text and the formulas in it, between $ and $ or $$ and $$."""
    found = []
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("# "):
            continue
        said, *formulas = line.split("\t") if not line.startswith("\t") else _indented(line)
        found.append((said.replace("⏎", "\n"), [] if formulas == ["-"] else formulas))
    return found


def _indented(line: str) -> list[str]:
    said, *formulas = line[1:].split("\t")
    return ["\t" + said, *formulas]


def formulas(text: str) -> list[str]:
    """Return the formulas of a text, as the corpus writes them."""
    found = re.findall(r'<span class="math" data-tex="([^"]*)"( data-display)?', to_html(text))
    return [
        f"{mark}{html.unescape(tex)}{mark}".replace("\n", "⏎")
        for tex, mark in ((tex, "$$" if display else "$") for tex, display in found)
    ]


CASES = cases()
PARAGRAPH = re.compile(r"(?!\d+\.|\$\$|\*\s)[\w($“*]", re.ASCII)


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    assert len(CASES) >= 300
    assert len({text for text, _ in CASES}) == len(CASES)


def test_every_case() -> None:
    found = {text: formulas(text) for text, _ in CASES}
    assert [(text, found[text]) for text, expected in CASES if found[text] != expected] == []


@pytest.mark.parametrize("around", ["{0} and more", "before {0}", "- {0}", "> {0}", "{0}\n\n{0}"])
def test_what_is_around_a_line_changes_nothing(around: str) -> None:
    """Only lines whose blocks are paragraphs: others are something else with words beside them."""
    lines = [(t, e) for t, e in CASES if "\n" not in t and PARAGRAPH.match(t)]
    assert len(lines) > 100
    wrong = []
    for text, expected in lines:
        found = formulas(around.replace("{0}", text))
        if found != expected * around.count("{0}"):
            wrong.append((text, found))
    assert wrong == []
