"""What can go wrong with a server, each in a sentence of what happened and one of what to do.

Servers say the same thing in many ways: with a status, in an object, in a bare text, in the middle
of a stream. What is recognised here was recorded from real ones, or is in their documentation.
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any

from app.errors import Problem

_DETAIL_CHARS = 2000
_NUMBER = r"(\d[\d,]*)"
_CONTEXT = re.compile(
    rf"context (?:length|size|window)(?: is| of)?(?: only)?\D{{0,12}}{_NUMBER}"
    rf"|context \({_NUMBER}|{_NUMBER} (?:tokens? )?maximum context|max_model_len={_NUMBER}",
    re.IGNORECASE,
)
_PROMPT = re.compile(
    rf"(?:contains(?: at least)?|request \(|requested|resulted in|the first|prompt \()\s*{_NUMBER}",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context (?:length|size|window)|maximum context|exceed\w* (?:the )?(?:available )?context"
    r"|prompt is too long|too many (?:input )?tokens",
    re.IGNORECASE,
)

Asked = tuple[str, str]
"""The host that was asked, and the model's name."""


def of_status(
    asked: Asked, status: int, headers: Mapping[str, str], body: bytes, *, key: str | None
) -> Problem:
    """Return the problem of an answer that is an error.

    headers: with names in small letters. key: what was sent, taken out of the detail.
    """
    host, model = asked
    text = body.decode("utf-8", "replace").strip()
    message, error = _message(text)
    detail = _clean(f"HTTP {status}: {message}", key)
    if status in (400, 413, 422, 500) and (found := _too_long(message, error, detail)) is not None:
        return found
    match status:
        case 401:
            return refused_key(host, detail, had_key=key is not None)
        case 403:
            return Problem(
                "server-forbidden",
                f"{host} does not allow this.",
                "Check with whoever runs the server what the key may be used for.",
                detail,
            )
        case 404 | 405:
            return _not_found(host, model, message, detail)
        case 429:
            return _busy(host, headers, message, detail)
        case _ if 300 <= status < 400:
            return Problem(
                "server-moved",
                f"{host} sends on to {_clean(headers.get('location', 'another address'), key)}.",
                "Enter that address, if you trust it.",
                detail,
            )
        case _ if status >= 500:
            return failed(host, detail, status)
    return Problem(
        "server-refused",
        f"{host} did not accept the question.",
        "What it said about it is in the details; another model or server may take it.",
        detail,
    )


def of_error(asked: Asked, value: Mapping[str, Any], key: str | None) -> Problem | None:
    """Return the problem that an event of a stream tells of, None where it tells of none."""
    if "error" not in value and value.get("object") != "error":
        return None
    _, error = _message(json.dumps(value))
    code = error.get("code", value.get("code"))
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    problem = of_status(asked, status, {}, json.dumps(value).encode(), key=key)
    return replace(problem, advice=_KEPT) if problem.key == "server-failed" else problem


def refused_key(host: str, detail: str, *, had_key: bool) -> Problem:
    """Return the problem of a key that is wrong or missing."""
    title = f"{host} does not accept the key." if had_key else f"{host} asks for a key."
    advice = "Enter it in “Connect to a server…”; it is kept in the system's keychain."
    return Problem("server-key", title, advice, detail)


def failed(host: str, detail: str, status: int = 500) -> Problem:
    """Return the problem of a server that has one itself."""
    if status in (502, 503, 504):
        title = f"{host} is there, but what should answer behind it is not ready."
        advice = "It may still be loading its model: try again in a while."
    else:
        title = f"{host} failed while it worked on the answer."
        advice = "Try again; if it happens again, the server's own log says why."
    return Problem("server-failed", title, advice, detail)


def unreachable(host: str, detail: str) -> Problem:
    """Return the problem of a server that does not answer at all."""
    return Problem(
        "server-unreachable",
        f"{host} cannot be reached.",
        "Check the address, and that the server is running.",
        detail,
    )


def untrusted(host: str, detail: str) -> Problem:
    """Return the problem of a certificate that no one vouches for."""
    return Problem(
        "server-certificate",
        f"{host} shows a certificate that this computer does not trust.",
        "If it is your own, name the file of its certificate where you connect the server.",
        detail,
    )


def silent(host: str, seconds: float, *, began: bool) -> Problem:
    """Return the problem of a connection that stays open and says nothing. seconds: for how long.

    began: a part of the answer had come.
    """
    waited = f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:g} seconds"
    if began:
        title = f"{host} has said nothing more for {waited}, in the middle of the answer."
        return Problem("server-silent", title, _KEPT)
    title = f"{host} has not begun to answer within {waited}."
    return Problem("server-silent", title, "Try again; the server may be busy with other work.")


