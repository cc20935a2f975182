"""Colours for code: the right stretches, in order, for any text."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.markup.highlight import Run, ready, runs


def test_python() -> None:
    text = "def f(x):  # say\n    return 'é🤔' + 1\n"
    found = {text[run.start : run.start + run.length]: run.kind for run in runs(text, "python")}
    assert found == {
        "def": "keyword",
        "f": "function",
        "# say": "comment",
        "return": "keyword",
        "'é🤔'": "string",
        "+": "operator",
        "1": "number",
    }


@pytest.mark.parametrize("language", ["", "no such language", "c++ ", "\x00", "{.python}", "text"])
def test_what_is_no_language_has_no_colours(language: str) -> None:
    assert runs("def f(): pass", language) == []


def test_a_language_is_loaded_beside_and_is_ready_then() -> None:
    assert ready("")
    while not ready("ada"):
        time.sleep(0.01)
    assert ready("ada")
    assert runs("begin end;", "ada")


def test_names_as_models_write_them() -> None:
    for language in ["py", "Python", "js", "ts", "c++", "c#", "sh", "bash", "json", "html", "rust"]:
        assert runs('<a href="x">1</a> "s" 1', language), language


def test_a_very_long_text_is_left_plain() -> None:
    assert runs("#" * 100_000, "python") == [Run(0, 100_000, "comment")]
    assert runs("#" * 100_001, "python") == []


def test_a_diff() -> None:
    assert runs("-a\n+b\n", "diff") == [Run(0, 2, "deleted"), Run(3, 2, "inserted")]


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(st.sampled_from("def '\"#<>/\\{}()=+-1é🤔\t\n\r\x00`$"), max_size=60),
    language=st.sampled_from(["python", "js", "c++", "html", "bash", "json", "markdown", "tex"]),
)
def test_runs_lie_in_the_text_in_order(text: str, language: str) -> None:
    end = 0
    for run in runs(text, language):
        assert run.start >= end
        assert run.length > 0
        end = run.start + run.length
    assert end <= len(text)
