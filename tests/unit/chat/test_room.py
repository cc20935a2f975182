"""Whether an answer fits, where to cut, and what is said of it; options and their bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.chat import option_fields, room
from app.chat.load_plan import LoadPlan
from app.chat.message import File, Image, Message, Role, Text, Thinking
from app.chat.options import BOUNDS, ChatOptions, from_json, shown, sound, to_json
from app.chat.room import NoRoom, Offer


def said(number: int, role: Role, text: str = "x") -> Message:
    before = str(number - 1) if number else None
    return Message(str(number), before, role, (Text(text),), 0.0)


def chat(turns: int) -> tuple[Message, ...]:
    roles: list[Role] = ["user", "assistant"]
    return tuple(said(number, roles[number % 2]) for number in range(2 * turns + 1))


def test_a_chat_is_cut_before_its_questions_only() -> None:
    branch = chat(3)
    assert room.cuts(branch, 0) == [2, 4, 6]
    assert room.cuts(branch, 2) == [4, 6]
    assert room.cuts(branch, 6) == []
    assert room.cuts(branch[:1], 0) == []
    assert room.cuts((said(0, "system"), *branch), 0) == [3, 5, 7]
    assert room.cuts((), 0) == []


@given(st.lists(st.integers(), unique=True).map(sorted), st.integers(1, 9))
def test_places_are_spread_to_the_last(places: list[int], most: int) -> None:
    tried = room.spread(places, most)
    assert len(tried) == min(len(places), most)
    assert tried == sorted(set(tried) & set(places))
    assert not places or tried[-1] == places[-1]


def test_the_first_cut_with_room_to_spare_is_the_best() -> None:
    # Of 1,000 tokens a quarter is to be free, and an eighth must be.
    assert room.best_cut([(2, 900), (4, 760), (6, 740), (8, 100)], 1000) == (6, 740)
    assert room.best_cut([(2, 900), (4, 870), (6, 800)], 1000) == (4, 870)
    assert room.best_cut([(2, 990), (4, 980)], 1000) == (4, 980)
    assert room.best_cut([], 1000) is None


@given(st.text(max_size=400))
def test_no_text_has_more_tokens_than_bytes(text: str) -> None:
    (one,) = [Message("m", None, "user", (Text(text), Thinking(text)), 0.0)]
    least = 2 * len(text.encode("utf-8", "replace"))
    assert room.most_tokens((one,), 10, sees=False) >= least + 10


def test_pictures_and_files_count_too() -> None:
    picture = Image("a" * 64, "a.png", 9, "image/png", 3000, 2000)
    file = File("b" * 64, "b.txt", 9, "utf-8", "word " * 1000)
    one = Message("m", None, "user", (picture, file), 0.0)
    seen, unseen = (room.most_tokens((one,), 0, sees=sees) for sees in (True, False))
    assert seen - unseen > 55 * 37  # of Magistral's own grid for it
    assert unseen > 5000


def test_what_is_offered_is_said_with_its_gain() -> None:
    offers = (Offer("thoughts", 812, enough=False), Offer("turns", 1204, messages=6))
    found = NoRoom(2100, 2048, offers, looking=True)
    assert found.title == "This takes 2,100 tokens, and the model's context holds 2,048."
    assert found.gain(offers[0]) == "frees 812 tokens, not enough by itself"
    assert offers[1].label == "Leave out the 6 oldest messages"
    wider = found.with_plan(LoadPlan(4096), "")
    assert not wider.looking
    assert wider.offers[-1].label == "Load with 4,096 tokens of context"
    assert wider.gain(wider.offers[-1]) == "adds 2,048 tokens"
    assert found.with_plan(None, "Too large.").limit == "Too large."
    close = NoRoom(2000, 2048, (Offer("anyway", 0),)).with_plan(LoadPlan(4096), "")
    assert [offer.kind for offer in close.offers] == ["context", "anyway"]
    assert close.gain(close.offers[-1]) == "48 tokens are left for the answer"
    assert "too little is left for an answer" in close.title


def test_on_a_server_it_is_estimated_and_called_so() -> None:
    branch = [said(number, "user" if number % 2 == 0 else "assistant", "word " * 200)
              for number in range(7)]  # fmt: skip
    found = room.on_server(branch, 0, 1500, keeps_thoughts=False)
    (offer,) = found.offers
    assert offer.kind == "turns"
    assert offer.enough
    assert found.gain(offer) == f"frees about {offer.gains:,} tokens"
    assert "server's context of 1,500 tokens" in found.title
    alone = room.on_server(branch[:1], 0, 0, keeps_thoughts=False)
    assert alone.offers == ()
    assert alone.title == "The conversation no longer fits into the server's context."


# ---------------------------------------------------------------- options

VALUES = st.builds(
    ChatOptions,
    temperature=st.none() | st.floats(0, 5),
    top_p=st.none() | st.floats(0.01, 1),
    top_k=st.none() | st.integers(0, 1000),
    min_p=st.none() | st.floats(0, 1),
    repetition=st.none() | st.floats(1, 2),
    seed=st.none() | st.integers(0, 2**32 - 1),
    keep_thinking=st.none() | st.booleans(),
    left_out=st.lists(st.text(max_size=4)).map(tuple),
)


@given(VALUES)
def test_options_are_kept_as_they_are(options: ChatOptions) -> None:
    assert from_json(to_json(options)) == options == sound(options)
    assert options.reset() == ChatOptions(left_out=options.left_out)
    assert options.own == (options.reset() != options)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"temperature": "hot"}', '{"temperature": 99}', '{"top_k": 1.5}', "null",
     '{"keep_thinking": 1}', '{"left_out": [1]}', '{"seed": true}', '{"unknown": 1}', "[" * 9999],
)  # fmt: skip
def test_kept_options_that_make_no_sense_are_the_models_own(text: str) -> None:
    assert from_json(text) == ChatOptions()


def test_only_the_oldest_of_a_branch_are_left_out() -> None:
    branch = (said(0, "system"), *chat(2)[1:])
    options = ChatOptions(left_out=("0", "1", "3"))
    assert options.hidden(branch) == 2
    assert [message.id for message in shown(branch, 2)] == ["0", *(m.id for m in branch[2:])]
    assert ChatOptions(left_out=("1",)).hidden(branch) == 0


@given(st.sampled_from(option_fields.NAMES), st.text(max_size=8))
def test_a_field_takes_a_sound_number_or_says_what_one_is(name: str, text: str) -> None:
    value, wrong = option_fields.read(name, text)
    if value is None:
        assert bool(wrong) == bool(text.strip())
    elif name in BOUNDS:
        assert BOUNDS[name].holds(value)
        assert not wrong


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("temperature", "0,5", 0.5),
        ("temperature", "٠٫٥", 0.5),
        ("top_k", "١٢", 12),
        ("seed", "1,234,567", 1234567),
        ("seed", "0,5", None),
        ("top_k", "1,5", None),
        ("top_k", "1_0", None),
        ("seed", "1e9", None),
        ("temperature", "NaN", None),
        ("temperature", "-1", None),
    ],
)
def test_what_is_pasted_is_never_another_number(name: str, text: str, value: float | None) -> None:
    found, wrong = option_fields.read(name, text)
    assert found == value
    assert bool(wrong) == (value is None)


def test_fields_show_the_models_own_where_nothing_is_set() -> None:
    found = {one.name: one for one in option_fields.fields(None, ChatOptions(top_k=3), 512)}
    assert (found["temperature"].own, found["temperature"].text) == ("0.7", "")
    assert found["top_p"].own == "0.95"
    assert found["top_k"].text == "3"
    assert found["thinking_budget"].text == "512"
    assert option_fields.stepped("temperature", "", "0.7", 1) == "0.75"
    assert option_fields.stepped("top_p", "1", "0.95", 1) == "1"
    assert option_fields.stepped("seed", "", "by chance", -1) == "0"
    assert option_fields.stepped("thinking_budget", "", "unlimited", 2) == "512"
