"""Logs go to the file and not to the terminal, rotate, and can be read from the end."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import logs


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("PONDER_HOME", str(tmp_path))
    monkeypatch.delenv("PONDER_LOG", raising=False)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield tmp_path
    for handler in root.handlers[:]:
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    root.setLevel(level)


def test_the_file_gets_it_and_the_terminal_does_not(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert logs.set_up() is None
    assert logs.set_up() is None
    logging.getLogger("app.x").warning("once, with an é")
    logging.getLogger("app.x").debug("too much detail")
    (line,) = logs.tail(logs.log_path(), 10)
    assert line.endswith("WARNING app.x: once, with an é")
    assert capsys.readouterr() == ("", "")


def test_debug_shows_it_on_the_terminal_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PONDER_LOG", "debug")
    assert logs.set_up() is None
    logging.getLogger("app.x").debug("detail")
    assert "DEBUG app.x: detail" in capsys.readouterr().err
    assert "DEBUG app.x: detail" in logs.tail(logs.log_path(), 1)[0]


def test_a_log_that_cannot_be_written_is_said_once(
    home: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (home / "logs").write_text("a file where the folder should be")
    problem = logs.set_up()
    assert problem is not None
    assert problem.key == "log-unwritable"
    logging.getLogger("app.x").error("nowhere to go")
    assert capsys.readouterr() == ("", "")


def test_old_files_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 1000)
    logs.set_up()
    for number in range(200):
        logging.getLogger("app.x").info("line %03d %s", number, "x" * 50)
    files = list(logs.log_path().parent.iterdir())
    assert len(files) == 4
    assert all(file.stat().st_size <= 1000 for file in files)
    assert "line 199" in logs.tail(logs.log_path(), 1)[0]


@pytest.mark.parametrize("ending", ["", "\n"])
@pytest.mark.parametrize("width", [0, 10, 5000])
@pytest.mark.parametrize("count", [0, 1, 3, 4000])
@pytest.mark.parametrize("asked", [1, 3, 50])
def test_tail(tmp_path: Path, ending: str, width: int, count: int, asked: int) -> None:
    count = min(count, 200) if width == 5000 else count
    lines = [f"{number} é\x0c{'x' * width}" for number in range(count)]
    path = tmp_path / "some.log"
    path.write_text("\n".join(lines) + (ending if lines else ""), encoding="utf-8")
    assert logs.tail(path, asked) == tuple(lines[-asked:])


def test_tail_of_nothing(tmp_path: Path) -> None:
    assert logs.tail(tmp_path / "missing.log", 5) == ()


def test_tail_reads_only_the_end(tmp_path: Path) -> None:
    """What is before the last blocks may be any junk: it is not decoded, nor waited for."""
    path = tmp_path / "some.log"
    with path.open("wb") as file:
        file.truncate(1 << 34)  # 16 GiB without holding them
        file.seek(0, 2)
        file.write(b"\nlast but one\nlast\n")
    assert logs.tail(path, 2) == ("last but one", "last")
