"""Promises are compared with what happened, and what was learned survives, or is given up."""

import json
from pathlib import Path

import pytest

from app import paths
from app.fit.learned import Learned, Load

WRONG_TYPE = json.dumps(
    {
        "version": 1,
        "loads": [
            {
                "machine": "this",
                "kind": "cuda",
                "shape": "shape",
                "promised_bytes": "1",
                "actual_bytes": 2,
                "tokens_per_s": None,
            }
        ],
    }
)


def load(actual: int, *, shape: str = "shape", speed: float | None = None, **more: str) -> Load:
    machine, kind = more.get("machine", "this"), more.get("kind", "cuda")
    return Load(machine, kind, shape, 1_000_000_000, actual, speed)


def test_a_promise_is_shown_beside_what_was_used() -> None:
    text = Load("this", "cuda", "s", 23_200_000_000, 23_130_000_000).in_words()
    assert text == "promised 21.6 GB, used 21.5"
    small = Load("this", "cpu", "s", 46_000_000, 47_000_000).in_words()
    assert small == "promised 44 MB, used 45"


def test_what_is_learned_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "fit.json"
    learned = Learned(path)
    assert learned.correction_bytes("this", "cuda", "shape") == 0
    learned.record(load(1_100_000_000, speed=40.0))
    again = Learned(path)
    assert again.correction_bytes("this", "cuda", "shape") == 100_000_000
    assert again.tokens_per_s("this", "cuda", "shape") == 40.0
    assert list(path.parent.iterdir()) == [path]


def test_the_file_is_in_the_data_folder_by_default() -> None:
    Learned().record(load(1_000_000_001))
    assert (paths.data_dir() / "fit.json").is_file()


def test_the_median_of_the_last_loads_corrects(tmp_path: Path) -> None:
    learned = Learned(tmp_path / "fit.json")
    for extra in (900, 900, 900, 10, 30, 20, 5000, 40):
        learned.record(load(1_000_000_000 + extra))
    assert learned.correction_bytes("this", "cuda", "shape") == 30


def test_a_model_never_loaded_here_learns_from_the_others_on_this_device(tmp_path: Path) -> None:
    learned = Learned(tmp_path / "fit.json")
    learned.record(load(1_000_000_070, shape="other"))
    learned.record(load(1_000_000_999, kind="cpu"))
    learned.record(load(1_000_000_999, machine="another"))
    assert learned.correction_bytes("this", "cuda", "new") == 70
    assert learned.correction_bytes("this", "metal", "new") == 0
    assert learned.tokens_per_s("this", "cuda", "new") is None


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "fit.json"
    learned = Learned(path)
    learned.record(load(2_000_000_000, shape="kept"))
    for extra in range(50):
        learned.record(load(1_000_000_000 + extra))
    kept = json.loads(path.read_text())["loads"]
    assert len(kept) == 21
    assert Learned(path).correction_bytes("this", "cuda", "kept") == 1_000_000_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"version": 99, "loads": [1]}',
        '{"version": 1, "loads": [{"machine": "x"}]}',
        WRONG_TYPE,
    ],
)
def test_a_damaged_file_costs_the_corrections_only(text: str, tmp_path: Path) -> None:
    path = tmp_path / "fit.json"
    path.write_text(text)
    learned = Learned(path)
    assert learned.correction_bytes("this", "cuda", "shape") == 0
    learned.record(load(1_000_000_005))
    assert Learned(path).correction_bytes("this", "cuda", "shape") == 5


def test_a_folder_that_refuses_costs_nothing_now(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    learned = Learned(tmp_path / "file" / "fit.json")
    learned.record(load(1_000_000_005))
    assert learned.correction_bytes("this", "cuda", "shape") == 5


def test_a_measured_speed_belongs_to_the_last_load_of_its_kind(tmp_path: Path) -> None:
    learned = Learned(tmp_path / "fit.json")
    learned.measured("this", "cuda", "shape", 9.0)
    assert learned.tokens_per_s("this", "cuda", "shape") is None
    learned.record(load(1_000_000_100, speed=40.0))
    learned.record(load(1_000_000_200))
    learned.record(load(1_000_000_300, shape="other"))
    learned.measured("this", "cuda", "shape", 50.0)
    again = Learned(tmp_path / "fit.json")
    assert again.tokens_per_s("this", "cuda", "shape") == 50.0
    assert again.tokens_per_s("this", "cuda", "other") is None


def test_a_correction_is_not_learned_away_by_promises_that_hold_it(tmp_path: Path) -> None:
    learned = Learned(tmp_path / "fit.json")
    learned.record(load(1_000_000_800))
    for _ in range(6):
        taught = learned.correction_bytes("this", "cuda", "shape")
        promised = 1_000_000_000 + taught
        learned.record(
            Load("this", "cuda", "shape", promised, 1_000_000_800, correction_bytes=taught)
        )
    assert learned.correction_bytes("this", "cuda", "shape") == 800
