"""By what an answer was made, in words: the same lines in the window and in every export."""

from datetime import UTC, datetime

from app.chat.attachments import in_words
from app.chat.message import File, Image, Message, Provenance
from app.engine.protocol import Sampling, Usage
from app.fit.explain import file_size


def when(seconds: float) -> str:
    """Return a time as an export says it. seconds: since the epoch."""
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return "at an unknown time"  # one that no calendar has
    return f"{at:%Y-%m-%d %H:%M} UTC"


def thought(message: Message) -> str:
    """Return what is said of a thought in a line ("Thought for 31 s · 1,184 tokens")."""
    thinking = message.thinking
    if thinking is None:
        return ""
    if not thinking.closed:
        return f"Thought without an end, {thinking.seconds:.0f} s · {thinking.tokens:,} tokens"
    return f"Thought for {thinking.seconds:.0f} s · {thinking.tokens:,} tokens"


def attached(part: Image | File) -> str:
    """Return what is said of an attachment in a line."""
    size = in_words(part.size_bytes)
    if isinstance(part, File):
        return f"Attached file: {part.name}, {size}"
    seen = ", not shown to the model" if part.withheld else ""
    return f"Attached picture: {part.name}, {part.width} × {part.height}, {size}{seen}"


_ENDS = {
    "length": "Stopped by its length limit.",
    "cancelled": "Stopped by hand.",
    "running": "Not finished yet.",
}


def ending(message: Message) -> str:
    """Return how an answer ended where that was not by itself, else ""."""
    said = message.note or _ENDS.get(message.status, "")
    return " ".join(filter(None, (closed_by(message), said)))


def speaker(message: Message) -> str:
    """Return who says a message."""
    if message.role != "assistant":
        return "You" if message.role == "user" else "System"
    by = message.provenance
    return by.model or "Assistant" if by is not None else "Assistant"


def lines(message: Message) -> list[tuple[str, str]]:
    """Return all that is known of how an answer was made, as labels and values."""
    found: list[tuple[str, str]] = []
    by = message.provenance
    if by is not None and by.imported:
        found += [("Model", by.model)] if by.model else []
        found.append(("Imported from", f"{by.imported}, where no more is recorded of it"))
    elif by is not None:
        found += [
            ("Model", by.model),
            ("File", f"{_base(by.file)}, {file_size(by.size_bytes)}")
            if by.size_bytes
            else ("Model's name there", _base(by.file)),
            *([("SHA-256", by.sha256 or "not worked out")] if by.size_bytes else []),
            *([("From", f"{by.repository} at {by.revision}")] if by.repository else []),
            *_projector(by),
            ("Quantization", by.quantization),
            ("Engine", by.engine),
            ("Device", by.device),
            ("Context", f"{by.context:,} tokens, KV cache {by.kv}"),
            ("Layers on a graphics device", f"{by.gpu_layers}"),
            *([("Threads, batch", f"{by.threads}, {by.batch}")] if by.batch else []),
            *_flash(by),
            (
                "Sampling",
                _sampling(by.sampling),
            ),
            ("Seed", f"{by.sampling.seed}"),
            ("Prompt", f"{by.prompt_format}, SHA-256 of its ids {by.prompt_hash}"),
            ("Thinking", _thinking(by)),
        ]
    if by is not None and by.left_out:
        found.append(("Left out", f"the {by.left_out:,} oldest messages, to make room"))
    if by is not None and by.edited:
        found.append(("By hand", "a person changed what the model wrote"))
    if by is not None and by.resumed:
        found.append(("In several goes", "the figures are those of the last"))
    used = message.usage
    if used is not None:
        found += [
            (
                "Tokens",
                _tokens(used),
            ),
            (
                "Times",
                _times(used),
            ),
        ]
    return found


def details(message: Message) -> list[tuple[str, str]]:
    """Return `lines`, and when it was written and how it ended."""
    ended = ending(message) or "By itself."
    return [*lines(message), ("Written", when(message.created_at)), ("Ended", ended)]


_CLOSED_BY = {
    "budget": "Its thinking was closed at its budget.",
    "asked": "Its thinking was closed on request.",
    "loop": "Its thinking went in circles and was closed.",
}


def closed_by(message: Message) -> str:
    """Return who closed a thought where that was not the model itself, else ""."""
    return _CLOSED_BY.get(message.usage.closed_by, "") if message.usage is not None else ""


def _flash(by: Provenance) -> list[tuple[str, str]]:
    known = by.flash_attention is not None
    return [("Flash attention", "on" if by.flash_attention else "off")] if known else []


def _projector(by: Provenance) -> list[tuple[str, str]]:
    if not by.projector:
        return []
    return [
        ("Vision part", f"{_base(by.projector)}, {file_size(by.projector_bytes)}"),
        ("Vision part's SHA-256", by.projector_sha256 or "not worked out"),
    ]


def _thinking(by: Provenance) -> str:
    budget = "no budget" if by.thinking_budget is None else f"budget {by.thinking_budget:,} tokens"
    return f"{budget}, earlier thoughts {'kept' if by.keep_thinking else 'left out'}"


def _sampling(sampling: Sampling) -> str:
    said = (
        f"temperature {sampling.temperature:g}, top_k {sampling.top_k}, "
        f"top_p {sampling.top_p:g}, min_p {sampling.min_p:g}"
    )
    if sampling.repetition != 1:
        said += f", repetition penalty {sampling.repetition:g}"
    return said


def _tokens(used: Usage) -> str:
    return (
        f"prompt {used.prompt_tokens:,} ({used.cached_tokens:,} known already), "
        f"thinking {used.thinking_tokens:,}, answer {used.answer_tokens:,}"
    )


def _times(used: Usage) -> str:
    return (
        f"first token {used.first_token_s:.2f} s, reading {used.prefill_s:.2f} s, "
        f"writing {used.decode_s:.2f} s"
    )


def short(message: Message) -> str:
    """Return the most important of it in one line, "" where nothing is known."""
    known = dict(lines(message))
    names = ("Model", "Quantization", "Engine", "Device", "Sampling", "Seed", "Prompt")
    said = [known[name] for name in names[:4] if known.get(name)]
    said += [f"{name.lower()} {known[name]}" for name in names[5:] if name in known]
    if "Sampling" in known:
        said.insert(4, known["Sampling"])
    if message.provenance is not None and message.provenance.imported:
        said.append(f"imported from {message.provenance.imported}")
    return " · ".join(said)


def _base(path: str) -> str:
    """Return a path's last member, on whatever system it was written; folders stay at home."""
    return path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
