"""The user's secrets: in the system's keychain, never in a file of ours.

The token for the hub: repositories with terms (gated) and private ones are only handed out to who
can show one. Where there is no keychain, or it is locked, the hub's own places serve: HF_TOKEN,
`hf auth login`. Beside it the keys of servers, each under the name that app.models.servers gives.
"""

from app.errors import Problem, WorldError

HUB = "huggingface"

_SERVICE = "Ponder"


def known() -> str | None:
    """Return the token of the keychain; None leaves it to the hub's client. Never raises for it."""
    try:
        return read()
    except WorldError:
        return None


def read(name: str = HUB) -> str | None:
    """Return a secret of the keychain, None where there is none. Raises WorldError.

    May wait for the user to unlock the keychain: not for the window's thread.
    """
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(_SERVICE, name) or None
    except (KeyringError, OSError, RuntimeError) as error:
        raise WorldError(_closed(error, name)) from error


def keep(token: str, name: str = HUB) -> None:
    """Put a secret into the keychain, "" takes it out. Raises WorldError."""
    import keyring
    from keyring.errors import KeyringError, PasswordDeleteError

    try:
        if token.strip():
            keyring.set_password(_SERVICE, name, token.strip())
        else:
            keyring.delete_password(_SERVICE, name)
    except PasswordDeleteError:
        return  # there was none
    except (KeyringError, OSError, RuntimeError) as error:
        raise WorldError(_closed(error, name)) from error


def _closed(error: Exception, name: str) -> Problem:
    instead = "set the variable HF_TOKEN" if name == HUB else "set the variable PONDER_SERVER_KEY"
    return Problem(
        "keychain",
        "The system's keychain is not there or is locked.",
        f"Unlock it, or {instead} instead.",
        f"{type(error).__name__}: {error}",
    )
