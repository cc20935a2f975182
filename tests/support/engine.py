"""An engine child and the words that tests use with it."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.engine.client import EngineClient
from app.engine.protocol import (
    Delta,
    EngineDied,
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    LoadOptions,
    Sampling,
    Tokens,
    Unloaded,
)
from app.prompts.segments import Prompt, Text

LAST = (Finished, Failed, Tokens, Unloaded, EngineDied)
PATIENCE_S = 60.0


class Engine:
    """A client and the words that tests use with it."""

    def __init__(self, log_path: Path, **client: Any) -> None:
        self.log_path = log_path
        self.patience_s = PATIENCE_S
        self.client = EngineClient(log_path=log_path, **client)
        # Events that came together with one that was waited for.
        self._ahead: list[tuple[float, Event]] = []

    def load(self, options: LoadOptions) -> Loaded | Failed | EngineDied:
        request = self.client.next_request()
        self.client.send(Load(request, options))
        last = self.until(lambda event: isinstance(event, Loaded | Failed | EngineDied))[-1]
        assert isinstance(last, Loaded | Failed | EngineDied)
        return last

    def load_script(self, **script: Any) -> Loaded:
        loaded = self.load(LoadOptions(json.dumps(script), backend="scripted"))
        assert isinstance(loaded, Loaded), loaded
        return loaded

    def generate(self, prompt: Prompt | str = "Hello", **options: Any) -> int:
        request = self.client.next_request()
        segments = (Text(prompt),) if isinstance(prompt, str) else prompt
        options.setdefault("sampling", Sampling(temperature=0.0))
        self.client.send(Generate(request, segments, **options))
        return request

    def ask(self, prompt: Prompt | str = "Hello", **options: Any) -> list[Event]:
        """Return all events of a generation, the last one included."""
        self.generate(prompt, **options)
        return self.until(lambda event: isinstance(event, LAST))

    def until(self, found: Callable[[Event], bool]) -> list[Event]:
        """Return the events up to the first that is wanted."""
        return [event for _, event in self.until_timed(found)]

    def until_timed(self, found: Callable[[Event], bool]) -> list[tuple[float, Event]]:
        events: list[tuple[float, Event]] = []
        deadline = time.monotonic() + self.patience_s
        while True:
            while self._ahead:
                events.append(self._ahead.pop(0))
                if found(events[-1][1]):
                    return events
            self._ahead = self.client.poll(timeout_s=deadline - time.monotonic())
            assert self._ahead, f"nothing more came after {events[-3:]}"


def said(events: list[Event], channel: str) -> str:
    """Return the text of a channel."""
    return "".join(e.text for e in events if isinstance(e, Delta) and e.channel == channel)


def pid_of(engine: Engine) -> int:
    pid = engine.client.pid
    assert pid is not None
    return pid


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
