"""Quantizing for real: llama.cpp in its child, its result in the engine, and what goes wrong."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from app import paths
from app.engine.protocol import Finished, Loaded, LoadOptions
from app.errors import Problem, WorldError
from app.models import quantize, quantize_gguf
from app.models.gguf import read_header
from app.models.quantize import Made, Progress, Quantizing
from app.models.quantize_types import F16, F32, FILE_TYPES, Q4_K, Q6_K, Q8_0
from app.prompts.mistral import build
from app.prompts.segments import Turn
from tests.support import synthetic
from tests.support.engine import Engine, said
from tests.unit.models.test_quantize import split

ROOT = Path(__file__).resolve().parents[2]
DEMO = paths.demo_model()
SUMS = {"What is 12 + 30?": "42", "What is 347 + 85?": "432", "What is 90 - 17?": "73"}
PATIENCE_S = 60.0

MEDIUM = synthetic.Shape(2048, 512, 2, 8, 2, 1536)
"""Rows that K-quants fit, and work for some seconds where the type is a slow one."""


@pytest.fixture(scope="module")
def medium(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.write(tmp_path_factory.mktemp("medium") / "medium-Q8_0.gguf", MEDIUM)


def make(source: Path, quantization: str, out: Path) -> tuple[Made, list[Progress]]:
    steps: list[Progress] = []
    made = Quantizing(source, quantization, out, progress=steps.append).run()
    assert made is not None
    return made, steps


def fails(work: Quantizing) -> Problem:
    with pytest.raises(WorldError) as caught:
        work.run()
    assert caught.value.problem.advice
    return caught.value.problem


def answer(engine: Engine, question: str) -> str:
    prompt = build([Turn("user", (question,))], version="mistral-v13", keep_thinking=False)
    events = engine.ask(prompt, reasoning="mistral", max_tokens=300)
    assert isinstance(events[-1], Finished), events[-1]
    return said(events, "answer")


@pytest.mark.parametrize(("quantization", "right"), [("Q8_0", 3), ("Q4_0", 2), ("Q4_K_M", 2)])
def test_the_demo_model_made_smaller_still_reckons(
    engine: Engine, tmp_path: Path, quantization: str, right: int
) -> None:
    made, steps = make(DEMO, quantization, tmp_path / "small.gguf")
    assert made.bytes == pytest.approx(made.predicted_bytes, abs=64)
    assert made.path.stat().st_size == made.bytes
    assert read_header(made.path).number("general.file_type") == FILE_TYPES[quantization].number
    assert [path.name for path in tmp_path.iterdir()] == ["small.gguf"], "nothing is left beside it"
    assert (steps[-1].done, steps[-1].of, steps[-1].share) == (38, 38, 1.0)
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert len({step.done for step in steps}) == 39, "each tensor is told"
    loaded = engine.load(LoadOptions(str(made.path), context=1024))
    assert isinstance(loaded, Loaded), loaded
    given = {question: answer(engine, question) for question in SUMS}
    assert sum(f"**{SUMS[question]}**" in text for question, text in given.items()) >= right, given


def test_k_quants_of_a_larger_model_load_and_answer(
    engine: Engine, tmp_path: Path, medium: Path
) -> None:
    before = medium.read_bytes()
    made, _ = make(medium, "Q4_K_M", tmp_path / "medium-Q4_K_M.gguf")
    assert made.bytes == pytest.approx(made.predicted_bytes, abs=64)
    kinds = {tensor.name: tensor.type for tensor in read_header(made.path).tensors}
    assert kinds["output.weight"] == Q6_K
    assert kinds["blk.1.ffn_up.weight"] == Q4_K
    assert medium.read_bytes() == before, "the source is only read"
    assert isinstance(engine.load(LoadOptions(str(made.path), context=512)), Loaded)
    events = engine.ask(synthetic.words(20), max_tokens=20)
    assert isinstance(events[-1], Finished)
    assert events[-1].usage.answer_tokens == 20


@pytest.mark.parametrize(("quantization", "kind"), [("BF16", 30), ("F32", F32), ("F16", F16)])
def test_a_q8_0_file_can_be_widened(tmp_path: Path, quantization: str, kind: int) -> None:
    source = synthetic.write(tmp_path / "tiny-Q8_0.gguf")
    made, _ = make(source, quantization, quantize.default_out(source, quantization))
    assert made.path.name == f"tiny-{quantization}.gguf"
    kinds = {tensor.name: tensor.type for tensor in read_header(made.path).tensors}
    assert kinds["blk.0.attn_q.weight"] == kind
    back, _ = make(made.path, "Q8_0", tmp_path / "back.gguf")
    again = {tensor.name: tensor.type for tensor in read_header(back.path).tensors}
    assert again["blk.0.attn_q.weight"] == Q8_0


def test_a_split_model_becomes_one_file(tmp_path: Path) -> None:
    whole, _ = make(DEMO, "Q5_0", tmp_path / "whole.gguf")
    first, _ = split(DEMO, tmp_path)
    parts, _ = make(first, "Q5_0", tmp_path / "parts.gguf")
    assert parts.bytes == pytest.approx(parts.predicted_bytes, abs=256)
    one, other = read_header(whole.path), read_header(parts.path)
    assert one.tensors == other.tensors
    data = whole.path.read_bytes()[one.data_start :]
    assert parts.path.read_bytes()[other.data_start :] == data


def test_all_that_the_library_names_is_offered() -> None:
    """llama.h's list, read from the bindings; NVFP4 is the one that it does not make."""
    code = (
        "from app.engine.backends import llama_library\n"
        "api = llama_library.library()\n"
        "print(*(f'{n}={getattr(api, n)}' for n in dir(api) if n.startswith('LLAMA_FTYPE_')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    named = dict(word.split("=") for word in done.stdout.split())
    del named["LLAMA_FTYPE_GUESSED"], named["LLAMA_FTYPE_MOSTLY_NVFP4"]
    assert {
        name.removeprefix("LLAMA_FTYPE_MOSTLY_").removeprefix("LLAMA_FTYPE_ALL_"): int(number)
        for name, number in named.items()
    } == {name: kind.number for name, kind in FILE_TYPES.items()}


# ------------------------------------------------------------ what goes wrong


@contextmanager
def under_way(source: Path, out: Path) -> Iterator[tuple[Quantizing, Callable[[], object]]]:
    """Give a quantization whose child is at work, and a function that waits for its end."""
    begun = threading.Event()
    outcome: list[object] = []

    def progress(step: Progress) -> None:
        if step.done:
            begun.set()

    work = Quantizing(source, "IQ4_XS", out, threads=1, progress=progress)

    def run() -> None:
        try:
            outcome.append(work.run())
        except WorldError as error:
            outcome.append(error.problem)

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(PATIENCE_S)

    def end() -> object:
        thread.join(PATIENCE_S)
        return outcome[0]

    yield work, end
    thread.join(PATIENCE_S)


def child() -> psutil.Process:
    (found,) = [
        process
        for process in psutil.Process().children()
        if not any("resource_tracker" in word for word in process.cmdline())
    ]
    return found


def test_a_cancel_leaves_nothing(tmp_path: Path, medium: Path) -> None:
    with under_way(medium, tmp_path / "out.gguf") as (work, end):
        began = time.monotonic()
        work.cancel()
        assert end() is None
    assert time.monotonic() - began < PATIENCE_S / 4
    assert not list(tmp_path.iterdir())
    work = Quantizing(medium, "Q4_0", tmp_path / "out.gguf")
    work.cancel()
    assert work.run() is None, "also before it began"


def test_a_child_that_is_killed_is_told(tmp_path: Path, medium: Path) -> None:
    with under_way(medium, tmp_path / "out.gguf") as (_, end):
        child().kill()
        told = end()
    assert isinstance(told, Problem)
    assert told.title == "The quantization was killed from outside."
    assert "nothing half-made was kept" in told.advice
    assert not list(tmp_path.iterdir())


def test_a_child_that_aborts_is_told_with_the_logs_end(tmp_path: Path, medium: Path) -> None:
    with under_way(medium, tmp_path / "out.gguf") as (_, end):
        child().send_signal(signal.SIGABRT)
        told = end()
    assert isinstance(told, Problem)
    assert told.title == "The quantization gave up on an error of its own (abort)."
    assert "converting to" in told.detail
    assert not list(tmp_path.iterdir())


def test_the_child_goes_first_to_the_window(tmp_path: Path, medium: Path) -> None:
    with under_way(medium, tmp_path / "out.gguf") as (work, end):
        assert child().nice() > psutil.Process().nice()
        work.cancel()
        end()


def test_a_target_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "out.gguf"
    work = Quantizing(DEMO, "Q4_0", out, progress=lambda _: out.write_bytes(b"mine") and None)
    assert fails(work).title == "out.gguf is there already."
    assert out.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [out]


def test_a_reader_of_the_progress_that_left_is_not_taken_for_a_death(tmp_path: Path) -> None:
    def gone(_: Progress) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        Quantizing(DEMO, "Q4_0", tmp_path / "out.gguf", progress=gone).run()
    assert not list(tmp_path.iterdir())


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    """A scale that is not a number: llama.cpp checks each row that it reads."""
    source = synthetic.write(tmp_path / "tiny-Q8_0.gguf")
    data = bytearray(source.read_bytes())
    start = read_header(source).data_start
    data[start : start + 2] = b"\xff\x7f"
    source.write_bytes(data)
    told = fails(Quantizing(source, "Q4_0", tmp_path / "out.gguf"))
    assert told.title == "tiny-Q8_0.gguf is damaged or not a whole model."
    assert "token_embd.weight" in told.detail
    assert list(tmp_path.iterdir()) == [source]


def test_a_model_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    source = synthetic.write(
        tmp_path / "tiny.gguf",
        general__architecture="abacus",
        abacus__block_count=2,
        abacus__embedding_length=64,
        abacus__attention__head_count=2,
    )
    told = fails(Quantizing(source, "Q4_0", tmp_path / "out.gguf"))
    assert told.title.startswith("The converter does not know the kind of model")


def test_a_disk_that_is_full_is_told(tmp_path: Path) -> None:
    """A limit on the size of files, which the child inherits, fails as a full disk does."""
    resource = pytest.importorskip("resource")
    source = synthetic.write(tmp_path / "tiny-Q8_0.gguf", synthetic.Shape(16_384))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    work = Quantizing(source, "F32", tmp_path / "out.gguf", log_path=tmp_path / "log")
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, before[1]))
    try:
        told = fails(work)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (told.key, told.title) == (
        "disk-full",
        "The disk did not take the whole result: it may be full.",
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "tiny-Q8_0.gguf"]


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    told = fails(Quantizing(DEMO, "Q4_0", folder / "out.gguf"))
    assert told.title.startswith("Nothing can be written to the folder")


