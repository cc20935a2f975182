"""Text is gathered, order is kept."""

from app.engine import outbox
from app.engine.outbox import Outbox
from app.engine.protocol import Delta, Event, Unloaded


class Pipe:
    def __init__(self) -> None:
        self.sent: list[Event] = []

    def send(self, event: Event) -> None:
        self.sent.append(event)


def filled(pipe: Pipe) -> Outbox:
    box = Outbox(pipe)  # type: ignore[arg-type]  # the one method that is used
    box.send(Unloaded(0))
    box.delta(1, "answer", "", 0)  # the first goes at once; the clock of the next begins
    pipe.sent.clear()
    return box


def test_text_of_one_channel_is_one_event() -> None:
    pipe = Pipe()
    box = filled(pipe)
    for letter in "abc":
        box.delta(1, "answer", letter, 1)
    assert len(pipe.sent) < 3 or outbox.FLUSH_S == 0
    box.flush()
    box.flush()
    assert "".join(e.text for e in pipe.sent if isinstance(e, Delta)) == "abc"
    assert sum(e.tokens for e in pipe.sent if isinstance(e, Delta)) == 3


def test_channels_and_requests_are_never_mixed() -> None:
    pipe = Pipe()
    box = filled(pipe)
    box.delta(1, "thinking", "a", 1)
    box.delta(1, "answer", "b", 1)
    box.delta(2, "answer", "c", 2)
    box.send(Unloaded(3))
    assert pipe.sent == [
        Delta(1, "thinking", "a", 1),
        Delta(1, "answer", "b", 1),
        Delta(2, "answer", "c", 2),
        Unloaded(3),
    ]
