"""What the store and the search cost with 100,000 messages; a checkpoint of a very long answer.

    python -m tests.bench.bench_store [MESSAGES]

Each line says whether a promise holds: PASS or FAIL, what was measured, what was promised. Times
are of the processor (this thread and, where another one works for it, that one's too), because a
busy machine would otherwise be what is measured; the time on the clock stands beside them.

Appending is measured beside rewriting the whole answer every second (the same code with its memory
of what is written taken away), which is the reason for the table `pieces`.
"""

import itertools
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.chat.message import Message, Text, Thinking, new_id
from app.chat.search import Found, Searcher
from app.chat.search_index import Filler, index_path, open_index
from app.chat.search_query import LIMIT, found
from app.chat.store import Store
from app.settings import Settings

MESSAGES = 100_000
IN_A_CHAT = 50
TOKENS = 200_000
CHARACTERS = 4 * TOKENS
A_SECOND = 50 * 4
"""Characters a second brings at 50 tokens a second."""


@dataclass
class Verdicts:
    """Prints each promise with what was measured, and counts those that failed."""

    failed: int = field(default=0)

    def say(self, what: str, measured: float, promised: float, unit: str, note: str = "") -> None:
        good = measured <= promised
        self.failed += not good
        print(
            f"{'PASS' if good else 'FAIL'}  {what}: {measured:.2f} {unit}"
            f" (promised {promised:g}){f', {note}' if note else ''}",
            flush=True,
        )


def timed_ms(work: Callable[[], object]) -> tuple[float, float]:
    """Return the processor's and the clock's milliseconds."""
    start, clock = time.process_time(), time.perf_counter()
    work()
    return 1000 * (time.process_time() - start), 1000 * (time.perf_counter() - clock)


def least(work: Callable[[], object], times: int = 5) -> tuple[float, float]:
    """Return the least of several measurements: the one least disturbed."""
    return min(timed_ms(work) for _ in range(times))


def written_bytes() -> int:
    """Bytes this process has given to write() so far; 0 where the system does not say."""
    try:
        counts = Path("/proc/self/io").read_text(encoding="ascii")
    except OSError:
        return 0
    return int(counts.split("wchar: ")[1].split()[0])


# ---------------------------------------------------------------- checkpoints


def long_answer(store: Store) -> Message:
    question = Message(new_id(), None, "user", (Text("Prove it."),), 0.0)
    answer = Message(new_id(), question.id, "assistant", (), 1.0, "running")
    store.create_chat(new_id(), title="Proof", messages=(question, answer))
    return answer


