"""`ponder math`: one line of JSON for each line, whatever the line is."""

import json
import subprocess
import sys
from pathlib import Path

LINES = [
    b'{"tex": "x^2", "display": true}',
    b"nonsense",
    b"",
    b'{"tex": 5}',
    b'{"tex": "x", "display": "yes"}',
    b'\xff\xfe{"tex": "x"}',
    b"[" * 200_000,
    rb'{"tex": "\\frac{a"}',
    rb'{"tex": "a \ud800 b"}',
    b'{"tex": "\\\\frac12"}',
]


def test_every_line_has_its_answer() -> None:
    command = [sys.executable, "-m", "app", "math"]
    done = subprocess.run(
        command,
        input=b"\n".join(LINES),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["ok"] for answer in said] == [True, *[False] * 6, True, True]
    for answer in said:
        assert set(answer) == {"ok", "error", "width", "height", "depth"}
        assert (answer["error"] is None) == answer["ok"]
    assert said[0]["width"] > 0.9 > said[0]["height"] > 0.8
    assert "is not" in said[1]["error"]
    assert "Missing close brace" in said[6]["error"]
