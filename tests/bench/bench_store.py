"""What the store costs: a checkpoint of a very long answer, its end, and opening very long chats.

    python -m tests.bench.bench_store

Appending is measured beside rewriting the whole answer every second (the same code with its memory
of what is written taken away), which is the reason for the table `pieces`.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.chat.message import Message, Text, Thinking, new_id
from app.chat.store import Store

TOKENS = 200_000
CHARACTERS = 4 * TOKENS
A_SECOND = 50 * 4
"""Characters a second brings at 50 tokens a second."""


def timed_ms(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def written_bytes() -> int:
    """Bytes this process has given to write() so far; 0 where the system does not say."""
    try:
        counts = Path("/proc/self/io").read_text(encoding="ascii")
    except OSError:
        return 0
    return int(counts.split("wchar: ")[1].split()[0])


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
            times.append(timed_ms(lambda message=message: store.checkpoint(message)))  # type: ignore[misc]
        print(
            f"{'append ' if append else 'rewrite'} at {end:7,} characters: "
            f"median {statistics.median(times):6.2f} ms, worst {max(times):6.2f} ms, "
            f"{(written_bytes() - before) / 60 / 1024:8.1f} KiB a checkpoint"
        )
    whole = replace(answer, parts=(Thinking(thought), Text("Half a turn.")), status="done")
    print(f"  finish of {CHARACTERS:,} characters: {timed_ms(lambda: store.finish(whole)):.1f} ms")
    store.close()


def bench_long_chat(folder: Path, count: int = 10_000) -> None:
    store = Store(folder / "long.sqlite3")
    messages: list[Message] = []
    for number in range(count):
        parent = messages[-1].id if messages else None
        if number % 2:
            parts = (Thinking("hm, " * 200, True, 2.0, 200), Text("The answer is 42. " * 20))
            messages.append(Message(new_id(), parent, "assistant", parts, float(number)))
        else:
            messages.append(Message(new_id(), parent, "user", (Text("And then?"),), float(number)))
    chat = new_id()
    print(f"{count:,} messages in one chat:")
    print(
        "  create ",
        f"{timed_ms(lambda: store.create_chat(chat, title='Long', messages=messages)):8.1f} ms",
    )
    print("  load   ", f"{timed_ms(lambda: store.load(chat)):8.1f} ms")
    for _ in range(2_000):
        store.create_chat(new_id(), title="A chat among many")
    print("  list of 2,001 chats", f"{timed_ms(store.list_chats):8.1f} ms")
    store.close()
    opened: list[Store] = []
    print("  open   ", f"{timed_ms(lambda: opened.append(Store(folder / 'long.sqlite3'))):8.1f} ms")
    opened[0].close()


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        bench_checkpoints(Path(folder), append=False)
        bench_checkpoints(Path(folder), append=True)
        bench_long_chat(Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
