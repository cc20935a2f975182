"""Images on the command line: shown, kept, counted in the plan; what cannot be shown is told."""

import hashlib
import json
from pathlib import Path

import pytest

from app import paths
from app.chat.load_plan import LoadPlan, for_file
from app.chat.message import Image
from app.chat.store import Store
from app.cli import main
from app.engine.protocol import Command, Load
from app.engine.straight import engine
from app.fit.candidates import ways
from app.fit.devices import MIB, Device, Machine
from app.fit.vision import projector_bytes
from app.models import projectors
from app.transcript.export import record_from
from app.transcript.made_by import lines
from app.transcript.replay import replay
from tests.support import drawn, synthetic
from tests.support import synthetic_vision as seeing

WIDE = synthetic.Shape(width=512, layers=4, heads=4, kv_heads=4, context=65_536)
EYES = seeing.Eyes(text_width=512, width=256, layers=2, heads=4, feed_forward=1024)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("seeing")
    seeing.write_model(home / "seer.gguf", WIDE, general__name="Seer")
    seeing.write(home / "mmproj-F16.gguf", EYES)
    drawn.png(home / "it.png", 300, 200)
    return home


def test_an_image_is_asked_about_and_kept_with_the_chat(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = ["ask", "What is it?", "--model", str(folder / "seer.gguf"), "--max-tokens", "3"]
    image = ["--image", str(folder / "it.png")]
    assert main([*asked, *image, "--save", "--json"]) == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert events[-1]["usage"]["prompt_tokens"] > 11 * 7
    loading = [event for event in events if event["event"] == "loading"]
    # The vision part was promised, and is in what was used.
    eyes = projector_bytes(projectors.read(folder / "mmproj-F16.gguf"))
    promised = ways(folder / "seer.gguf")[0].shape.projector_bytes
    assert promised == eyes
    assert loading[-1]["used_bytes"] == pytest.approx(loading[-1]["promised_bytes"], rel=0.05)
    store = Store(paths.database())
    try:
        (chat,) = store.list_chats()
        messages = store.load(chat.id).conversation.branch()
        (kept,) = [part for part in messages[0].parts if isinstance(part, Image)]
        assert (kept.name, kept.width, kept.height) == ("it.png", 300, 200)
        assert store.kept.get(kept.sha256) == (folder / "it.png").read_bytes()
        by = messages[1].provenance
        assert by is not None
        projector = folder / "mmproj-F16.gguf"
        data = projector.read_bytes()
        expected = (str(projector), len(data), hashlib.sha256(data).hexdigest())
        assert (by.projector, by.projector_bytes, by.projector_sha256) == expected
        assert by.sha256 == hashlib.sha256((folder / "seer.gguf").read_bytes()).hexdigest()
        assert dict(lines(messages[1]))["Vision part's SHA-256"] == expected[2]
    finally:
        store.close()


def test_without_a_picture_the_vision_part_is_neither_recorded_nor_loaded_again(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = ["ask", "Why?", "--model", str(folder / "seer.gguf"), "--max-tokens", "3", "--save"]
    assert main(asked) == 0
    store = Store(paths.database())
    record = record_from(store, store.list_chats()[0].id)
    store.close()
    by = record.conversation.branch()[1].provenance
    assert by is not None
    assert (by.projector, by.projector_bytes, by.projector_sha256) == ("", 0, "")
    sent: list[Command] = []
    with engine() as opened:
        send = opened.send

        def hear(command: Command) -> None:
            sent.append(command)
            send(command)

        opened.send = hear  # type: ignore[method-assign]  # to hear what is sent
        results = list(replay(record, opened))
    assert [result.outcome for result in results] == ["identical"]
    assert [one.options.projector for one in sent if isinstance(one, Load)] == [""]


def test_what_cannot_be_shown_is_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*arguments: object) -> str:
        assert main(["ask", "What?", *map(str, arguments)]) == 1
        return capsys.readouterr().err

    picture = ("--image", folder / "it.png")
    (tmp_path / "webp").write_bytes(b"RIFF\0\0\0\0WEBPVP8 ")
    (tmp_path / "cut.png").write_bytes((folder / "it.png").read_bytes()[:18])
    blind = seeing.write_model(tmp_path / "blind.gguf", general__name="Blind")
    assert "no vision part lies beside its file" in told("--model", blind, *picture)
    seeing.write(tmp_path / "mmproj.gguf", EYES)
    assert "was made for another model" in told("--model", blind, *picture)
    assert "cannot be read" in told("--model", blind, "--image", tmp_path / "gone.png")
    assert "is not an image" in told("--model", blind, "--image", blind)
    assert "WebP" in told("--model", blind, "--image", tmp_path / "webp")
    assert "damaged" in told("--model", blind, "--image", tmp_path / "cut.png")


def test_the_plan_counts_the_vision_part_and_drops_it_before_the_rest_suffers(
    folder: Path, tmp_path: Path
) -> None:
    path = folder / "seer.gguf"
    plain = ways(path)[-1]
    eyes = projector_bytes(projectors.read(folder / "mmproj-F16.gguf"))
    assert plain.projector == ""
    assert plain.shape.projector_bytes == 0

    def planned(budget_bytes: int) -> LoadPlan | None:
        machine = Machine("this", (), Device("memory", "cpu", budget_bytes, 0, None))
        return for_file(path, machine, 40_960)

    much = planned(16384 * MIB)
    assert much is not None
    assert much.projector == str(folder / "mmproj-F16.gguf")
    whole = much.promised_bytes or 0
    # A little less than both need: the cache is kept in fewer bits, and it still sees.
    less = planned(whole - 8 * MIB)
    assert less is not None
    assert (less.projector, less.context) == (much.projector, 40_960)
    assert less.kv != much.kv
    # So little that seeing would cost more than half of the context: it is left out.
    least = for_file(path, Machine("this", (), Device("memory", "cpu", 16384 * MIB, 0, None)), 2048)
    assert least is not None
    short = planned((least.promised_bytes or 0) + 4 * MIB)
    assert short is not None
    assert short.projector == ""
    assert short.context > 4096
    assert "without its vision part" in short.in_words()
    # A smaller one beside it is taken where the better does not fit.
    assert eyes > 4 * MIB


def test_fit_counts_what_lies_beside(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["fit", str(folder / "seer.gguf"), "--device", "cpu32", "--kv", "f16", "--json"]
    assert main(asked) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["projector_bytes"] == projector_bytes(projectors.read(folder / "mmproj-F16.gguf"))
    assert row["total_bytes"] > row["projector_bytes"] + row["weights_bytes"]
