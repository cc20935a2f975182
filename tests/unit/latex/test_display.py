"""What the typesetter says, as values: nothing unsound gets through, every step is explicit."""

import json

import pytest

from app.latex import display

SOUND = {
    "ok": True,
    "width": 1.0,
    "height": 0.5,
    "depth": 0.25,
    "paths": ["M0 0L1 1Z"],
    "items": [
        ["path", [0], [1, 0, 0, -1, 0, 0], "current", "none", 0, None, None],
        [
            "text",
            ["速", 1000, False, True, False, 1000],
            [1, 0, 0, 1, 5, 6],
            "red",
            "none",
            0,
            None,
            None,
        ],
        ["line", [0, 0, 9, 9], [1, 0, 0, 1, 0, 0], "none", "current", 67, [140, 140], None],
        [
            "rect",
            [1, 2, 3, 4, 0],
            [1, 0, 0, 1, 0, 0],
            "none",
            "current",
            70,
            None,
            [[1, 0, 0, 1, 2, 3], [0, 0, 10, 20]],
        ],
    ],
}


def test_a_sound_list_is_read_whole() -> None:
    found = display.read(json.dumps(SOUND))
    assert isinstance(found, display.DisplayList)
    assert (found.width, found.height, found.depth) == (1.0, 0.5, 0.25)
    assert [item.kind for item in found.items] == ["path", "text", "line", "rect"]
    assert found.items[2].dash == (140.0, 140.0)
    assert found.items[3].clip == display.Clip((1, 0, 0, 1, 2, 3), (0, 0, 10, 20))


def test_a_refusal_keeps_its_words() -> None:
    found = display.read('{"ok": false, "error": "Undefined control sequence \\\\x"}')
    assert found == display.Refusal("Undefined control sequence \\x")


@pytest.mark.parametrize(
    "change",
    [
        {"items": [["path", [1], [1, 0, 0, 1, 0, 0], "current", "none", 0, None, None]]},
        {"items": [["blob", [1], [1, 0, 0, 1, 0, 0], "current", "none", 0, None, None]]},
        {"items": [["line", [1, 2], [1, 0, 0, 1, 0, 0], "current", "none", 0, None, None]]},
        {"items": [["path", [0], [1, 0], "current", "none", 0, None, None]]},
        {"items": [["path"]]},
        {"width": None},
        {"paths": None},
    ],
)
def test_an_unsound_list_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a display list"):
        display.read(json.dumps(SOUND | change))


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="not a display list"):
        display.read("[]")


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("M1 2L3 4Z", [("M", (1, 2)), ("L", (3, 4)), ("Z", ())]),
        ("M1 2 3 4", [("M", (1, 2)), ("L", (3, 4))]),
        ("M1-2H5V-.5", [("M", (1, -2)), ("L", (5, -2)), ("L", (5, -0.5))]),
        (
            "M0 0C1 2 3 4 5 6S9 9 10 10",
            [("M", (0, 0)), ("C", (1, 2, 3, 4, 5, 6)), ("C", (7, 8, 9, 9, 10, 10))],
        ),
        (
            "M0 0Q1 1 2 0T4 0",
            [("M", (0, 0)), ("Q", (1, 1, 2, 0)), ("Q", (3, -1, 4, 0))],
        ),
        ("", []),
    ],
)
def test_a_path_is_read_with_nothing_implied(path: str, steps: list[display.Segment]) -> None:
    assert list(display.segments(path)) == steps


@pytest.mark.parametrize("path", ["m1 2", "M1", "M1 2L3", "5 5"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="step"):
        display.segments(path)
