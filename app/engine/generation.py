"""One generation: the prompt read in slices, then token after token until something ends it.

The loop is the same for every back end; what is particular to one is behind `Backend`. It runs on
the child's main thread and looks at the request's flags, which the command thread sets, before
each slice and each token.
"""

import hashlib
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.engine.backends.base import Backend
from app.engine.flags import Flags
from app.engine.outbox import Outbox
from app.engine.prefill import Pace, read_prompt
from app.engine.prompting import closing_ids, knows, resolve
from app.engine.protocol import (
    ClosedBy,
    Finished,
    Generate,
    PromptProgress,
    Started,
    StopReason,
    Usage,
)
from app.engine.steering import Steering, Turning
from app.engine.voice import Voice
from app.errors import Problem, WorldError
from app.prompts.renderer import Renderer
from app.reasoning.formats import FORMATS


@dataclass(slots=True)
class _Times:
    """Moments on the monotonic clock, seconds."""

    received: float
    prefill: float = 0.0
    decode: float = 0.0
    first_token: float = 0.0


@dataclass(slots=True)
class _Made:
    """What was written. ids: drawn or written in the model's place, the end not among them."""

    ids: "array[int]" = field(default_factory=lambda: array("i"))
    closed_by: ClosedBy = "model"
    closed_at: int = 0


def generate(
    backend: Backend,
    command: Generate,
    *,
    context: int,
    pace: Pace,
    flags: Flags,
    outbox: Outbox,
    received: float,
    renderer: Renderer,
    prepare: Callable[[Sequence[int]], None] | None = None,
) -> None:
    """Answer a Generate, up to its Finished. Raises WorldError where it cannot be done.

    context: how many tokens the sequence can hold. received: when the command came. prepare: may
    bring the back end nearer to the prompt's ids.
    """
    request = command.request
    row = FORMATS[command.reasoning]
    written = resolve(backend, command.prompt, row, renderer)
    row = FORMATS[written.reasoning or command.reasoning]
    thinking_open = command.thinking_open or written.thinking_open
    ids = backend.encode(written.prompt)
    _check_length(len(ids), context)
    if prepare is not None:
        prepare(ids)
    kept = backend.reuse(ids)
    times = _Times(received)
    by_id = bool(row.vital) and all(knows(backend, marker) for marker in row.vital)
    voice = Voice(request, row, thinking_open, outbox, by_id=by_id)

    def progress(done: int) -> None:
        outbox.send(PromptProgress(request, done, len(ids), kept))

    def stopped() -> bool:
        return flags.cancelled(request)

    began = time.monotonic()
    progress(kept)
    backend.watch(stopped)
    whole = read_prompt(backend, ids, kept, pace, stopped, progress)
    times.prefill = time.monotonic() - began
    reason: StopReason = "cancelled"
    made = _Made()
    if whole:
        outbox.send(Started(request, len(ids), kept, thinking_open, prompt_hash(ids)))
        began = time.monotonic()
        reason = _decode(backend, command, context - len(ids), flags, voice, times, made)
        times.decode = time.monotonic() - began
    closed = voice.finish()
    usage = Usage(
        prompt_tokens=len(ids),
        cached_tokens=kept,
        thinking_tokens=voice.thinking_tokens,
        answer_tokens=voice.answer_tokens,
        prefill_s=times.prefill,
        decode_s=times.decode,
        first_token_s=times.first_token,
        closed_by=made.closed_by,
        closed_at=made.closed_at,
        output_hash=prompt_hash(made.ids) if made.ids else "",
    )
    outbox.send(Finished(request, reason, usage, closed))


def _decode(
    backend: Backend,
    command: Generate,
    room: int,
    flags: Flags,
    voice: Voice,
    times: _Times,
    made: _Made,
) -> StopReason:
    """Generate tokens; room is how many more the context can hold."""
    request = command.request
    most = min(command.max_tokens or room, room)
    steering = Steering(command, flags, voice.thinking_tokens)
    turning = Turning(backend, command.sampling)
    backend.begin(command.sampling)
    while not flags.cancelled(request):
        why = steering.due(voice.thinking_tokens, voice.held) if voice.thinking else None
        if why is not None and steering.may_close(between_characters=voice.between_characters):
            ended = _close(backend, why, most, voice, made, steering, turning)
            if ended is not None:
                return ended
            continue
        token_id = backend.sample()
        token = backend.token(token_id)
        if turning.refuses(token_id, token, voice.format):
            continue
        if not times.first_token:
            times.first_token = time.monotonic() - times.received
        if token.end and not command.ignore_end:
            return "stop"
        steering.saw(token_id, token, in_thought=voice.thinking)
        voice.say(token)
        made.ids.append(token_id)
        if len(made.ids) >= most:
            return "length"
        if steering.ended:
            return "loop"
        if not backend.append(token_id):
            break
        turning.said(voice.answered)
    return "cancelled"


def _close(
    backend: Backend,
    why: ClosedBy,
    most: int,
    voice: Voice,
    made: _Made,
    steering: Steering,
    turning: Turning,
) -> StopReason | None:
    """Write what closes the open thought; return why the generation ends there, if it does."""
    if turning.given_up:
        return "loop"
    made.closed_by, made.closed_at = why, voice.thinking_tokens
    steering.closed()
    turning.closed()
    marker = closing_ids(backend, voice.format)
    voice.expect_close()
    if len(made.ids) + len(marker) >= most:
        return "length"
    return None if _write(backend, marker, voice, made) else "cancelled"


def _write(backend: Backend, ids: Sequence[int], voice: Voice, made: _Made) -> bool:
    """Say tokens that were not drawn; return False if that was stopped halfway."""
    for token_id in ids:
        if not backend.append(token_id):
            return False
        made.ids.append(token_id)
        voice.say(backend.token(token_id))
    return True


def _check_length(tokens: int, context: int) -> None:
    if tokens == 0:
        raise WorldError(
            Problem("prompt-empty", "There is nothing to answer: the prompt is empty.")
        )
    if tokens >= context:
        raise WorldError(
            Problem(
                "prompt-too-long",
                f"The conversation has grown to {tokens:,} tokens,"
                f" and the model's context holds {context:,}.",
                "Begin a new chat, or load the model with a larger context.",
            )
        )


def prompt_hash(ids: Sequence[int]) -> str:
    """Return the sha256 (hex) of the ids as little-endian int32."""
    values = array("i", ids)
    if sys.byteorder == "big":
        values.byteswap()
    return hashlib.sha256(values.tobytes()).hexdigest()
