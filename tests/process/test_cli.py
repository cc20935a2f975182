"""The command line as a program meets it: real processes, exit statuses, JSON shapes."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def ponder(
    *arguments: str, home: Path, stdin: str = "", status: int = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PONDER_HOME": str(home)},
        check=False,
    )
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def script(tmp_path: Path) -> str:
    reply = ["[THINK]", "Two ", "and two.", "[/THINK]", "Four", ", naïve 👍."]
    path = tmp_path / "model.script.json"
    path.write_text(json.dumps({"name": "Scripted", "replies": [reply]}), encoding="utf-8")
    return str(path)


def test_ask_json_gives_one_event_a_line_in_the_contracts_shape(
    tmp_path: Path, script: str
) -> None:
    done = ponder("ask", "2 + 2?", "--model", script, "--seed", "7", "--json", home=tmp_path)
    events = lines(done.stdout)
    names = [event["event"] for event in events]
    assert names[0] == "loading"
    assert names.index("loading") < names.index("prompt") < names.index("started")
    assert names.index("started") < names.index("delta") < names.index("finished")
    assert names[-1] == "finished"
    deltas = [event for event in events if event["event"] == "delta"]
    said = {
        channel: "".join(d["text"] for d in deltas if d["channel"] == channel)
        for channel in ("thinking", "answer")
    }
    assert said == {"thinking": "Two and two.", "answer": "Four, naïve 👍."}
    finished = events[-1]
    assert finished["reason"] == "stop"
    assert finished["usage"]["thinking_tokens"] == sum(
        d["tokens"] for d in deltas if d["channel"] == "thinking"
    )
    assert finished["usage"]["prompt_tokens"] > 0
    assert finished["provenance"]["sampling"]["seed"] == 7
    assert done.stderr == ""


def test_ask_in_words_has_no_tags_and_no_colours_in_a_pipe(tmp_path: Path, script: str) -> None:
    done = ponder("ask", "2 + 2?", "--model", script, home=tmp_path)
    assert done.stdout == "Two and two.\n\nFour, naïve 👍.\n"


def test_ask_reads_the_prompt_from_stdin_and_saves_when_asked(tmp_path: Path, script: str) -> None:
    from app.chat.store import Store

    ponder("ask", "-", "--model", script, "--save", home=tmp_path, stdin="From a pipe\n")
    store = Store(tmp_path / "data" / "chats.sqlite3")
    try:
        (chat,) = store.list_chats()
        branch = store.load(chat.id).conversation.branch()
    finally:
        store.close()
    assert chat.title == "From a pipe"
    assert [message.text for message in branch] == ["From a pipe\n", "Four, naïve 👍."]
    assert branch[1].status == "done"


def test_what_is_saved_survives_a_kill_in_the_midst_of_the_answer(tmp_path: Path) -> None:
    from app.chat.store import INTERRUPTED_NOTE, Store

    path = tmp_path / "endless.script.json"
    reply = ["[THINK]", "Hm. ", "[/THINK]", {"forever": "and on, {n} "}]
    path.write_text(json.dumps({"replies": [reply], "token_s": 0.01}), encoding="utf-8")
    asked = [sys.executable, "-m", "app", "ask", "Go on", "--model", str(path), "--save", "--json"]
    running = subprocess.Popen(
        asked,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PONDER_HOME": str(tmp_path)},
    )
    assert running.stdout is not None
    said = ""
    began: float | None = None
    for line in running.stdout:
        event = json.loads(line)
        if event["event"] == "delta" and event["channel"] == "answer":
            began = began or time.monotonic()
            said += event["text"]
            if time.monotonic() - began > 2.5:
                break
    running.kill()
    running.wait()
    running.stdout.close()
    store = Store(tmp_path / "data" / "chats.sqlite3")
    try:
        (chat,) = store.list_chats()
        question, answer = store.load(chat.id).conversation.branch()
    finally:
        store.close()
    assert question.text == "Go on"
    assert (answer.status, answer.note) == ("interrupted", INTERRUPTED_NOTE)
    assert answer.thinking is not None
    assert said.startswith(answer.text[: len(said)])
    assert len(answer.text) > 0
    assert answer.provenance is not None


def test_what_is_saved_names_the_weights_it_was_made_by(tmp_path: Path) -> None:
    from app.chat.store import Store

    ponder("ask", "What is 3 + 4?", "--model", "demo", "--save", home=tmp_path)
    store = Store(tmp_path / "data" / "chats.sqlite3")
    try:
        (chat,) = store.list_chats()
        answer = store.load(chat.id).conversation.branch()[-1]
    finally:
        store.close()
    by = answer.provenance
    assert by is not None
    assert by.sha256 == hashlib.sha256(Path(by.file).read_bytes()).hexdigest()


def test_a_question_that_does_not_fit_is_one_clear_sentence(tmp_path: Path) -> None:
    path = tmp_path / "small.script.json"
    path.write_text(json.dumps({"replies": [["Hi."]], "context": 64}), encoding="utf-8")
    done = ponder("ask", "word " * 200, "--model", str(path), home=tmp_path, status=1)
    (line,) = done.stderr.strip().splitlines()
    assert "tokens, and the model's context holds 64." in line


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("ask", "", "--model", "SCRIPT"), 1, "There is no question."),
        (("ask", "Hi", "--model", "missing.gguf"), 1, "missing.gguf"),
        (("ask",), 2, "usage:"),
        (("ask", "Hi", "--seed", "-1"), 2, "--seed"),
        (("ask", "Hi", "--temperature", "hot"), 2, "--temperature"),
        (("nonsense",), 2, "nonsense"),
        (("reasoning", "--format", "nonsense"), 2, "nonsense"),
        (("tokens", "SCRIPT", "missing.json"), 1, "missing.json"),
    ],
)
def test_errors_are_one_sentence_and_the_right_status(
    tmp_path: Path, script: str, arguments: tuple[str, ...], status: int, words: str
) -> None:
    given = [script if argument == "SCRIPT" else argument for argument in arguments]
    done = ponder(*given, home=tmp_path, status=status)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    if status == 1:
        assert len(done.stderr.strip().splitlines()) == 1


def test_ask_interrupted_keeps_what_came_and_ends_with_130(tmp_path: Path) -> None:
    path = tmp_path / "slow.script.json"
    path.write_text(json.dumps({"replies": [[{"forever": "word "}]], "token_s": 0.01}))
    child = subprocess.Popen(
        [sys.executable, "-m", "app", "ask", "Go on", "--model", str(path), "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PONDER_HOME": str(tmp_path)},
    )
    assert child.stdout is not None
    with child.stdout:
        seen = ""
        while '"delta"' not in seen:
            seen = child.stdout.readline()
        child.send_signal(signal.SIGINT)
        rest = lines(child.stdout.read())
    assert child.wait(30) == 130
    assert rest[-1]["event"] == "finished"
    assert rest[-1]["reason"] == "cancelled"


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "long.script.json"
    path.write_text(json.dumps({"replies": [["word "] * 4000], "token_s": 0.0005}))
    shell = f"'{sys.executable}' -m app ask Hi --model '{path}' --json | head -n 1"
    done = subprocess.run(
        ["sh", "-c", shell],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PONDER_HOME": str(tmp_path)},
        check=True,
    )
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_hardware_json_has_the_contracts_fields(tmp_path: Path) -> None:
    (found,) = lines(ponder("hardware", "--json", home=tmp_path).stdout)
    assert set(found) >= {"gpus", "cpu", "ram", "disk", "notes"}
    assert found["ram"]["total_bytes"] >= found["ram"]["available_bytes"] > 0
    assert "Memory" in ponder("hardware", home=tmp_path).stdout


def test_reasoning_splits_raw_text_and_chunks_alike(tmp_path: Path) -> None:
    raw = "[THINK]Two and\ntwo.[/THINK]Four."
    chunks = "\n".join(json.dumps(raw[at : at + 5]) for at in range(0, len(raw), 5))
    whole = lines(ponder("reasoning", "--json", home=tmp_path, stdin=raw).stdout)
    assert lines(ponder("reasoning", "--json", home=tmp_path, stdin=chunks).stdout) == whole
    assert whole[-1] == {"closed": True, "format": "mistral"}
    pieces = whole[:-1]
    assert "".join(piece["text"] for piece in pieces) == raw
    assert {"channel": "thinking", "text": "Two and\ntwo."} in pieces
    assert {"channel": "answer", "text": "Four."} in pieces


def test_tokens_gives_ids_pieces_and_format(tmp_path: Path, script: str) -> None:
    messages = [
        {"role": "user", "content": "Is [THINK] a word?"},
        {"role": "assistant", "content": "Yes", "thinking": "Hm"},
        {"role": "user", "content": "Really?"},
    ]
    path = tmp_path / "messages.json"
    path.write_text(json.dumps(messages))
    (found,) = lines(ponder("tokens", script, str(path), "--json", home=tmp_path).stdout)
    assert len(found["ids"]) == len(found["pieces"])
    assert found["pieces"].count("[THINK]") == 1, "only the assistant's, not the typed one"
    assert " [THINK]" in found["pieces"]
    assert found["format"] == "mistral-v13"


def test_doctor_tells_what_works(tmp_path: Path) -> None:
    (found,) = lines(ponder("doctor", "--json", home=tmp_path).stdout)
    checks = {check["name"]: check for check in found["checks"]}
    assert checks["Python"]["ok"]
    assert checks["Engine"]["ok"], checks["Engine"]
    assert checks["Chats"]["ok"]


def test_doctor_says_what_to_do_about_a_broken_database(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "chats.sqlite3").write_bytes(b"not a database" * 100)
    done = ponder("doctor", home=tmp_path, status=1)
    assert "MISSING  Chats" in done.stdout
    assert "aside" in done.stdout


def test_the_terminal_chat_answers_and_leaves_the_chat_in_the_store(
    tmp_path: Path, script: str
) -> None:
    done = ponder("chat", "--model", script, home=tmp_path, stdin="2 + 2?\n/quit\n")
    assert "Two and two.\n\nFour, naïve 👍." in done.stdout
    done = ponder("chat", "--model", script, home=tmp_path, stdin="")
    assert (tmp_path / "data" / "chats.sqlite3").exists()
