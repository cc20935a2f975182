"""What can go wrong between here and the hub, each in a sentence. For the children that ask it."""

import errno
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from app import net
from app.errors import Problem, WorldError

_NO_FOLDER = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EEXIST,
)
_TRY_AGAIN = "Check the connection, then try again; what has arrived is kept."


@contextmanager
def told(what: str, file: str = "") -> Iterator[None]:
    """Turn what the hub's client raises inside into WorldError. what: the repository, or "".

    file: the one that is asked for. Bugs pass.
    """
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except errors.HFValidationError as error:
        raise WorldError(
            Problem(
                "hub-address",
                f'"{what}" is no address of a model on the hub.',
                "Write it as owner/name, such as mistralai/Magistral-Small-2509-GGUF.",
                str(error),
            )
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise WorldError(
            Problem(
                "offline",
                "The hub's client is switched to offline by HF_HUB_OFFLINE.",
                "Unset that variable, then start Ponder again.",
            )
        ) from error
    except errors.HfHubHTTPError as error:
        raise WorldError(_answer(error, what, file)) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise WorldError(_connection(error)) from error
    except OSError as error:
        raise WorldError(disk(error)) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:  # such as a hotel's log-in page
        raise WorldError(
            Problem(
                "hub-answer",
                f"{_host()} answered with something that is no answer of the hub.",
                "If this network asks to log in by a web page, do that first, then try again.",
                str(error),
            )
        ) from error


def _host() -> str:
    return net.endpoint().partition("://")[2] or net.endpoint()


def _answer(error: Exception, what: str, file: str) -> Problem:
    """Return what an answer with a status of 400 or more means."""
    from huggingface_hub import errors

    assert isinstance(error, errors.HfHubHTTPError)
    status = error.response.status_code
    detail = str(error).strip()
    name = what or "the hub"
    if isinstance(error, errors.RevisionNotFoundError):
        return Problem(
            "hub-no-revision",
            f"{name} has no such version.",
            "Leave the part after @ away for the latest one.",
            detail,
        )
    if isinstance(error, errors.EntryNotFoundError):
        return Problem(
            "hub-no-file",
            f"{name} has no file {file}." if file else f"{name} does not have that file.",
            "It may have been renamed or removed: look at its list of files again.",
            detail,
        )
    if isinstance(error, errors.DisabledRepoError):
        return Problem(
            "hub-disabled", f"The hub has switched {name} off.", "Choose another.", detail
        )
    if isinstance(error, errors.GatedRepoError):
        return _gated(name, detail)
    if status == 403:
        return Problem(
            "hub-gated",
            f"The hub does not hand out {name} to you (status 403).",
            "If its page asks to accept a licence, do that and put your token into the settings; "
            "else a proxy in between may be at fault.",
            detail,
        )
    said = error.response.headers.get("x-error-message", "")
    if status == 401 and "credentials" in said.lower():
        return Problem(
            "hub-token",
            "The hub does not accept your token.",
            "Make a new one on the hub's page, under Access Tokens, and put it into the settings.",
            detail,
        )
    if isinstance(error, errors.RepositoryNotFoundError) or status in (401, 404):
        return Problem(
            "hub-no-repository",
            f"The hub says there is no {name}, or it is not open to you.",
            "Check how it is written; a private one needs a token in the settings.",
            detail,
        )
    if status == 429:
        wait = error.response.headers.get("retry-after", "")
        when = f"in {wait} seconds" if wait.isdigit() else "in a few minutes"
        return Problem(
            "hub-busy",
            "The hub has had too many requests from this address.",
            f"Try again {when}; a token in the settings allows more.",
            detail,
        )
    if status >= 500:
        return Problem(
            "hub-broken",
            f"The hub has a fault of its own (status {status}).",
            "Try again later; what has arrived is kept.",
            detail,
        )
    return Problem(
        "hub-refused",
        f"The hub refused the request (status {status}).",
        "Try again, or choose another file.",
        detail,
    )


def _gated(name: str, detail: str) -> Problem:
    return Problem(
        "hub-gated",
        f"{name} is only handed out to those who accepted its licence.",
        f"Accept it on {net.endpoint()}/{name} and put your token into the settings.",
        detail,
    )


def _connection(error: Exception) -> Problem:
    """Return what a connection that failed means."""
    import httpx2

    causes = tuple(_causes(error))
    detail = f"{type(error).__name__}: {error}"
    host = _host()
    if any(isinstance(cause, ssl.SSLError) for cause in causes) or "CERTIFICATE" in str(error):
        return Problem(
            "net-tls",
            f"The connection to {host} is not secure, so it was not used.",
            "Check the computer's clock; if an office's proxy stands in between, have its "
            "certificate installed, or name it in SSL_CERT_FILE.",
            detail,
        )
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return Problem(
            "net-name",
            f"The address of {host} could not be found.",
            "Check that this computer is connected to the internet, then try again.",
            detail,
        )
    if isinstance(error, httpx2.ProxyError):
        return Problem(
            "net-proxy",
            "The proxy of this network refused the connection.",
            "Check the variables HTTPS_PROXY and NO_PROXY, and what the proxy lets through.",
            detail,
        )
    if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
        return Problem(
            "net-address",
            f"{net.endpoint()} is no address that can be asked.",
            "Check the variable HF_ENDPOINT.",
            detail,
        )
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return Problem(
            "net-unreachable",
            f"{host} cannot be reached.",
            "Check that this computer is connected to the internet, then try again.",
            detail,
        )
    if isinstance(error, httpx2.TimeoutException):
        return Problem("net-stalled", f"{host} has stopped sending.", _TRY_AGAIN, detail)
    return Problem("net-broken", f"The connection to {host} broke off.", _TRY_AGAIN, detail)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def disk(error: OSError) -> Problem:
    """Return what an error of the disk means for a download."""
    path = str(error.filename or "")
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG):
        return Problem(
            "disk-full",
            "The disk is full, so the download has stopped.",
            "Make room, then go on: what has arrived is kept.",
            str(error),
        )
    if error.errno in _NO_FOLDER:
        return Problem(
            "folder-unwritable",
            "Ponder cannot write into the folder for models.",
            "Choose another folder in the settings, or allow it.",
            f"{error.strerror}: {path}",
        )
    return Problem(
        "disk-error",
        "The disk reported an error, so the download has stopped.",
        "Check the disk and the folder for models, then go on.",
        str(error),
    )
