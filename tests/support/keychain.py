"""A keychain in a file, behind keyring's own interface: child processes find it too."""

import json
import os
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.compat import properties
from keyring.errors import PasswordDeleteError

_VARIABLE = "PONDER_TEST_KEYCHAIN"


class FileKeychain(KeyringBackend):
    """Keeps the secrets in the file that the environment names."""

    @properties.classproperty
    def priority(self) -> float:
        """Return 1 where a test wants it: keyring looks at every class of its kind."""
        if _VARIABLE not in os.environ:
            raise RuntimeError("no test keeps its secrets here")
        return 1

    def __init__(self) -> None:
        super().__init__()
        self.path = Path(os.environ[_VARIABLE])

    def kept(self) -> dict[str, str]:
        """Return the secrets by their names."""
        return dict(json.loads(self.path.read_text())) if self.path.exists() else {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept().get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self.path.write_text(json.dumps({**self.kept(), username: password}))

    def delete_password(self, service: str, username: str) -> None:
        kept = self.kept()
        if username not in kept:
            raise PasswordDeleteError("not there")
        del kept[username]
        self.path.write_text(json.dumps(kept))


def install(monkeypatch: pytest.MonkeyPatch, path: Path) -> FileKeychain:
    """Make it the keychain of this test and of the processes that it starts."""
    monkeypatch.setenv(_VARIABLE, str(path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", f"{__name__}.FileKeychain")
    keyring.get_keyring()  # the one before has to be there to be put back
    chain = FileKeychain()
    monkeypatch.setattr("keyring.core._keyring_backend", chain)
    return chain