def bench_checkpoints(folder: Path, *, append: bool) -> None:
    store = Store(folder / f"checkpoint-{append}.sqlite3")
    answer = long_answer(store)
    thought = ("so the sum of the angles is half a turn; " * (CHARACTERS // 40))[:CHARACTERS]
    for end in (100_000, 400_000, CHARACTERS - 61 * A_SECOND):
        store.checkpoint(replace(answer, parts=(Thinking(thought[:end], closed=False),)))
        times = []
        before = written_bytes()
        for second in range(1, 61):
            if not append:
                store._written.clear()
            text = thought[: end + second * A_SECOND]
            message = replace(answer, parts=(Thinking(text, closed=False),))
            times.append(timed_ms(lambda message=message: store.checkpoint(message))[0])  # type: ignore[misc]
        print(
            f"      {'append ' if append else 'rewrite'} at {end:7,} characters: "
            f"median {statistics.median(times):6.2f} ms, "
            f"{(written_bytes() - before) / 60 / 1024:8.1f} KiB a checkpoint"
        )
    store.close()


def bench_checkpoint_in_the_window(folder: Path, verdicts: Verdicts) -> None:
    """What the window's thread has to do with a checkpoint: hand the message to the worker."""
    from app.chat.store_worker import StoreWorker

    news = threading.Semaphore(0)
    worker = StoreWorker(folder / "window.sqlite3", on_problem=lambda _: None, wakeup=news.release)
    question = Message(new_id(), None, "user", (Text("Prove it."),), 0.0)
    answer = Message(new_id(), question.id, "assistant", (), 1.0, "running")
    chat = new_id()
    worker.call(lambda store: store.create_chat(chat, title="Proof", messages=(question, answer)))
    thought = "so the sum of the angles is half a turn; " * (CHARACTERS // 40)
    times = []
    for second in range(200):
        message = replace(answer, parts=(Thinking(thought[: 4 * A_SECOND * second * 20]),))

        def save(store: Store, message: Message = message) -> None:
            store.checkpoint(message)

        start = time.thread_time()
        worker.call(save, key="checkpoint")
        worker.poll()
        times.append(1000 * (time.thread_time() - start))
        while worker.poll():
            news.acquire(timeout=5)
    worker.close()
    verdicts.say("a checkpoint on the window's thread, worst of 200", max(times), 5, "ms")


# ---------------------------------------------------------------- a large store


def words(draw: random.Random) -> Callable[[int], str]:
    """Return a maker of texts: 30,000 words, as frequent as words are (Zipf)."""
    letters, weights = "etaoinshrdlcumwfgypbvk", range(22, 0, -1)
    short = [*itertools.product("etaoinshr", repeat=2)]
    known = ["".join(pair) for pair in short]
    while len(known) < 30_000:
        known.append("".join(draw.choices(letters, weights, k=draw.choice((3, 4, 5, 6, 7, 8, 9)))))
    shares = list(itertools.accumulate(1 / (place + 3) for place in range(len(known))))
    return lambda count: " ".join(draw.choices(known, cum_weights=shares, k=count))


def fill(store: Store, count: int, said: Callable[[int], str]) -> str:
    """Put so many messages more into a store, 50 in a chat; return a chat's id."""
    chat = ""
    for _ in range(count // IN_A_CHAT):
        chat = new_id()
        messages: list[Message] = []
        for number in range(IN_A_CHAT):
            parent = messages[-1].id if messages else None
            if number % 2:
                thought = (Thinking(said(60), True, 2.0, 80), Text(said(70)))
                made = Message(new_id(), parent, "assistant", thought, float(number))
            else:
                made = Message(new_id(), parent, "user", (Text(said(20)),), float(number))
            messages.append(made)
        store.create_chat(chat, title=said(5), messages=messages)
    return chat


def typed(draw: random.Random, said: Callable[[int], str], count: int) -> list[str]:
    """Return searches as they are typed: every beginning of some words."""
    found: list[str] = []
    while len(found) < count:
        whole = said(draw.choice((1, 1, 2, 2, 3)))
        found += [whole[:end] for end in range(1, len(whole) + 1)]
    return found[:count]


def bench_large(folder: Path, count: int, verdicts: Verdicts) -> None:
    draw = random.Random(1)
    said = words(draw)
    path = folder / "large.sqlite3"
    sizes: list[int] = []
    chat = ""
    for _ in range(4):
        with closing(Store(path)) as store:
            chat = fill(store, count // 4, said)
        sizes.append(path.stat().st_size)
    print(f"      {count:,} messages, {sizes[-1] / 1e6:.0f} MB")
    growth = [after - before for before, after in itertools.pairwise((0, *sizes))]
    verdicts.say("the file's growth, last quarter to first", growth[-1] / growth[0], 1.1, "times")

    opened: list[Store] = []
    cpu, clock = timed_ms(lambda: opened.append(Store(path)))
    store = opened[0]
    listing, listing_clock = timed_ms(store.list_chats)
    note = f"{clock + listing_clock:.0f} on the clock, {len(store.list_chats()):,} chats"
    verdicts.say("start to list", cpu + listing, 150, "ms", note)
    cpu, clock = least(lambda: store.load(chat))
    verdicts.say(f"opening a chat of {IN_A_CHAT}", cpu, 100, "ms", f"{clock:.0f} on the clock")
    bench_session(path, verdicts)
    bench_search(path, draw, said, verdicts)
    long = new_id()
    parent: Message | None = None
    messages: list[Message] = []
    for number in range(1_000):
        parts = (Thinking(said(60)), Text(said(70))) if number % 2 else (Text(said(20)),)
        role = "assistant" if number % 2 else "user"
        parent = Message(new_id(), parent.id if parent else None, role, parts, float(number))  # type: ignore[arg-type]
        messages.append(parent)
    store.create_chat(long, title="Long", messages=messages)
    cpu, clock = least(lambda: store.load(long))
    verdicts.say("opening a chat of 1,000", cpu, 100, "ms", f"{clock:.0f} on the clock")
    store.close()


def bench_session(path: Path, verdicts: Verdicts) -> None:
    """From the session's making to the list being known, all threads counted."""
    from app.chat.session import Session

    news = threading.Semaphore(0)
    start, clock = time.process_time(), time.perf_counter()
    session = Session(path, settings=Settings(), wakeup=news.release)
    while not session.state.opened:
        session.pump()
        news.acquire(timeout=0.05)
    cpu = 1000 * (time.process_time() - start)
    note = f"{1000 * (time.perf_counter() - clock):.0f} on the clock"
    verdicts.say("a window's session to its list", cpu, 150, "ms", note)
    session.close()


def bench_search(
    path: Path, draw: random.Random, said: Callable[[int], str], verdicts: Verdicts
) -> None:
    with closing(open_index(path)) as database:
        filler = Filler(database)
        steps: list[float] = []
        filling = filler.fill()
        start = time.process_time()
        while True:
            step_start = time.thread_time()
            if next(filling, None) is None:
                break
            steps.append(1000 * (time.thread_time() - step_start))
        whole = time.process_time() - start
        size = index_path(path).stat().st_size
        print(
            f"      index made in {whole:.1f} s, {size / 1e6:.0f} MB,"
            f" {size / path.stat().st_size:.0%} of the chats; a step: median"
            f" {statistics.median(steps):.1f} ms, worst {max(steps):.0f} ms"
        )
        cpu, _ = least(lambda: list(filler.fill()))
        verdicts.say("looking whether the index is up to date", cpu, 20, "ms")
        cpu, _ = least(lambda: list(Filler(database).fill()), 2)
        print(f"      the same, of every message, at a start: {cpu:.0f} ms")
        times = []
        slowest = (0.0, "")
        for text in typed(draw, said, 1_000):
            cpu, _ = timed_ms(lambda text=text: list(found(database, text, LIMIT)))  # type: ignore[misc]
            times.append(cpu)
            slowest = max(slowest, (cpu, text))
        times.sort()
        note = f"median {statistics.median(times):.1f}, worst {slowest[0]:.0f} for {slowest[1]!r}"
        verdicts.say("a search as it is typed, p95 of 1,000", times[949], 50, "ms", note)

    news = threading.Semaphore(0)
    searcher = Searcher(path, wakeup=news.release)
    answered: list[tuple[Found, ...]] = []
    calls: list[float] = []
    for text in typed(draw, said, 200):
        start = time.thread_time()
        searcher.search(text, answered.append)
        calls.append(1000 * (time.thread_time() - start))
        while searcher.poll():
            news.acquire(timeout=5)
    searcher.close()
    verdicts.say("a search on the window's thread, worst of 200", max(calls), 5, "ms")


def main(count: int = MESSAGES) -> int:
    verdicts = Verdicts()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench_large(folder, count, verdicts)
        bench_checkpoint_in_the_window(folder, verdicts)
        bench_checkpoints(folder, append=False)
        bench_checkpoints(folder, append=True)
    return 1 if verdicts.failed else 0


if __name__ == "__main__":
    sys.exit(main(*(int(number) for number in sys.argv[1:])))