def cut(host: str, detail: str = "") -> Problem:
    """Return the problem of a stream that ended without an end."""
    title = f"The connection to {host} ended in the middle of the answer."
    return Problem("server-cut", title, _KEPT, detail)


def empty(host: str) -> Problem:
    """Return the problem of an answer with nothing in it."""
    return Problem(
        "server-empty",
        f"{host} took the question and sent nothing back.",
        "Some servers do so when the chat is longer than their context: begin a new chat, or have "
        "the server load the model with a larger context.",
    )


def page(host: str, text: str) -> Problem:
    """Return the problem of a web page where an answer was expected."""
    return Problem(
        "server-page",
        f"{host} answers with a web page, not as a server for models.",
        "Check the address and its port; a proxy may ask you to log in first.",
        text[:500],
    )


def no_model(host: str, model: str, detail: str = "") -> Problem:
    """Return the problem of a model that the server does not have."""
    return Problem(
        "server-model",
        f"{host} has no model named {model}.",
        "Choose another in “Connect to a server…”, which lists those it has.",
        detail,
    )


def broken_off(host: str, reason: str) -> Problem:
    """Return the problem of an answer that the server itself did not let end."""
    if reason == "content_filter":
        return Problem("server-filter", f"A filter of {host} ended the answer.", "Ask otherwise.")
    return Problem("server-failed", f"{host} failed while it worked on the answer.", _KEPT)


def cannot_continue(host: str) -> Problem:
    """Return the problem of an answer that is to go on where the server has no way to."""
    return Problem(
        "server-no-continue",
        f"{host} cannot go on with an answer that stopped.",
        "Use Retry, which asks anew.",
    )


_KEPT = "What came is kept: “Continue” goes on from there."


def _message(text: str) -> tuple[str, Mapping[str, Any]]:
    """Return what an error's body says, and the object that says it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text, {}
    if not isinstance(value, dict):
        return text, {}
    error = value.get("error", value)
    if isinstance(error, dict):
        said = error.get("message", error.get("detail", text))
        return (said if isinstance(said, str) else json.dumps(said)), error
    return str(error), {}


def _too_long(message: str, error: Mapping[str, Any], detail: str) -> Problem | None:
    known = error.get("type") == "exceed_context_size_error"
    known = known or error.get("code") == "context_length_exceeded"
    if not known and not _TOO_LONG.search(message) and "max_model_len" not in message:
        return None
    prompt = _figure(error.get("n_prompt_tokens"), _PROMPT.search(message))
    context = _figure(error.get("n_ctx"), _CONTEXT.search(message))
    if prompt and context and prompt > context:
        title = (
            f"The conversation has grown to {prompt:,} tokens,"
            f" and the server's context holds {context:,}."
        )
    elif context:
        title = f"The conversation is longer than the server's context, which holds {context:,}."
        title = title.replace(f"{context:,}.", f"{context:,} tokens.")
    else:
        title = "The conversation is longer than the server's context."
    advice = "Begin a new chat, or have the server load the model with a larger context."
    return Problem("prompt-too-long", title, advice, detail)


def _figure(told: Any, found: re.Match[str] | None) -> int:
    if isinstance(told, int):
        return told
    text = next((group for group in found.groups() if group), "") if found else ""
    return int(text.replace(",", "")) if text else 0


def _not_found(host: str, model: str, message: str, detail: str) -> Problem:
    named = bool(model) and (model in message or "model" in message.lower())
    # mlx_lm looks for a name that it does not know on the hub, and says how that failed.
    if named or "locate the files" in message or "Repository Not Found" in message:
        return no_model(host, model, detail)
    return Problem(
        "server-not-found",
        f"{host} has nothing at this address.",
        "Most servers want /v1 at its end; check it with whoever runs the server.",
        detail,
    )


def _busy(host: str, headers: Mapping[str, str], message: str, detail: str) -> Problem:
    if "quota" in message.lower() or "billing" in message.lower():
        title, advice = f"The account's quota on {host} is used up.", "Check the account there."
        return Problem("server-quota", title, advice, detail)
    seconds = _retry_after(headers.get("retry-after", ""))
    advice = f"Try again in {seconds:,} s." if seconds else "Try again in a while."
    title = f"{host} takes no more questions at the moment."
    return Problem("server-busy", title, advice, detail)


def _retry_after(text: str) -> int:
    """Return the seconds of a Retry-After, which may be a date; 0 where it says nothing."""
    if text.strip().isdigit():
        return int(text)
    try:
        return max(0, round(parsedate_to_datetime(text).timestamp() - time.time()))
    except (ValueError, TypeError):
        return 0


def _clean(text: str, key: str | None) -> str:
    """Return a text for the details: short, and without the key."""
    return (text.replace(key, "…") if key else text)[:_DETAIL_CHARS]
