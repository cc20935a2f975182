"""kill -9 of the engine at random moments of an answer: what was said stays, the next one comes.

    PONDER_KILLS=50 python -m pytest -s tests/faults/test_engine_kill.py

The ordinary run kills four times. The model is a synthetic one in llama.cpp, greedy, so that what
it says is known: the partial answer has to be the beginning of it, and the next one the same.
"""

import os
import random
import re
import signal
import threading
import time
from pathlib import Path

from app.engine.protocol import Delta, EngineDied, Event, Finished, Loaded, LoadOptions
from tests.support import synthetic
from tests.support.engine import Engine, alive, pid_of, said

KILLS = int(os.environ.get("PONDER_KILLS", "4"))
TOKENS = 1500
LONGEST_WAIT_S = 0.8


def test_kill_9_at_random_moments(tmp_path: Path) -> None:
    chance = random.Random(6)
    path = synthetic.write(tmp_path / "model.gguf")
    engine = Engine(tmp_path / "engine.log")
    with engine.client:
        assert isinstance(engine.load(LoadOptions(str(path))), Loaded)
        whole = said(engine.ask(max_tokens=TOKENS, ignore_end=True), "answer")
        kept = []
        began = time.monotonic()
        for _ in range(KILLS):
            request = engine.generate(max_tokens=TOKENS * 8, ignore_end=True)
            events: list[Event] = engine.until(lambda e: isinstance(e, Delta))
            pid = pid_of(engine)
            threading.Timer(
                chance.uniform(0, LONGEST_WAIT_S), os.kill, (pid, signal.SIGKILL)
            ).start()
            events += engine.until(lambda e: isinstance(e, EngineDied))
            died = events[-1]
            assert isinstance(died, EngineDied)
            assert died.request == request
            assert re.fullmatch(r"[^.]+\.", died.problem.title)
            assert not alive(pid)
            partial = said(events, "answer")
            assert partial
            assert partial[: len(whole)] == whole[: len(partial)]
            kept.append(len(partial))
            again = engine.ask(max_tokens=50, ignore_end=True)
            assert any(isinstance(e, Loaded) for e in again)
            assert isinstance(again[-1], Finished)
            assert whole.startswith(said(again, "answer").rstrip("\ufffd"))
    print(
        f"{KILLS} kills in {time.monotonic() - began:.0f} s, each answered;"
        f" characters kept: {min(kept)} to {max(kept)}"
    )
