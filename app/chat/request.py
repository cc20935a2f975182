"""From a branch of a conversation to the one command that asks the engine to go on with it.

Used by the window's session and by `ponder ask`, so that both ask the same question of the same
model in the same way.
"""

import dataclasses
import random
from collections.abc import Sequence
from dataclasses import dataclass

from app.chat.attached_text import for_model
from app.chat.attachments import Kept
from app.chat.message import File, Image, Message, Provenance, Text, Thinking
from app.chat.options import ChatOptions
from app.engine.protocol import Generate, ModelInfo, PictureFile, Sampling
from app.models.weights import Weights
from app.prompts import detect, mistral
from app.prompts.segments import Picture, Prompt, Templated, Thought, Turn, TurnPart

MESSAGES = "messages"
"""The prompt format of a server: it is sent messages, and writes the prompt itself."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user wants of an answer; None leaves it to the model's own recommendation.

    system: the user's own addition to the model's system prompt, "" for none; replace_system: it
    takes the place of the model's. prompt_format: one of app.prompts.detect.FORMATS, "" for the
    model's own. left_out: so many of the oldest messages are not shown to the model, to make room;
    that is for who makes the turns to see to, and is recorded.
    """

    system: str = ""
    seed: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repetition: float | None = None
    max_tokens: int = 0
    thinking_budget: int | None = None
    keep_thinking: bool = False
    replace_system: bool = False
    prompt_format: str = ""
    left_out: int = 0


def wishes_of(
    options: ChatOptions,
    info: ModelInfo,
    *,
    system: str,
    thinking_budget: int | None,
    keep_thinking: bool | None,
    left_out: int = 0,
) -> Wishes:
    """Return what a chat wishes of a model.

    keep_thinking: where the chat has no opinion; None is as the model's makers advise.
    """
    keeps = keep_thinking if options.keep_thinking is None else options.keep_thinking
    return Wishes(
        system=system,
        seed=options.seed,
        temperature=options.temperature,
        top_p=options.top_p,
        top_k=options.top_k,
        min_p=options.min_p,
        repetition=options.repetition,
        thinking_budget=thinking_budget,
        keep_thinking=detect.keeps_thoughts(info) if keeps is None else keeps,
        left_out=left_out,
    )


def turn_of(message: Message, *, sees: bool = False) -> Turn:
    """Return a stored message as a prompt builder sees it; a thought stays in its place.

    sees: the model takes images. Where it does not, or the user withheld one, it is told so:
    nothing is left out in silence.
    """
    parts: list[TurnPart] = []
    for part in message.parts:
        match part:
            case Text(text=text):
                if text:
                    parts.append(text)
            case Thinking(text=text, closed=closed):
                parts.append(Thought(text, closed))
            case Image(withheld=withheld) if sees and not withheld:
                parts.append(Picture(part.sha256, part.width, part.height))
            case Image(name=name):
                parts.append(f"[An image named “{name}” was attached here. You cannot see it.]")
            case File():
                parts.append(for_model(part))
    return Turn(message.role, tuple(parts))


def pictures_of(branch: Sequence[Message], kept: Kept) -> tuple[PictureFile, ...]:
    """Return the files of the images that a branch shows to a model that sees, each once."""
    found = {
        part.sha256: PictureFile(
            part.sha256, str(kept.path(part.sha256)), part.mime, part.size_bytes
        )
        for message in branch
        for part in message.parts
        if isinstance(part, Image) and not part.withheld
    }
    return tuple(found.values())


def with_system(
    info: ModelInfo, turns: Sequence[Turn], own: str, *, replace: bool = False
) -> list[Turn]:
    """Return the turns under the model's own system prompt, the user's text merged into it.

    replace: the user's text takes its place.
    """
    system_turns = (turn for turn in turns if turn.role == "system")
    given = [part for turn in system_turns for part in turn.parts if isinstance(part, str)]
    text = "\n\n".join(text for text in (*given, own) if text.strip())
    system = detect.system_turn(info, text, instead=replace)
    rest = [turn for turn in turns if turn.role != "system"]
    return rest if system is None else [system, *rest]


def prompt_for(
    info: ModelInfo,
    turns: Sequence[Turn],
    *,
    keep_thinking: bool,
    unfinished: bool,
    think: bool = True,
    wanted: str = "",
) -> tuple[Prompt | Templated, str]:
    """Return the prompt of just these turns and the name of its format.

    unfinished: the last turn is an assistant's, to be continued where it stops. think: what models
    that can be told are told of thinking. wanted: the format, "" for the model's own.
    Raises WorldError where the model's chat format is not known.
    """
    choice = detect.choose(info, wanted)
    if choice.version is not None:
        prompt = mistral.build(
            turns,
            version=choice.version,
            keep_thinking=keep_thinking,
            unfinished=unfinished,
            effort="high" if think else "none",
        )
        return prompt, choice.name
    templated = Templated(
        template=choice.template or "",
        turns=tuple(turns),
        bos=info.bos,
        eos=info.eos,
        adds_bos=info.adds_bos,
        keep_thinking=keep_thinking,
        unfinished=unfinished,
        think=think,
    )
    return templated, choice.name