def test_a_folder_that_cannot_be_written_is_told() -> None:
    told = fails(Quantizing(DEMO, "Q4_0", Path("/proc/out.gguf")))
    assert told.key in ("quantize-target", "disk-full")
    told = fails(Quantizing(DEMO, "Q4_0", Path("/nowhere/at/all.gguf")))
    assert told.title == "There is no folder /nowhere/at."


# ------------------------------------------------------------ the command


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "app", "models", "quantize", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PONDER_HOME": str(home)},
    )


def wait_for_progress(child: subprocess.Popen[str]) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        if '"progress"' in line:
            return
    raise AssertionError("it ended before it began")


def test_the_command_tells_programs_in_json(tmp_path: Path) -> None:
    out = tmp_path / "small.gguf"
    with start(tmp_path, str(DEMO), "q8_0", "--out", str(out), "--json") as child:
        text, errors = child.communicate(timeout=PATIENCE_S)
    assert (child.returncode, errors) == (0, "")
    first, *between, last = [json.loads(line) for line in text.splitlines()]
    assert first["event"] == "preview"
    assert first["verdict"] == "fits"
    assert {event["event"] for event in between} == {"progress"}
    assert (between[-1]["done"], between[-1]["of"]) == (38, 38)
    assert (last["event"], last["path"]) == ("done", str(out))
    assert last["bytes"] == out.stat().st_size
    assert last["bytes"] == pytest.approx(last["predicted_bytes"], rel=0.01)


