"""Figures as they are told, downloads as they are told, and what the button does."""

from dataclasses import replace

import pytest

from app.fit.devices import named
from app.models import catalogue
from app.models.download_types import Download, State, Wanted
from app.models.hub import RemoteFile, Repository
from app.picker import action, progress, remote, table, words
from app.picker.listing import Item, items
from app.picker.table import Line
from tests.ui import shots_picker

GB = 10**9


@pytest.mark.parametrize(
    ("size", "said"),
    [(24 << 30, "24.0 GB"), (480 << 20, "480 MB"), (137 << 30, "137 GB"), (-3 << 30, "-3.0 GB")],
)
def test_memory(size: int, said: str) -> None:
    assert words.memory(size) == said


@pytest.mark.parametrize(
    ("size", "said"), [(19_345_678_901, "19.3 GB"), (1_674_240, "1.7 MB"), (84_000_000, "84 MB")]
)
def test_files(size: int, said: str) -> None:
    assert words.file_size(size) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(8.2, "8 s"), (136, "2 min 16 s"), (3900, "1 h 05 min"), (-1, "0 s")]
)
def test_durations(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


def test_quality_falls_with_the_bits() -> None:
    order = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K")
    assert [words.quality_of(name).dots for name in order] == [5, 5, 4, 3, 2, 1]
    assert words.quality_of("Q6_K").words == "near-lossless"


def download(state: State, done: int = 0, total: int = 0, **more: float) -> Download:
    wanted = Wanted("a/b", "", ("folder/Model-Q6_K.gguf",), "Model Q6_K")
    speed, left = more.get("bytes_per_s"), more.get("seconds_left")
    return Download("1", wanted, state, done, total, bytes_per_s=speed, seconds_left=left)


def test_a_running_download_is_told_as_in_the_design() -> None:
    one = download("running", 7_900_000_000, 19_300_000_000, bytes_per_s=84e6, seconds_left=136)
    assert progress.title(one) == "Downloading Model-Q6_K.gguf"
    assert progress.facts(one) == "7.9 of 19.3 GB · 84 MB/s · 2 min 16 s left"


def test_states_have_their_words() -> None:
    states: tuple[State, ...] = ("waiting", "running", "paused", "checking", "done", "failed")
    titles = {progress.title(download(state)) for state in states}
    assert len(titles) == len(states)
    assert progress.facts(download("waiting")) == ""


def test_the_sidebars_line() -> None:
    assert progress.summary([]) == ("", 0, 0)
    assert progress.summary([download("done", GB, GB), download("failed")]) == ("", 0, 0)
    assert progress.summary([download("running", 1, 4)]) == ("Model Q6_K · 25 %", 1, 4)
    assert progress.summary([download("paused", 1, 4)])[0] == "Model Q6_K · paused"
    two = progress.summary([download("running", 1, 4), download("paused", 2, 4)])
    assert two == ("2 downloads · 37 %", 3, 8)
    assert progress.summary([download("waiting")])[0] == "Model Q6_K · waiting"


# ---------------------------------------------------------------- the button


def chosen(name: str = "magistral", at: int | None = None) -> tuple[Item, Line, Wanted]:
    entry = catalogue.find(name)
    assert entry is not None
    found = table.of_entry(entry, named("rtx4090"), entry.context_default)
    line = found.lines[found.best if at is None else at]
    item = next(item for item in items((entry,), ()))
    return item, line, Wanted(line.source.repository, "", line.source.files, "")


def test_nothing_chosen_does_nothing() -> None:
    assert action.action(None, None) is action.NOTHING


def test_what_is_not_here_is_downloaded_and_used() -> None:
    item, line, _ = chosen()
    assert action.action(item, line).label == "Download and use"


@pytest.mark.parametrize(
    ("state", "kind", "enabled"),
    [
        ("waiting", "busy", False),
        ("running", "busy", False),
        ("paused", "busy", False),
        ("checking", "busy", False),
        ("failed", "again", True),
        ("done", "download", True),  # its file is gone, or it would have a path
    ],
)
def test_a_download_that_is_known(state: State, kind: str, enabled: bool) -> None:
    item, line, wanted = chosen()
    found = action.action(item, line, [Download("7", wanted, state)])
    assert (found.kind, found.enabled) == (kind, enabled)


def test_what_does_not_fit_is_only_downloaded() -> None:
    entry = catalogue.find("magistral")
    assert entry is not None
    found = table.of_entry(entry, named("mac32"), 40_960)
    item, line = next(iter(items((entry,), ()))), found.lines[0]
    assert not line.fits
    done = action.action(item, line)
    assert (done.label, done.uses) == ("Download only", False)
    assert done.why


def repository(licence: str) -> Item:
    files = (RemoteFile("m-Q8_0.gguf", "Q8_0", GB),)
    one = Repository("a/m", "a", "c", licence, False, files, "llama_cpp")
    return next(iter(items((), (), (one,))))


@pytest.mark.parametrize(
    ("licence", "asked"),
    [("apache-2.0", False), ("mit", False), ("mrl", True), ("other", True), ("", True)],
)
def test_a_licence_that_may_restrict_use_is_asked_for(licence: str, asked: bool) -> None:
    _, line, _ = chosen()
    item = repository(licence)
    assert action.needs_consent(item) is asked
    assert action.action(item, line).enabled is not asked
    assert action.action(item, line, accepted=True).enabled
    assert remote.is_open(licence) is not asked


def test_what_can_be_made_here_is_made_one_at_a_time() -> None:
    item, line, _ = chosen()
    line = replace(
        line, download_bytes=0, source=replace(line.source, made_from="models/bf16.gguf")
    )
    assert line.cost.startswith("to make, ")
    assert action.action(item, line).label == "Make and use"
    mine = Download(progress.MAKING, Wanted("", "", line.source.files, ""), "running", 1, 4)
    assert action.action(item, line, [mine]).download is mine
    assert progress.title(mine).startswith("Making ")
    other = replace(mine, wanted=Wanted("", "", ("other.gguf",), ""))
    found = action.action(item, line, [other])
    assert (found.enabled, found.download) == (False, None)


def test_a_card_that_the_engine_leaves_alone_is_explained() -> None:
    found = shots_picker.recorded("rtx3090-linux-smi")
    assert words.unused_card(found).startswith("Your RTX 3090 was found, but the engine is built")
    assert words.unused_card(shots_picker.recorded("rtx4090-linux")) == ""
    assert words.unused_card(shots_picker.recorded("cpu-only")) == ""


def test_the_machine_is_told_in_pills() -> None:
    pills = words.pills(shots_picker.of_the_picture())
    assert pills == ("NVIDIA RTX 4090 · 24.0 GB, 23.4 free", "64 GB RAM", "811 GB disk")
    without = words.pills(shots_picker.recorded("cpu-only"))
    assert without[1].endswith(" free")
