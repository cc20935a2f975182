"""Bar 8: whatever is opened as a model, the window lives and says one sentence about it."""

import re
from pathlib import Path

import pytest

from app.engine.protocol import EngineDied, Failed, Finished, Loaded, LoadOptions
from app.errors import Problem
from tests.support import bad_gguf, synthetic
from tests.support.engine import Engine

# Nothing is wrong enough with these for llama.cpp to refuse them.
HARMLESS = {"bos beyond the vocabulary"}


def problem_of(engine: Engine, path: Path) -> Problem | None:
    result = engine.load(LoadOptions(str(path), context=512))
    if isinstance(result, Loaded):
        return None
    assert isinstance(result, Failed | EngineDied)
    return result.problem


def is_one_sentence(problem: Problem) -> bool:
    return (
        re.fullmatch(r"[A-Z0-9a-z].*[^.]\.", problem.title) is not None
        and not re.search(r"\. [A-Z]", problem.title)
        and bool(problem.advice)
        and "\n" not in problem.sentence()
    )


def test_every_kind_of_bad_file(engine: Engine, tmp_path: Path) -> None:
    wrong = []
    paths = bad_gguf.files(tmp_path)
    for name, path in paths.items():
        problem = problem_of(engine, path)
        if problem is None:
            if name not in HARMLESS:
                wrong.append((name, "was loaded"))
            continue
        print(f"{name}: {problem.sentence()} [{problem.detail.splitlines()[:1]}]")
        if not is_one_sentence(problem):
            wrong.append((name, problem.sentence()))
    assert not wrong
    assert problem_of(engine, tmp_path / "whole.gguf") is None
    assert isinstance(engine.ask(max_tokens=2)[-1], Finished)


def test_a_file_cut_anywhere(engine: Engine, tmp_path: Path) -> None:
    whole = synthetic.write(tmp_path / "whole.gguf")
    cut = list(bad_gguf.truncated(tmp_path, whole, 100))
    assert len(cut) == 100
    for path in cut:
        problem = problem_of(engine, path)
        assert problem is not None, path.name
        assert is_one_sentence(problem)
        assert "incomplete" in problem.title, (path.name, problem)
        assert "Download it again" in problem.advice
    assert engine.client.pid is not None


def test_a_cut_file_says_how_much_is_there(engine: Engine, tmp_path: Path) -> None:
    whole = synthetic.write(tmp_path / "Model.gguf")
    size = whole.stat().st_size
    with whole.open("r+b") as file:
        file.truncate(size // 2)
    problem = problem_of(engine, whole)
    assert problem is not None
    assert problem.title == "Model.gguf is incomplete: 119.3 of 238.7 kB are here."


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("a picture", "is a picture"),
        ("a web page", "is a web page"),
        ("an unknown architecture", "abacus"),
        ("other byte order", "byte order"),
        ("empty", "is empty"),
    ],
)
def test_the_sentence_is_about_the_file(
    engine: Engine, tmp_path: Path, kind: str, words: str
) -> None:
    problem = problem_of(engine, bad_gguf.files(tmp_path)[kind])
    assert problem is not None
    assert words in problem.title
