"""Addresses as they are typed, and the paths of models on servers."""

import pytest

from app.engine.choice import backend_for
from app.errors import WorldError
from app.server import address
from app.server.address import Address, parse, path_of, reach, split

TYPED = [
    ("localhost:8080", "http://localhost:8080/v1"),
    ("  localhost:8080/  ", "http://localhost:8080/v1"),
    ("127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
    ("http://gpu-box:8000/v1/", "http://gpu-box:8000/v1"),
    ("gpu-box", "http://gpu-box/v1"),
    ("[::1]:8080", "http://[::1]:8080/v1"),
    ("models.example.com", "https://models.example.com/v1"),
    ("models.example.com:443", "https://models.example.com:443/v1"),
    ("models.example.com:8000", "http://models.example.com:8000/v1"),
    ("https://api.mistral.ai", "https://api.mistral.ai/v1"),
    ("https://api.mistral.ai/v1/chat/completions", "https://api.mistral.ai/v1"),
    ("https://models.example.com/v1/models", "https://models.example.com/v1"),
    ("https://models.example.com/openai/v1", "https://models.example.com/openai/v1"),
    ("https://models.example.com/openai", "https://models.example.com/openai"),
    ("https://LOCALHOST:8443", "https://localhost:8443/v1"),
]


@pytest.mark.parametrize(("text", "base"), TYPED)
def test_what_is_typed_is_understood(text: str, base: str) -> None:
    found = parse(text)
    assert found.base == base
    assert address.of_id(found.id) == found
    assert "/" not in found.id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "two words",
        "ftp://host",
        "http://",
        "host:port",
        "host:99999",
        "file:///x",
        "[::1",
    ],
)
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(WorldError) as caught:
        parse(text)
    assert caught.value.problem.key == "server-address"


def test_a_password_does_not_belong_into_an_address() -> None:
    with pytest.raises(WorldError) as caught:
        parse("https://me:secret@models.example.com")
    assert "secret" not in str(caught.value.problem)


@pytest.mark.parametrize(
    ("host", "where"),
    [
        ("localhost", "here"),
        ("a.localhost", "here"),
        ("127.9.9.9", "here"),
        ("::1", "here"),
        ("gpu-box", "near"),
        ("gpu.local", "near"),
        ("nas.home.arpa", "near"),
        ("fd00::1", "near"),
        ("169.254.1.1", "near"),
        ("example.com", "away"),
        ("8.8.8.8", "away"),
        ("localhost.example.com", "away"),
        ("2606:4700::1111", "away"),
    ],
)
def test_how_far_a_host_is(host: str, where: str) -> None:
    assert reach(host) == where


@pytest.mark.parametrize(
    "model", ["m", "org/name-0.6B", "/a/path/model.gguf", "a:b@c", "with space"]
)
@pytest.mark.parametrize("base", [base for _, base in TYPED])
def test_a_path_names_server_and_model(base: str, model: str) -> None:
    path = path_of(Address(base), model)
    assert backend_for(path) == "openai"
    server_id, found = split(path)
    assert (address.of_id(server_id).base, found) == (base, model)
    assert address.name_of(path) == model.rpartition("/")[2]


@pytest.mark.parametrize("path", ["server:", "server:host", "server:/m", "server:host/", "x/y"])
def test_a_path_that_names_none(path: str) -> None:
    with pytest.raises(WorldError):
        split(path)
