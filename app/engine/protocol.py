"""What is said between the window and the engine child: frozen values through a pipe.

Commands go down, events come up. Every event carries the id of the request it answers, so that
late events of a cancelled request can be dropped. Cancel is a stop reason, not an exception.
`EngineDied` never crosses the pipe: the client makes it when the pipe ends.
"""

from dataclasses import dataclass, field
from typing import Literal

# Named again as they are: most who speak with the engine need them too.
from app.engine.facts import BackendName as BackendName
from app.engine.facts import DeviceMemory as DeviceMemory
from app.engine.facts import KVType as KVType
from app.engine.facts import ModelInfo as ModelInfo
from app.engine.facts import Sampling as Sampling
from app.engine.facts import ServerFacts as ServerFacts
from app.errors import Problem
from app.models.projectors import BESIDE
from app.prompts.segments import Prompt, Templated, Turn

Channel = Literal["thinking", "answer"]
StopReason = Literal["stop", "length", "cancelled", "loop"]
ClosedBy = Literal["model", "budget", "asked", "loop"]

OUT_OF_MEMORY = "load-memory"
"""The key of a load's problem where it found too little memory."""


# ---------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What to load and how.

    context: in tokens; gpu_layers: of layers + 1, -1 is all; threads: 0 is the engine's choice.
    cpu_experts: the experts of all layers stay in main memory.
    words_only: enough to encode prompts with, nothing to generate: a GGUF is open in no time then.
    projector: the file of its vision part, "" to load it without; `BESIDE` for the best that lies
    beside it and fits it, if any.
    """

    path: str
    backend: BackendName = "llama_cpp"
    context: int = 8192
    gpu_layers: int = -1
    kv_type: KVType = "f16"
    threads: int = 0
    batch: int = 512
    cpu_experts: bool = False
    words_only: bool = False
    projector: str = BESIDE


@dataclass(frozen=True, slots=True)
class Load:
    """Load a model, after unloading the one that is there.

    Answered by Loading..., then Loaded or Failed.
    """

    request: int
    options: LoadOptions


@dataclass(frozen=True, slots=True)
class Tokenize:
    """Encode a prompt exactly as Generate would. Answered by Tokens or Failed.

    reasoning: as in Generate; a template's last words are read by it.
    """

    request: int
    prompt: Prompt | Templated
    reasoning: str = "think"


@dataclass(frozen=True, slots=True)
class Count:
    """Count the tokens of prompts, as Tokenize would give them. Answered by Counted or Failed."""

    request: int
    prompts: tuple[Prompt | Templated, ...]
    reasoning: str = "think"


@dataclass(frozen=True, slots=True)
class PictureFile:
    """Where a back end that sees finds a picture. key: what the prompt calls it.

    path: the file, which may have been taken away. mime: image/png, jpeg, webp, gif or bmp.
    """

    key: str
    path: str
    mime: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Generate:
    """Continue a prompt. Answered by PromptProgress..., Started, Delta..., then Finished or Failed.

    reasoning: the name of the format in app.reasoning.formats ("mistral", "think", "none").
    thinking_open: the prompt ends inside an open thought (a template says so itself).
    max_tokens: 0 is up to the end of the context.
    thinking_budget: tokens of thinking after which the thought is closed; None is no limit.
    ignore_end: go on past end-of-generation tokens (benchmarks and fault tests only).
    break_loops: close a thought that goes in circles, end an answer that does (app.reasoning.loops
    says when).
    turns: the conversation itself, for a server, which applies its own template; the prompt is
    empty then. unfinished: the last turn is an assistant's, to be continued where it stops.
    pictures: the files of those that the prompt shows; none where the model's `sees` is False.
    chat: the id of the chat that it is part of: what was read is kept on disk for it, and goes with
    it (Forget); nothing is kept of what is in no chat.
    """

    request: int
    prompt: Prompt | Templated
    sampling: Sampling
    reasoning: str = "none"
    thinking_open: bool = False
    max_tokens: int = 0
    thinking_budget: int | None = None
    ignore_end: bool = False
    pictures: tuple[PictureFile, ...] = ()
    turns: tuple[Turn, ...] = ()
    unfinished: bool = False
    break_loops: bool = True
    chat: str = ""


@dataclass(frozen=True, slots=True)
class CloseThinking:
    """Close the thought now and let the model answer. No event of its own; too late is no error."""

    request: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop the load or generation with this request id.

    A generation ends with Finished("cancelled"), a load with Failed(key "load-cancelled").
    """

    request: int


