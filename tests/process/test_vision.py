"""Pictures in the real child: a synthetic vision part runs through mtmd to an answer."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.engine.protocol import (
    Cancel,
    Count,
    Counted,
    Event,
    Failed,
    Finished,
    Loaded,
    LoadOptions,
    PromptProgress,
    Started,
    Tokenize,
    Tokens,
    Unload,
    Unloaded,
)
from app.prompts import mistral
from app.prompts.segments import Image, Picture, Prompt, Turn
from tests.support import drawn, synthetic
from tests.support import synthetic_vision as seeing
from tests.support.engine import Engine, said

SIZE = (700, 500)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model that sees, and pictures."""
    home = tmp_path_factory.mktemp("seeing")
    seeing.write_model(home / "seer.gguf", general__name="Seer")
    seeing.write(home / "mmproj-F16.gguf")
    for number in (1, 2, 3):
        drawn.png(home / f"{number}.png", *SIZE, number)
    return home


@pytest.fixture
def seer(engine: Engine, folder: Path) -> Engine:
    loaded = engine.load(options(folder))
    assert isinstance(loaded, Loaded), loaded
    assert loaded.info.sees
    assert loaded.info.projector == str(folder / "mmproj-F16.gguf")
    return engine


def options(folder: Path, **changes: Any) -> LoadOptions:
    values = {"context": 4096, "gpu_layers": 0, **changes}
    return LoadOptions(str(folder / "seer.gguf"), **values)


def asked(*pictures: int, text: str = "What is this?") -> Prompt:
    """Return a prompt with pictures of the folder, each called by its number."""
    shown = [Picture(str(number), *SIZE) for number in pictures]
    return mistral.build([Turn("user", (*shown, text))], version="mistral-v13", keep_thinking=False)


def look(engine: Engine, folder: Path, *pictures: int, **asks: Any) -> list[Event]:
    files = tuple(drawn.shown(folder / f"{number}.png") for number in pictures)
    asks.setdefault("max_tokens", 4)
    prompt = asks.pop("prompt", None) or asked(*pictures)
    return engine.ask(prompt, pictures=files, ignore_end=True, **asks)


def started(events: list[Event]) -> Started:
    (found,) = [event for event in events if isinstance(event, Started)]
    return found


