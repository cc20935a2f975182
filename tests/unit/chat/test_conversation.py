"""A conversation is a tree: one branch is shown, the others stay, no edit changes an old value."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.chat.conversation import Conversation
from app.chat.message import Message, Role, Text


def message(name: str, parent: str | None, role: Role = "user") -> Message:
    return Message(name, parent, role, (Text(name),), 0.0)


def tree(*messages: Message) -> Conversation:
    conversation = Conversation()
    for each in messages:
        conversation = conversation.with_message(each)
    return conversation


TWO_BRANCHES = tree(
    message("q", None),
    message("a", "q", "assistant"),
    message("q2", "a"),
    message("a2", "q2", "assistant"),
    message("b", "q", "assistant"),
)


def test_the_branch_runs_from_the_root_to_the_leaf() -> None:
    assert [m.id for m in TWO_BRANCHES.branch()] == ["q", "b"]
    assert [m.id for m in TWO_BRANCHES.with_leaf("a2").branch()] == ["q", "a", "q2", "a2"]
    assert TWO_BRANCHES.with_leaf(None).branch() == ()
    assert Conversation().branch() == ()


def test_siblings_are_the_versions_of_one_message() -> None:
    assert TWO_BRANCHES.siblings("b") == ("a", "b")
    assert TWO_BRANCHES.siblings("a2") == ("a2",)
    edited = TWO_BRANCHES.with_message(message("other q", None))
    assert edited.siblings("q") == ("q", "other q")


def test_a_switch_lands_on_the_newest_leaf() -> None:
    assert TWO_BRANCHES.tip("a") == "a2"
    assert TWO_BRANCHES.tip("q") == "b"
    assert TWO_BRANCHES.tip("b") == "b"


def test_an_unknown_leaf_is_refused() -> None:
    with pytest.raises(KeyError):
        TWO_BRANCHES.with_leaf("nowhere")


def test_replacing_a_message_keeps_its_place_and_the_leaf() -> None:
    again = replace(TWO_BRANCHES.messages["a"], parts=(Text("more"),))
    changed = TWO_BRANCHES.with_message(again)
    assert list(changed.messages) == list(TWO_BRANCHES.messages)
    assert (changed.leaf, changed.messages["a"].text) == ("b", "more")
    assert TWO_BRANCHES.messages["a"].text == "a"


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_any_tree(choices: list[int]) -> None:
    """Each message answers an earlier one, or starts anew: everything stays reachable."""
    conversation = Conversation()
    for number, choice in enumerate(choices):
        above = choice % (number + 1)
        parent = None if above == number else str(above)
        before = conversation
        conversation = conversation.with_message(message(str(number), parent))
        assert len(before.messages) == number
        assert conversation.leaf == str(number)
    for name in conversation.messages:
        branch = conversation.with_leaf(name).branch()
        assert branch[-1].id == name
        assert branch[0].parent_id is None
        assert all(b.parent_id == a.id for a, b in pairwise(branch))
        tip = conversation.tip(name)
        assert name in [m.id for m in conversation.with_leaf(tip).branch()]
        assert not any(m.parent_id == tip for m in conversation.messages.values())
        assert name in conversation.siblings(name)
