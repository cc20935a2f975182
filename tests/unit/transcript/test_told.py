"""What checks and runs again have found, in words."""

from app.chat.conversation import Conversation
from app.chat.message import Message, Text, Thinking
from app.transcript import told
from app.transcript.chain import Fault, Verdict
from app.transcript.record import Record
from app.transcript.replay import Compared

QUESTION = Message("q", None, "user", (Text("What\nis it? " * 20),), 0.0)
ANSWER = Message("a", "q", "assistant", (Thinking("So, "), Text("a bird.")), 0.0)
RECORD = Record("c", "Chat", Conversation({"q": QUESTION, "a": ANSWER}, "a"))


def verdict(*faults: Fault, same: bool = False) -> Verdict:
    return Verdict(faults, 2, "0" * 64, same or not faults)


def test_a_verdict_is_one_sentence() -> None:
    assert told.headline(verdict()) == "This transcript is as it was written."
    one = Fault(2, "its hash is not that of what it says")
    assert told.headline(verdict(one)) == (
        "Message 2 was changed after this transcript was written."
    )
    whole = "This transcript was changed after it was written."
    assert told.headline(verdict(one, Fault(None, "the end"))) == whole
    assert told.headline(verdict(Fault(0, "x"))) == whole
    assert "another program has saved it anew" in told.headline(verdict(one, same=True))


def test_a_place_is_named_with_its_first_words() -> None:
    said = told.fault(Fault(1, "its hash is wrong"), RECORD)
    assert said.startswith("Message 1 (“What is it? What")
    assert said.endswith("…”): its hash is wrong.")
    assert told.fault(Fault(7, "wrong"), RECORD) == "Message 7: wrong."
    assert told.fault(Fault(2, "wrong"), None) == "Message 2: wrong."
    assert told.fault(Fault(0, "wrong"), RECORD) == "What is said of the chat itself: wrong."
    assert told.fault(Fault(None, "wrong"), None) == "What follows the last message: wrong."


def test_what_came_of_all_answers_is_one_sentence() -> None:
    same = Compared(2, "identical")
    other = Compared(4, "different", ("another seed: 1, then 2",))
    parted = Compared(6, "different", (), 12, "bird.", "fish.")
    left = Compared(8, "not run", ("it was written on a server",))
    assert told.summary([same]) == "The answer came out identical, token for token."
    assert told.summary([same, same]) == "All 2 answers came out identical, token for token."
    assert told.summary([]) == "No answer was run."
    assert told.summary([same, other, parted, left]) == (
        "Of 4 answers: 1 identical, 1 different, 1 of the same words in another run,"
        " 1 not run again."
    )
    assert told.report([other, parted]).splitlines()[1:] == [
        "Message 4: The same words, another run (another seed: 1, then 2).",
        "Message 6: Different from token 12.",
    ]


def test_sides_part_where_the_words_do() -> None:
    before, now = told.sides(ANSWER, Compared(2, "identical"))
    assert now is not None
    assert (before.text, before.thought, before.parts) == ("So, a bird.", 4, 11)
    assert before == now
    before, now = told.sides(ANSWER, Compared(2, "different", (), 5, "bird.", "fish!"))
    assert now is not None
    assert (now.text, now.thought, now.parts, before.parts) == ("So, a fish!", 4, 6, 6)
    # A thought that goes on where the recorded one had ended.
    before, now = told.sides(ANSWER, Compared(2, "different", (), 3, "a bird.", "no, a fish", 4))
    assert now is not None
    assert now.text[: now.thought] == "So, no, "
    # One that parts within the thought has no more thought on this side than is told.
    before, now = told.sides(ANSWER, Compared(2, "different", (), 1, "o, a bird.", "he", 0))
    assert now is not None
    assert (before.thought, now.thought, now.text) == (4, 1, "She")
    before, now = told.sides(ANSWER, Compared(2, "not run", ("why",)))
    assert now is None
