"""Where attachments are kept: in the database or in files beside it. Prints what each costs.

    python tests/bench/bench_attachments.py [--megabytes 4] [--count 25]

For both: bytes written to disk for what was attached, the time a checkpoint of a running answer
takes while the log has been filled with pictures, and the copy that a migration makes first.
"""

import argparse
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from app.chat.attachments import Kept, digest
from app.chat.message import Message, Text
from app.chat.store import Store


def written() -> int:
    """Return the bytes this process has sent towards the disk, as Linux counts them."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["wchar"])


def measure(name: str, folder: Path, pictures: list[bytes], *, inside: bool) -> None:
    """Keep the pictures one way, an answer's checkpoints between them, and print what it cost."""
    path = folder / "chats.sqlite3"
    store = Store(path)
    store.create_chat("c", title="t", messages=(Message("q", None, "user", (Text("?"),), 1.0),))
    answer = Message("a", "q", "assistant", (Text(""),), 2.0, "running")
    store.add_messages("c", (answer,))
    put: Callable[[bytes], object] = Kept(folder / "attachments").put
    blobs = sqlite3.connect(path, isolation_level=None)
    if inside:
        blobs.execute("CREATE TABLE blobs (sha256 TEXT PRIMARY KEY, data BLOB)")
        blobs.execute("PRAGMA synchronous = FULL")

        def put(data: bytes) -> object:
            return blobs.execute("INSERT INTO blobs VALUES (?, ?)", (digest(data), data))

    before, started = written(), time.process_time()
    slowest = 0.0
    for number, data in enumerate(pictures):
        put(data)
        text = "word " * (number + 1)
        at = time.perf_counter()
        store.checkpoint(Message("a", "q", "assistant", (Text(text),), 2.0, "running"))
        slowest = max(slowest, time.perf_counter() - at)
    cost = (written() - before) / sum(map(len, pictures))
    spent = time.process_time() - started
    blobs.close()
    log = path.with_name(path.name + "-wal").stat().st_size
    at = time.process_time()
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(folder / "b")) as copy:
        source.backup(copy)
    backup = time.process_time() - at
    print(
        f"{name:>9}: written {cost:.2f} x the pictures, {spent * 1000:.0f} ms of processor; "
        f"slowest checkpoint {slowest * 1000:.1f} ms; log {log / 1e6:.1f} MB; "
        f"copy before a migration {(folder / 'b').stat().st_size / 1e6:.1f} MB, "
        f"{backup * 1000:.0f} ms"
    )
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=4)
    parser.add_argument("--count", type=int, default=25)
    chosen = parser.parse_args()
    pictures = [os.urandom(chosen.megabytes << 20) for _ in range(chosen.count)]
    for name, inside in (("database", True), ("files", False)):
        with tempfile.TemporaryDirectory() as folder:
            measure(name, Path(folder), pictures, inside=inside)


if __name__ == "__main__":
    main()
