"""The real child for every test here, and what each test must leave behind: nothing."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engine import Engine, alive


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    threads = set(threading.enumerate())
    engine = Engine(tmp_path / "engine.log")
    yield engine
    pid = engine.client.pid
    engine.client.close()
    assert pid is None or not alive(pid)
    assert set(threading.enumerate()) <= threads
