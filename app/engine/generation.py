"""One generation: the prompt read in slices, then token after token until something ends it.

The loop is the same for every back end; what is particular to one is behind `Backend`. It runs on
the child's main thread and looks at the request's flags, which the command thread sets, before
each slice and each token.
"""

import codecs
import hashlib
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.engine.backends.base import Backend, Token
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
from app.engine.steering import Steering
from app.errors import Problem, WorldError
from app.prompts.renderer import Renderer
from app.reasoning.formats import FORMATS, Format, watched
from app.reasoning.splitter import Piece, Splitter

_SPOKEN = frozenset(
    ("[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CONTENT]")
)


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


class Voice:
    """Turns tokens into text on channels, and counts them.

    Every token counts once: to the channel on which its text comes out, markers to thinking, and
    text that is still withheld (half a character, half a marker) with the text that releases it.
    What a model writes to call tools is text: there are none here, and nobody should wonder.

    by_id: the vocabulary has the format's markers as control tokens.
    """

    def __init__(
        self,
        request: int,
        format_: Format,
        thinking_open: bool,
        outbox: Outbox,
        *,
        by_id: bool = False,
    ) -> None:
        self._request = request
        self._splitter = Splitter(
            format_, thinking_open=thinking_open, by_id=by_id, watch=watched(format_)
        )
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._outbox = outbox
        self._held = 0
        self.thinking_tokens = 0
        self.answer_tokens = 0

    @property
    def thinking(self) -> bool:
        """Whether a thought is open."""
        return self._splitter.thinking

    @property
    def format(self) -> Format:
        """Return how this output marks thoughts: what it began with counts."""
        return self._splitter.format

    def expect_close(self) -> None:
        """Take the next closing marker for one, whatever the thought says around it."""
        self._splitter.expect_close()

    @property
    def between_characters(self) -> bool:
        """Whether no character is begun and unfinished."""
        return not self._utf8.getstate()[0]

    def say(self, token: Token) -> None:
        """Take the next token."""
        self._held += 1
        if token.control is None:
            text = self._utf8.decode(token.data)
            if text:
                self._send(self._splitter.feed(text))
        elif token.control in self.format.tokens:
            self._end_character()
            self._send(self._splitter.feed(token.control, token.control))
        elif token.control in _SPOKEN:
            self._end_character()
            self._send(self._splitter.feed(token.control))

    def finish(self) -> bool:
        """Say what was withheld; return whether every thought was closed."""
        self._end_character()
        self._send(self._splitter.finish())
        if self._held:
            self._count("thinking" if self.thinking else "answer", "")
        return self._splitter.closed

    def _end_character(self) -> None:
        rest = self._utf8.decode(b"", final=True)
        self._utf8.reset()
        if rest:
            self._send(self._splitter.feed(rest))

    def _send(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if piece.channel == "marker":
                self._count("thinking", "")
            else:
                self._count(piece.channel, piece.text)

    def _count(self, channel: str, text: str) -> None:
        held, self._held = self._held, 0
        if channel == "thinking":
            self.thinking_tokens += held
            self._outbox.delta(self._request, "thinking", text, held)
        else:
            self.answer_tokens += held
            self._outbox.delta(self._request, "answer", text, held)


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
    backend.begin(command.sampling)
    while not flags.cancelled(request):
        may_close = voice.thinking and voice.between_characters
        why = steering.due(voice.thinking_tokens) if may_close else None
        if why is not None:
            made.closed_by, made.closed_at = why, voice.thinking_tokens
            steering.closed()
            marker = closing_ids(backend, voice.format)
            voice.expect_close()
            if len(made.ids) + len(marker) >= most:
                return "length"
            if not _write(backend, marker, voice, made):
                break
            continue
        token_id = backend.sample()
        token = backend.token(token_id)
        if not times.first_token:
            times.first_token = time.monotonic() - times.received
        if token.end and not command.ignore_end:
            return "stop"
        steering.saw(token_id, in_thought=voice.thinking)
        voice.say(token)
        made.ids.append(token_id)
        if len(made.ids) >= most:
            return "length"
        if not backend.append(token_id):
            break
    return "cancelled"


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
