"""The exact prompt of a conversation, where it came from, and whether the model should think.

Asked of an engine that opens the model without its weights: its vocabulary decides what a control
token is. For `ponder doctor --model` and for the window, which asks a child of its own, so that it
can be looked at while an answer is being written.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.chat.request import Wishes, prompt_for, with_system
from app.engine.choice import backend_for
from app.engine.protocol import Failed, Load, Loaded, LoadOptions, ModelInfo, Tokenize, Tokens
from app.engine.straight import Engine, engine
from app.errors import Problem, WorldError
from app.prompts import detect, doctor
from app.prompts.segments import Prompt, Text, Turn
from app.reasoning.formats import FORMATS


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found. format: the prompt's; origin: where that came from, in words.

    reasoning: how thoughts are marked. thinks, why: whether the model should think, in a sentence.
    notes: what the user should know of the prompt.
    """

    info: ModelInfo
    format: str
    origin: str
    reasoning: str
    thinks: bool
    why: str
    notes: tuple[str, ...]
    prompt: Prompt
    ids: tuple[int, ...]

    def runs(self) -> tuple[tuple[str, bool], ...]:
        """Return the prompt as runs of text, and whether each is a control token (or a picture)."""
        return tuple(
            (doctor.marked((segment,)), not isinstance(segment, Text)) for segment in self.prompt
        )

    def verdict(self) -> str:
        """Return whether the model should think, and why or why not."""
        return f"{'Should think' if self.thinks else 'Will not think'}: {self.why}"


def examine(
    opened: Engine, info: ModelInfo, turns: Sequence[Turn], wishes: Wishes, *, unfinished: bool
) -> Examined:
    """Return what is found of a conversation with a model that an engine holds.

    Raises WorldError where its format is not known or its template refuses the conversation.
    """
    wanted = wishes.prompt_format
    choice = detect.choose(info, wanted)
    row = detect.reasoning(info, wanted)
    replaced = wishes.replace_system and bool(wishes.system.strip())
    prompt, _ = prompt_for(
        info,
        with_system(info, turns, wishes.system, replace=replaced),
        keep_thinking=wishes.keep_thinking,
        unfinished=unfinished,
        think=wishes.thinking_budget != 0,
        wanted=wanted,
    )
    request = opened.next_request()
    opened.send(Tokenize(request, prompt, row.name))
    tokens = next(event for event in opened.events(request) if isinstance(event, Tokens | Failed))
    if isinstance(tokens, Failed):
        raise WorldError(tokens.problem)
    row = FORMATS[tokens.reasoning or row.name]
    expected, why = doctor.thinks(
        info,
        choice,
        row,
        replaced=replaced,
        budget=wishes.thinking_budget,
        opened=tokens.thinking_open,
        closed=tokens.thinking_closed,
    )
    notes = tuple(note for note in (choice.note, *tokens.notes) if note)
    return Examined(
        info, choice.name, choice.origin, row.name, expected, why, notes, tokens.prompt, tokens.ids
    )


def examine_file(
    path: str, turns: Sequence[Turn], wishes: Wishes, *, unfinished: bool = False
) -> Examined:
    """Return it of a model's file or folder, through an engine of its own. Raises WorldError."""
    options = LoadOptions(path=path, backend=backend_for(path), words_only=True)
    if options.backend == "openai":
        title = "A server writes the prompt itself: it is sent the messages alone."
        raise WorldError(Problem("server-no-prompt", title, "Its own log may show the prompt."))
    with engine() as opened:
        request = opened.next_request()
        opened.send(Load(request, options))
        for event in opened.events(request):
            if isinstance(event, Failed):
                raise WorldError(event.problem)
            if isinstance(event, Loaded):
                return examine(opened, event.info, turns, wishes, unfinished=unfinished)
    raise RuntimeError("a load ended without Loaded")