def child(*arguments: object) -> Any:
    command = [sys.executable, "-m", "tests.support.vision_child", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_a_picture_is_looked_at_to_an_answer(seer: Engine, folder: Path) -> None:
    events = look(seer, folder, 1, max_tokens=8)
    last = events[-1]
    assert isinstance(last, Finished)
    assert last.usage.answer_tokens == 8
    assert said(events, "answer")
    # 700 by 500 pixels are 25 by 18 tokens of 28 pixels a side, and 18 ends of rows.
    words = started(look(seer, folder, prompt=asked())).prompt_tokens
    assert last.usage.prompt_tokens == words + 25 * 18 + 18
    # It counts the same before it is sent.
    request = seer.client.next_request()
    seer.client.send(Count(request, (asked(1), asked(1, 2), asked())))
    (counted,) = seer.until(lambda event: isinstance(event, Counted | Failed))
    assert isinstance(counted, Counted)
    for count, pictures in zip(counted.counts, ((1,), (1, 2), ()), strict=True):
        assert started(look(seer, folder, *pictures)).prompt_tokens == count


def test_the_same_is_read_as_by_mtmds_own_helper(folder: Path) -> None:
    files = (folder / name for name in ("seer.gguf", "mmproj-F16.gguf", "1.png", "2.png"))
    found = child("logits", *SIZE, *files)
    for each in found:
        assert each["tokens"] == each["theirs"]
        assert each["difference"] <= 1e-4 * each["spread"]
        assert each["best"] == each["their_best"]
    assert found[0]["some"] != found[1]["some"]  # what is in the picture matters


def test_what_was_read_of_a_picture_is_kept_for_the_next_turn(seer: Engine, folder: Path) -> None:
    first = started(look(seer, folder, 1))
    assert started(look(seer, folder, 1)).cached_tokens == first.prompt_tokens - 1
    turns = [
        Turn("user", (Picture("1", *SIZE), "What is this?")),
        Turn("assistant", ("A gradient.",)),
        Turn("user", (Picture("2", *SIZE), "And this?")),
    ]
    prompt = mistral.build(turns, version="mistral-v13", keep_thinking=False)
    second = started(look(seer, folder, 1, 2, prompt=prompt))
    assert second.cached_tokens >= first.prompt_tokens - 1
    # Another picture of the same size is not taken for the first.
    other = started(look(seer, folder, 3))
    assert other.prompt_tokens == first.prompt_tokens
    assert other.cached_tokens < 10
    assert other.prompt_hash != first.prompt_hash
    # And it comes back from disk, for that picture only.
    long = "What is this?" + synthetic.words(200)
    kept = started(look(seer, folder, 1, prompt=asked(1, text=long), chat="chat"))
    request = seer.client.next_request()
    seer.client.send(Unload(request))
    seer.until(lambda event: isinstance(event, Unloaded))
    assert isinstance(seer.load(options(folder)), Loaded)
    another = look(seer, folder, 2, prompt=asked(2, text=long), chat="chat")
    assert started(another).cached_tokens < 10
    again = started(look(seer, folder, 1, prompt=asked(1, text=long), chat="chat"))
    assert again.prompt_hash == kept.prompt_hash
    assert again.cached_tokens == kept.prompt_tokens - 1


def test_reading_ahead_changes_nothing_around_pictures(folder: Path) -> None:
    model, projector = folder / "seer.gguf", folder / "mmproj-F16.gguf"
    told = child("ahead", 60, *SIZE, model, projector, folder / "1.png", folder / "2.png")
    for way in ("greedy", "drawn"):
        assert told[f"ahead {way}"] == told[f"plain {way}"]
        assert told[f"ahead {way} dropped"] == [3]
        assert told[f"plain {way} dropped"] == [0]
    assert told["ahead guessed"] > 4 * 3
    assert told["plain guessed"] == 0


def test_what_was_typed_never_becomes_a_picture(seer: Engine) -> None:
    request = seer.client.next_request()
    typed = asked(1, text="[IMG][IMG_BREAK][IMG_END] ![](1) <__media__>")
    seer.client.send(Tokenize(request, typed))
    (tokens,) = seer.until(lambda event: isinstance(event, Tokens | Failed))
    assert isinstance(tokens, Tokens)
    shown = [at for at, token_id in enumerate(tokens.ids) if token_id < 0]
    assert len(shown) == 25 * 18 + 17
    assert {tokens.pieces[at] for at in shown} == {"[IMG]"}
    assert shown == list(range(shown[0], shown[0] + len(shown)))
    assert tokens.pieces[shown[-1] + 1] == "[IMG_END]"
    rest = tokens.pieces[shown[-1] + 2 : -1]
    assert "".join(rest) == "[IMG][IMG_BREAK][IMG_END] ![](1) <__media__>"
    assert "[IMG]" not in rest


def test_looking_at_a_picture_can_be_stopped(engine: Engine, tmp_path: Path) -> None:
    """Large enough that its encoding takes a while: the cancel arrives in the midst of it."""
    seeing.write_model(tmp_path / "seer.gguf")
    eyes = seeing.Eyes(width=128, layers=16, heads=4, feed_forward=512)
    seeing.write(tmp_path / "mmproj.gguf", eyes, data=False)
    drawn.png(tmp_path / "1.png", *SIZE)
    assert isinstance(engine.load(options(tmp_path)), Loaded)
    files = (drawn.shown(tmp_path / "1.png"),)
    request = engine.generate(asked(1), pictures=files, max_tokens=4)
    events = engine.until(lambda event: isinstance(event, PromptProgress))
    engine.client.send(Cancel(request))
    events = engine.until(lambda event: isinstance(event, Finished | Failed))
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == "cancelled"
    assert not [event for event in events if isinstance(event, Started)]
    # The engine lives on, and can look again.
    assert isinstance(engine.ask(asked(), max_tokens=2)[-1], Finished)


def refused(engine: Engine, folder: Path, **changes: Any) -> Failed:
    answer = engine.load(options(folder, **changes))
    assert isinstance(answer, Failed), answer
    return answer


def test_a_vision_part_of_another_model_is_told_in_a_sentence(
    engine: Engine, folder: Path, tmp_path: Path
) -> None:
    other = seeing.write(tmp_path / "mmproj-other.gguf", seeing.Eyes(text_width=128))
    problem = refused(engine, folder, projector=str(other)).problem
    assert problem.title == "mmproj-other.gguf was made for another model than seer.gguf."
    assert "mmproj" in problem.advice
    assert problem.detail == "it makes vectors of 128, the model takes 64"
    # Beside a model it is passed over, and why is known.
    seeing.write_model(tmp_path / "seer.gguf")
    loaded = engine.load(options(tmp_path))
    assert isinstance(loaded, Loaded)
    assert not loaded.info.sees
    assert loaded.info.blind == problem.title
    blind = engine.ask(asked(1))[-1]
    assert isinstance(blind, Failed)
    assert blind.problem.key == "no-vision"


def test_a_vision_part_that_cannot_be_one_is_told_and_harms_nothing(
    engine: Engine, folder: Path, tmp_path: Path
) -> None:
    whole = (folder / "mmproj-F16.gguf").read_bytes()
    (tmp_path / "cut.gguf").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "junk.gguf").write_bytes(b"no such thing " * 100)
    (tmp_path / "empty.gguf").write_bytes(b"")
    seeing.write_model(tmp_path / "model.gguf")
    seeing.write(tmp_path / "kind.gguf", seeing.Eyes(kind="qwen2vl_merger"))
    seeing.write(tmp_path / "figures.gguf", clip__vision__attention__head_count=7)
    seeing.write(tmp_path / "layers.gguf", clip__vision__block_count=1 << 19)
    for name in ("missing", "cut", "junk", "empty", "model", "kind", "figures", "layers"):
        problem = refused(engine, folder, projector=str(tmp_path / f"{name}.gguf")).problem
        assert problem.title.count(f"{name}.gguf") == 1
        assert problem.title.endswith("."), problem
        assert problem.advice, problem
    assert isinstance(engine.load(options(folder)), Loaded)


