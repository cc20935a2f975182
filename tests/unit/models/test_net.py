"""The list of connections, and the switch that stops them."""

from dataclasses import replace

import pytest

from app import net, paths, settings
from app.errors import WorldError


def log(text: str, older: str = "") -> None:
    paths.log_dir().mkdir(parents=True, exist_ok=True)
    (paths.log_dir() / "connections.jsonl").write_text(text, encoding="utf-8")
    (paths.log_dir() / "connections.1.jsonl").write_text(older, encoding="utf-8")


def test_without_a_list_nobody_was_asked() -> None:
    assert net.contacts() == ()


def test_contacts_are_counted_by_host_and_purpose() -> None:
    log(
        '["a", "Search", 3]\n["b", "Search", 9]\n["a", "Search", 5]\nbroken\n["a"]\n7\n',
        '["a", "Search", 1]\n["a", "Download", 2]\n',
    )
    assert net.contacts() == (
        net.Contact("b", "Search", 1, 9.0),
        net.Contact("a", "Search", 3, 5.0),
        net.Contact("a", "Download", 1, 2.0),
    )
    net.forget_contacts()
    assert net.contacts() == ()


def test_what_is_noted_is_read_and_does_not_grow_for_ever() -> None:
    net._note("hub.example", "Search")
    assert [(one.host, one.purpose) for one in net.contacts()] == [("hub.example", "Search")]
    line = '["a", "Search", 1]\n'
    log(line * (net._MOST_BYTES // len(line) + 2))
    net._note("hub.example", "Search")
    assert (paths.log_dir() / "connections.jsonl").stat().st_size < 100
    assert len(net.contacts()) == 2


def test_the_switch_stops_everything() -> None:
    net.check_allowed()
    settings.save(replace(settings.Settings(), offline=True))
    with pytest.raises(WorldError) as caught:
        net.check_allowed()
    assert caught.value.problem.key == "offline"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("", "https://huggingface.co"),
        ("https://mirror.example/", "https://mirror.example"),
    ],
)
def test_a_mirror_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, value: str, wanted: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", value)
    assert net.endpoint() == wanted
