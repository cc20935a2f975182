"""The token's place is the system's keychain; without one Ponder says so and goes on."""

from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError

from app.errors import WorldError
from app.models import tokens


class Keychain(KeyringBackend):
    """A keychain in memory, behind keyring's own interface; it can be locked."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring's own
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringLocked("locked")
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.kept:
            raise PasswordDeleteError("not there")
        del self.kept[service, username]


@pytest.fixture(autouse=True)
def keychain() -> Iterator[Keychain]:
    before = keyring.get_keyring()
    chain = Keychain()
    keyring.set_keyring(chain)
    yield chain
    keyring.set_keyring(before)


def test_a_token_is_kept_and_taken_out(keychain: Keychain) -> None:
    assert tokens.read() is None
    tokens.keep(" hf_secret\n")
    assert tokens.read() == tokens.known() == "hf_secret"
    assert keychain.kept == {("Ponder", "huggingface"): "hf_secret"}
    tokens.keep("")
    tokens.keep("")
    assert tokens.read() is None


def test_a_locked_keychain_is_a_sentence(keychain: Keychain) -> None:
    keychain.locked = True
    for act in (tokens.read, lambda: tokens.keep("x")):
        with pytest.raises(WorldError) as caught:
            act()
        assert caught.value.problem.key == "keychain"
        assert "HF_TOKEN" in caught.value.problem.advice
    assert tokens.known() is None, "a public model needs none"


def test_a_computer_without_a_keychain() -> None:
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]  # keyring's own
    assert tokens.known() is None
    with pytest.raises(WorldError):
        tokens.keep("hf_secret")
