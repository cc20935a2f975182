"""What the user chose for a model is there after a restart, or is given up without harm."""

import json
from pathlib import Path

import pytest

from app import paths
from app.chat import kept_plans
from app.chat.load_plan import LoadPlan

PLAN = LoadPlan(16_384, "q8_0", 20, True, 9_000_000_000, "this", "cuda", "llama/40x5120/Q4_K_M", 7)


def test_a_chosen_plan_is_found_again_until_it_is_forgotten() -> None:
    assert kept_plans.find("/a.gguf") is None
    kept_plans.keep("/a.gguf", PLAN)
    kept_plans.keep("/b\udcff.gguf", LoadPlan(4096))
    assert kept_plans.find("/a.gguf") == PLAN
    assert kept_plans.find("/b\udcff.gguf") == LoadPlan(4096)
    kept_plans.keep("/a.gguf", LoadPlan(2048))
    assert kept_plans.find("/a.gguf") == LoadPlan(2048)
    kept_plans.forget("/a.gguf")
    kept_plans.forget("/never.gguf")
    assert kept_plans.find("/a.gguf") is None
    assert kept_plans.find("/b\udcff.gguf") == LoadPlan(4096)
    assert [path.name for path in paths.data_dir().iterdir()] == ["plans.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"version": 99, "plans": {"/a": {"context": 4096}}}',
        '{"version": 1, "plans": []}',
        '{"version": 1, "plans": {"/a": 4096}}',
        '{"version": 1, "plans": {"/a": {}}}',
        '{"version": 1, "plans": {"/a": {"context": "4096"}}}',
        '{"version": 1, "plans": {"/a": {"context": 0}}}',
        '{"version": 1, "plans": {"/a": {"context": 4096, "kv": "f64"}}}',
        '{"version": 1, "plans": {"/a": {"context": 4096, "promised_bytes": "1"}}}',
    ],
)
def test_what_makes_no_sense_is_no_plan_and_is_written_over(text: str) -> None:
    file = paths.data_dir() / "plans.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert kept_plans.find("/a") is None
    kept_plans.keep("/a", PLAN)
    assert kept_plans.find("/a") == PLAN


def test_fields_of_a_later_ponder_are_passed_over() -> None:
    kept_plans.keep("/a", PLAN)
    file = paths.data_dir() / "plans.json"
    value = json.loads(file.read_text())
    value["plans"]["/a"]["speculation"] = True
    file.write_text(json.dumps(value))
    assert kept_plans.find("/a") == PLAN


def test_a_disk_that_refuses_costs_the_choice_not_the_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("PONDER_HOME", str(tmp_path / "file"))
    kept_plans.keep("/a", PLAN)
    assert kept_plans.find("/a") is None