def test_a_model_without_the_tokens_of_pictures_is_loaded_without_eyes(
    engine: Engine, tmp_path: Path
) -> None:
    synthetic.write(tmp_path / "seer.gguf", general__name="Plain")
    eyes = seeing.write(tmp_path / "mmproj.gguf")
    loaded = engine.load(options(tmp_path))
    assert isinstance(loaded, Loaded)
    assert not loaded.info.sees
    assert loaded.info.blind == (
        "Plain was not made to see pictures, so mmproj.gguf is not its vision part."
    )
    assert isinstance(engine.ask(max_tokens=2)[-1], Finished)
    assert refused(engine, tmp_path, projector=str(eyes)).problem.title == loaded.info.blind
    # It can also be told to load none.
    chosen = engine.load(options(tmp_path, projector=""))
    assert isinstance(chosen, Loaded)
    assert (chosen.info.sees, chosen.info.projector, chosen.info.blind) == (False, "", "")


def test_a_picture_that_cannot_be_shown_is_told_in_a_sentence(
    seer: Engine, folder: Path, tmp_path: Path
) -> None:
    whole = (folder / "1.png").read_bytes()
    (tmp_path / "cut").write_bytes(whole[:400])
    (tmp_path / "text").write_bytes(b"not a picture, whatever its name says")
    drawn.png(tmp_path / "small", 40, 30)
    # A file of some hundred bytes can claim to be this large.
    (tmp_path / "huge").write_bytes(whole[:16] + (60_000).to_bytes(4, "big") * 2 + whole[24:])
    file = drawn.shown(folder / "1.png")
    for name, key, title in (
        ("gone", "picture-gone", "The file of an image in this chat is missing."),
        ("cut", "picture-unreadable", "An image in this chat cannot be read: its file is damaged."),
        (
            "text",
            "picture-unreadable",
            "An image in this chat cannot be read: its file is damaged.",
        ),
        ("small", "picture-changed", "The file of an image in this chat is not the one that was"),
        ("huge", "picture-unreadable", "An image in this chat is too large to be shown"),
    ):
        failed = seer.ask(asked(1), pictures=(replace(file, path=str(tmp_path / name)),))[-1]
        assert isinstance(failed, Failed)
        assert failed.problem.key == key
        assert failed.problem.title.startswith(title)
        assert failed.problem.advice
    narrow: Prompt = tuple(
        replace(part, width=60_000, height=20) if isinstance(part, Image) else part
        for part in asked(1)
    )
    failed = look(seer, folder, 1, prompt=narrow)[-1]
    assert isinstance(failed, Failed)
    assert failed.problem.title == (
        "An image of 60,000 × 20 pixels is too long and narrow for the model."
    )
    assert isinstance(look(seer, folder, 1)[-1], Finished)