def test_the_command_tells_people_in_words(tmp_path: Path) -> None:
    out = tmp_path / "small.gguf"
    with start(tmp_path, str(DEMO), "Q4_0", "--out", str(out)) as child:
        text, errors = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 0
    assert text.startswith("Q4_0: 1 MB on the disk.\nOn this machine, with 8,192 tokens")
    assert "Fits with" in text
    assert f"{out}: 1 MB, 1 MB predicted" in text
    assert "38 of 38 tensors" in errors
    with start(tmp_path, str(DEMO), "Q4_0", "--out", str(out)) as child:
        text, errors = child.communicate(timeout=PATIENCE_S)
    assert (child.returncode, text) == (1, "")
    assert errors == (
        "ponder: small.gguf is there already. Use it, remove it, or choose another name.\n"
    )


def test_ctrl_c_removes_what_was_begun(tmp_path: Path, medium: Path) -> None:
    out = tmp_path / "out" / "big.gguf"
    out.parent.mkdir()
    arguments = (str(medium), "IQ4_NL", "--threads", "1", "--out", str(out), "--json")
    with start(tmp_path, *arguments) as child:
        wait_for_progress(child)
        (working,) = [
            process
            for process in psutil.Process(child.pid).children()
            if not any("resource_tracker" in word for word in process.cmdline())
        ]
        child.send_signal(signal.SIGINT)
        assert child.wait(PATIENCE_S) == 130
    psutil.wait_procs([working], PATIENCE_S)
    assert not working.is_running()
    assert not list(out.parent.iterdir())


def test_a_killed_command_takes_its_child_along_and_the_next_tidies_up(
    tmp_path: Path, medium: Path
) -> None:
    out = tmp_path / "out" / "big.gguf"
    out.parent.mkdir()
    arguments = (str(medium), "IQ4_NL", "--threads", "1", "--out", str(out), "--json")
    with start(tmp_path, *arguments) as child:
        wait_for_progress(child)
        working = psutil.Process(child.pid).children()
        child.kill()
    psutil.wait_procs(working, PATIENCE_S)
    assert not [process for process in working if process.is_running()]
    assert len(list(out.parent.iterdir())) == 1
    make(DEMO, "Q4_0", out)
    assert list(out.parent.iterdir()) == [out]


def test_plans_are_made_without_llama_cpp() -> None:
    """The window may preview: nothing heavy is imported for it."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from app.fit.devices import named\n"
        "from app.models import quantize\n"
        f"seen = quantize.preview(Path({str(DEMO)!r}), 'Q4_0', machine=named('rtx4090'),"
        " out=Path('out.gguf'))\n"
        "assert seen.row is not None, seen\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    heavy = {"llama_cpp", "numpy", "mlx", "mlx_lm", "transformers", "huggingface_hub"}
    assert not heavy & set(done.stdout.split())
    assert quantize_gguf.plan(DEMO, "Q4_0").bytes > 0
