"""Kept sequences: the right one is found, room is bounded, nothing broken is ever handed out."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from app.engine.states import States


def writer(size: int, byte: bytes = b"x") -> Callable[[Path], bool]:
    def write(path: Path) -> bool:
        path.write_bytes(byte * size)
        return True

    return write


def ids(seed: int, length: int = 3000) -> list[int]:
    dice = random.Random(seed)
    return [dice.randrange(131_072) for _ in range(length)]


def test_what_has_most_in_common_is_found_also_by_another_process(tmp_path: Path) -> None:
    states = States(tmp_path, "model")
    one, two = ids(1), ids(2)
    branch = [*one[:1000], *two]
    for sequence in (one, two, branch):
        assert states.keep(sequence, 10, writer(10))
    for reader in (states, States(tmp_path, "model")):
        for sequence in (one, two, branch):
            found = reader.best([*sequence, 5, 6])
            assert found is not None
            assert found[0].ids == tuple(sequence)
            assert found[1] == 3000 + 1000 * (sequence is branch)
            assert reader.checked(found[0]) == found[0].path
        assert reader.best([1, 2, 3]) is None
        assert reader.holds([*one[:2000]])
        assert not reader.holds([*one, *two])
    assert States(tmp_path, "another model").best(one) is None


def test_a_sequence_takes_the_place_of_what_it_goes_on_from(tmp_path: Path) -> None:
    states = States(tmp_path, "model")
    one = ids(1)
    assert states.keep(one, 10, writer(10))
    assert states.keep([*one, 1, 2, 3], 10, writer(12))
    assert len(list(tmp_path.glob("*.kv"))) == len(list(tmp_path.glob("*.json"))) == 1
    found = states.best(one)
    assert found is not None
    assert len(found[0].ids) == 3003


def test_the_least_recently_used_goes_first_whosever_it_is(tmp_path: Path) -> None:
    other, states = States(tmp_path, "other"), States(tmp_path, "model", most_bytes=100)
    assert other.keep(ids(0), 30, writer(30))
    for number in (1, 2):
        assert states.keep(ids(number), 30, writer(30))
    for age, note in enumerate(sorted(tmp_path.glob("*.json"), key=lambda p: p.stat().st_mtime_ns)):
        os.utime(note, (1e9 + age, 1e9 + age))
    first = states.best(ids(1))
    assert first is not None
    assert states.checked(first[0])  # used now
    now = first[0].path.with_suffix(".json").stat().st_mtime
    again = States(tmp_path, "model", most_bytes=100, now=lambda: 1e9)
    assert now > 1e9 + 10
    assert again.keep(ids(3), 60, writer(60))
    assert States(tmp_path, "other", now=lambda: 1e9).best(ids(0)) is None
    assert again.best(ids(2)) is None
    assert again.best(ids(1)) is not None
    assert sum(path.stat().st_size for path in tmp_path.glob("*.kv")) <= 100
    assert not again.keep(ids(4), 101, writer(101))


@pytest.mark.parametrize("harm", ["cut", "changed", "gone", "note", "ids"])
def test_a_broken_state_is_never_handed_out(tmp_path: Path, harm: str) -> None:
    states = States(tmp_path, "model")
    assert states.keep(ids(1), 1000, writer(1000))
    (path,) = tmp_path.glob("*.kv")
    note = path.with_suffix(".json")
    before = states.best(ids(1))
    assert before is not None
    match harm:
        case "cut":
            path.write_bytes(b"x" * 999)
        case "changed":
            path.write_bytes(b"x" * 500 + b"y" + b"x" * 499)
        case "gone":
            path.unlink()
        case "note":
            note.write_text("{")
        case "ids":
            note.write_text(note.read_text().replace('"ids": "', '"ids": "AAA'))
    again = States(tmp_path, "model")
    found = again.best(ids(1))
    assert found is None or again.checked(found[0]) is None
    if harm in ("cut", "changed", "gone"):
        assert states.checked(before[0]) is None
    assert again.best(ids(1)) is None
    assert States(tmp_path, "model").best(ids(1)) is None


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    states = States(tmp_path, "model")

    def fails(path: Path) -> bool:
        path.write_bytes(b"half")
        return False

    assert not states.keep(ids(1), 10, fails)
    assert list(tmp_path.iterdir()) == []
    assert states.best(ids(1)) is None


def test_what_a_crash_left_is_swept_once_it_is_old(tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(b"half")
    (tmp_path / "b.kv").write_bytes(b"no note")
    States(tmp_path, "model")
    assert len(list(tmp_path.iterdir())) == 2  # another window may be writing them
    for path in tmp_path.iterdir():
        os.utime(path, (1e9, 1e9))
    States(tmp_path, "model")
    assert list(tmp_path.iterdir()) == []
