"""Servers from the command line: `ponder servers`, and a model of theirs in `ponder ask`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import keychain
from tests.support.replay_server import replay

ROOT = Path(__file__).parents[2]


def ponder(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", *words]
    return subprocess.run(
        command, cwd=ROOT, input=typed, capture_output=True, text=True, check=False, timeout=120
    )


def test_a_server_is_tested_added_asked_and_forgotten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chain = keychain.install(monkeypatch, tmp_path / "keychain.json")
    with replay("vllm_mi_stream", pace=0) as server:
        tested = json.loads(ponder("servers", "test", server.host, "--json").stdout)
        assert (tested["kind"], tested["reach"], tested["key"]) == ("vllm", "here", False)
        (model,) = tested["models"]
        assert model["path"] == server.path("tiny-magistral")
        assert model["context"] == 2048
        assert json.loads(ponder("servers", "list", "--json").stdout) == []
        added = ponder("servers", "add", server.host, "--key", typed="sk-1\n")
        assert added.returncode == 0, added.stderr
        assert list(chain.kept().values()) == ["sk-1"]
        assert "sk-1" not in added.stdout
        answered = ponder("ask", "What?", "--model", model["path"], "--json")
        assert server.asked[-1].headers["authorization"] == "Bearer sk-1"
    events = [json.loads(line) for line in answered.stdout.splitlines()]
    assert events[-1]["event"] == "finished"
    assert events[-1]["provenance"]["engine"] == "vLLM"
    channels = {event["channel"] for event in events if event["event"] == "delta"}
    assert channels == {"thinking", "answer"}
    (listed,) = json.loads(ponder("servers", "list", "--json").stdout)
    assert listed["model"] == "tiny-magistral"
    assert ponder("servers", "forget", listed["id"]).returncode == 0
    assert chain.kept() == {}
    gone = ponder("servers", "test", server.host)
    assert gone.returncode == 1
    assert gone.stderr.startswith(f"ponder: {server.host} cannot be reached.")