@dataclass(frozen=True, slots=True)
class Forget:
    """Forget what was read for these chats, also what is kept of it on disk. No event.

    Where no engine runs there is only the disk: app.engine.states.drop_chats.
    """

    chats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unload:
    """Free the model and its memory. Answered by Unloaded."""

    request: int


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End the child. Answered by the end of the pipe."""


Command = Load | Tokenize | Count | Generate | CloseThinking | Cancel | Forget | Unload | Shutdown


# ---------------------------------------------------------------- events


@dataclass(frozen=True, slots=True)
class Loading:
    """fraction: 0 to 1 of the weights are read."""

    request: int
    fraction: float


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model is ready."""

    request: int
    info: ModelInfo
    load_s: float


@dataclass(frozen=True, slots=True)
class Tokens:
    """The ids of a prompt, and the text of each as the vocabulary spells it.

    prompt: its segments. thinking_open: it ends inside a thought; thinking_closed: with one that is
    closed already. reasoning: the format that a template's end shows, "" where none wrote it.
    notes: what a template made of the conversation that the user should know.
    """

    request: int
    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    prompt: Prompt = ()
    thinking_open: bool = False
    thinking_closed: bool = False
    reasoning: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """How many tokens each of the prompts has; None where Generate would fail with it."""

    request: int
    counts: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class PromptProgress:
    """done of total prompt tokens are in the KV cache; cached of them were there already."""

    request: int
    done: int
    total: int
    cached: int


@dataclass(frozen=True, slots=True)
class Started:
    """The prompt is read; the first token comes next.

    prompt_hash: sha256 (hex) of the prompt's ids as little-endian int32.
    """

    request: int
    prompt_tokens: int
    cached_tokens: int
    thinking_open: bool
    prompt_hash: str


@dataclass(frozen=True, slots=True)
class Delta:
    """New text on one channel, made of `tokens` tokens (a thought's markers count to thinking)."""

    request: int
    channel: Channel
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts in tokens, times in seconds.

    first_token_s: from the command to the first token. closed_by: who ended the thought: the model,
    or Ponder in its place, because the budget was spent, the user asked for the answer, or the
    thought went in circles; closed_at: after how many tokens of this request's thinking it was, in
    the model's place. output_hash: the SHA-256 (hex) of the ids that were written, as
    little-endian int32, the end not among them; "" where there are no ids (a server).
    """

    prompt_tokens: int = 0
    cached_tokens: int = 0
    thinking_tokens: int = 0
    answer_tokens: int = 0
    prefill_s: float = 0.0
    decode_s: float = 0.0
    first_token_s: float = 0.0
    closed_by: ClosedBy = "model"
    closed_at: int = 0
    output_hash: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """The generation ended. thinking_closed is False where the thought was never closed."""

    request: int
    reason: StopReason
    usage: Usage
    thinking_closed: bool = True


@dataclass(frozen=True, slots=True)
class Failed:
    """The request could not be done; the engine lives on."""

    request: int
    problem: Problem


@dataclass(frozen=True, slots=True)
class Unloaded:
    """The model is gone and its memory given back."""

    request: int


@dataclass(frozen=True, slots=True)
class EngineDied:
    """The child ended without being asked to. request: what it was doing, None if idle.

    exit_code: as multiprocessing gives it: negative is a signal, None unknown.
    """

    request: int | None
    problem: Problem
    exit_code: int | None
    log_tail: tuple[str, ...] = field(default=())


Event = (
    Loading
    | Loaded
    | Tokens
    | Counted
    | PromptProgress
    | Started
    | Delta
    | Finished
    | Failed
    | Unloaded
    | EngineDied
)