def recommended(info: ModelInfo) -> Sampling:
    """Return the sampling that a model's makers recommend: its file's, else Magistral's card's."""
    return info.sampling or Sampling()


def sampling_for(info: ModelInfo, wishes: Wishes) -> Sampling:
    """Return the sampling: the recommended one, but for what is wished for.

    A seed that is not wished for is drawn, so that it can be recorded and asked for again.
    """
    own = {
        name: value
        for name in ("temperature", "top_p", "top_k", "min_p", "repetition")
        if (value := getattr(wishes, name)) is not None
    }
    seed = wishes.seed if wishes.seed is not None else random.SystemRandom().getrandbits(32)
    return dataclasses.replace(recommended(info), **own, seed=seed)


def generation(
    request: int,
    info: ModelInfo,
    turns: Sequence[Turn],
    wishes: Wishes,
    *,
    unfinished: bool = False,
    pictures: tuple[PictureFile, ...] = (),
) -> tuple[Generate, str]:
    """Return the command that answers a conversation, and the name of the prompt format.

    pictures: the files of those that the turns show.
    Raises WorldError where the model's chat format is not known.
    """
    if info.server is not None:
        return _for_server(request, info, turns, wishes, unfinished, pictures), MESSAGES
    prompt, version = prompt_for(
        info,
        with_system(info, turns, wishes.system, replace=wishes.replace_system),
        keep_thinking=wishes.keep_thinking,
        unfinished=unfinished,
        think=wishes.thinking_budget != 0,
        wanted=wishes.prompt_format,
    )
    reasoning = detect.reasoning(info, wishes.prompt_format)
    last = turns[-1].parts[-1] if unfinished and turns and turns[-1].parts else None
    command = Generate(
        request=request,
        prompt=prompt,
        sampling=sampling_for(info, wishes),
        reasoning=reasoning.name,
        thinking_open=isinstance(last, Thought) and not last.closed,
        max_tokens=wishes.max_tokens,
        thinking_budget=wishes.thinking_budget,
        pictures=pictures,
    )
    return command, version


def _for_server(
    request: int,
    info: ModelInfo,
    turns: Sequence[Turn],
    wishes: Wishes,
    unfinished: bool,
    pictures: tuple[PictureFile, ...],
) -> Generate:
    """Return the command for a server: it gets the turns, and writes the prompt itself."""
    *before, last = with_system(info, turns, wishes.system, replace=wishes.replace_system)
    goes_on = unfinished and last.role == "assistant"
    sent = tuple(
        turn if wishes.keep_thinking or turn.role != "assistant" else _without_thoughts(turn)
        for turn in (*before, *(() if goes_on else (last,)))
    )
    end = last.parts[-1] if goes_on and last.parts else None
    return Generate(
        request=request,
        prompt=(),
        sampling=sampling_for(info, wishes),
        thinking_open=isinstance(end, Thought) and not end.closed,
        max_tokens=wishes.max_tokens,
        thinking_budget=wishes.thinking_budget,
        pictures=pictures,
        turns=(*sent, last) if goes_on else sent,
        unfinished=goes_on,
    )


def _without_thoughts(turn: Turn) -> Turn:
    return Turn(turn.role, tuple(part for part in turn.parts if not isinstance(part, Thought)))


def provenance(
    info: ModelInfo,
    command: Generate,
    version: str,
    prompt_hash: str,
    wishes: Wishes,
    *,
    weights: Weights | None = None,
    before: Provenance | None = None,
) -> Provenance:
    """Return by what an answer was made. before: of what it goes on from, if it does.

    weights: None where they were not worked out yet.
    """
    saw = bool(command.pictures)
    return Provenance(
        model=info.name,
        file=info.path,
        size_bytes=info.size_bytes,
        quantization=info.quantization,
        engine=info.build,
        device=info.device,
        context=info.context,
        sampling=command.sampling,
        prompt_format=version,
        prompt_hash=prompt_hash,
        kv=info.kv_type,
        gpu_layers=info.gpu_layers,
        threads=info.threads,
        batch=info.batch,
        flash_attention=info.flash_attention,
        sha256=weights.sha256 if weights else "",
        repository=weights.repository if weights else "",
        revision=weights.revision if weights else "",
        system=wishes.system,
        thinking_budget=wishes.thinking_budget,
        keep_thinking=wishes.keep_thinking,
        left_out=wishes.left_out,
        edited=before is not None and before.edited,
        resumed=before is not None,
        projector=info.projector if saw else "",
        projector_bytes=info.projector_bytes if saw else 0,
    )
