"""The words for how an engine ended."""

import signal
from pathlib import Path

import pytest

from app.engine import death, log


@pytest.mark.parametrize("exit_code", [None, 0, 1, 3, -4, -6, -7, -8, -9, -11, -15, -63, -200])
def test_every_end_is_one_sentence_with_advice(exit_code: int | None) -> None:
    problem = death.describe(exit_code)
    assert problem.title.startswith("The engine ")
    assert problem.title.count(".") == 1
    assert problem.title.endswith(".")
    assert problem.advice


def test_memory_is_named_only_where_it_ran_out() -> None:
    killed = -signal.SIGKILL
    assert "memory" in death.describe(killed, oom_killed=True).title
    assert "memory" not in death.describe(killed).title
    # Another process was the one that the kernel chose.
    assert "memory" not in death.describe(-signal.SIGSEGV, oom_killed=True).title
    lines = ["ggml_aligned_malloc: insufficient", "failed to allocate buffer of size 9"]
    assert "memory" in death.describe(-signal.SIGABRT, lines).title
    assert "memory" not in death.describe(-signal.SIGABRT, ["no room at all"]).title


def test_a_death_while_loading_names_the_file() -> None:
    problem = death.describe(-signal.SIGABRT, loading="Model.gguf")
    assert "Model.gguf" in problem.title
    assert "download" in problem.advice


def test_an_engine_we_ended_is_told_as_such() -> None:
    problem = death.describe(-signal.SIGKILL, unresponsive=True)
    assert problem.key == death.UNRESPONSIVE
    assert "killed" not in problem.title


def test_the_tail_of_the_log_is_this_childs(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    assert log.size(path) == 0
    assert log.tail(path, 0) == ()
    path.write_text("before\n", encoding="utf-8")
    start = log.size(path)
    with path.open("a", encoding="utf-8") as file:
        file.write("one\n\ntwo\n")
    assert log.tail(path, start) == ("one", "two")
    # The log was begun anew since: all of it is newer.
    path.write_text("new\n", encoding="utf-8")
    assert log.tail(path, start) == ("new",)
    path.write_text("x\n" * 100_000, encoding="utf-8")
    assert 0 < len(log.tail(path, 0)) <= 100
