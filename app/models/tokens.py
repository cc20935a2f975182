"""The user's token for the hub: in the system's keychain, never in a file of ours.

Repositories with terms (gated) and private ones are only handed out to who can show one. Where
there is no keychain, or it is locked, the hub's own places serve: HF_TOKEN, `hf auth login`.
"""

from app.errors import Problem, WorldError

_SERVICE = "Ponder"
_NAME = "huggingface"


def known() -> str | None:
    """Return the token of the keychain; None leaves it to the hub's client. Never raises for it."""
    try:
        return read()
    except WorldError:
        return None


def read() -> str | None:
    """Return the token of the keychain, None where there is none. Raises WorldError.

    May wait for the user to unlock the keychain: not for the window's thread.
    """
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(_SERVICE, _NAME) or None
    except (KeyringError, OSError, RuntimeError) as error:
        raise WorldError(_closed(error)) from error


def keep(token: str) -> None:
    """Put a token into the keychain, "" takes it out. Raises WorldError."""
    import keyring
    from keyring.errors import KeyringError, PasswordDeleteError

    try:
        if token.strip():
            keyring.set_password(_SERVICE, _NAME, token.strip())
        else:
            keyring.delete_password(_SERVICE, _NAME)
    except PasswordDeleteError:
        return  # there was none
    except (KeyringError, OSError, RuntimeError) as error:
        raise WorldError(_closed(error)) from error


def _closed(error: Exception) -> Problem:
    return Problem(
        "keychain",
        "The system's keychain is not there or is locked.",
        "Unlock it, or set the variable HF_TOKEN instead.",
        f"{type(error).__name__}: {error}",
    )
