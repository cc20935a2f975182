"""The part of a session that has prompts counted by the engine, without having them answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.chat.message import Message
from app.chat.options import ChatOptions, shown
from app.chat.request import Wishes, generation, turn_of, wishes_of
from app.chat.session_model import SessionModel
from app.engine.protocol import Count, Counted, EngineDied, Event, Failed, Generate, ModelInfo

Counts = Sequence[int | None]
Done = Callable[[Counts], None]
"""Gets the tokens of each prompt, None where one could not be made; nothing if the engine died."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What an answer is asked for with. branch: up to the question, or with the unfinished answer.

    wishes.left_out: how many of the branch's oldest messages the model is not shown.
    """

    branch: tuple[Message, ...]
    wishes: Wishes
    unfinished: bool = False

    def command(self, info: ModelInfo) -> Generate:
        """Return the command as it would be sent; only its prompt is of use.

        Raises WorldError where the model's chat format is not known.
        """
        seen = shown(self.branch, self.wishes.left_out)
        turns = [turn_of(message, sees=info.sees) for message in seen]
        command, _ = generation(0, info, turns, self.wishes, unfinished=self.unfinished)
        return command


class SessionCounting(SessionModel):
    """Asks for counts and hands them to who asked."""

    _counts: dict[int, Done]

    def _wishes_of(
        self, options: ChatOptions, branch: Sequence[Message], system: str, budget: int | None
    ) -> Wishes:
        """Return what a chat wishes of the model that is loaded."""
        info = self.state.model.info
        if info is None:
            raise RuntimeError("no model is known")
        return wishes_of(
            options,
            info,
            system=system,
            thinking_budget=budget,
            keep_thinking=self.settings.keep_thinking,
            left_out=options.hidden(branch),
        )

    @property
    def _counts_here(self) -> bool:
        """Whether the engine can count now: a model is in memory, and it is no server's."""
        model = self.state.model
        return model.phase == "ready" and model.info is not None and model.info.server is None

    def _count(self, askings: Sequence[Asking], done: Done) -> None:
        """Have prompts counted; done is called by a later pump().

        Raises WorldError where the model's chat format is not known.
        """
        info = self.state.model.info
        if info is None:
            raise RuntimeError("no model is known")
        commands = [asking.command(info) for asking in askings]
        request = self._engine.next_request()
        self._counts[request] = done
        prompts = tuple(command.prompt for command in commands)
        self._engine.send(Count(request, prompts, commands[0].reasoning))

    def _take_count(self, event: Event) -> bool:
        """Take in an answer to a count; return whether it was one."""
        if isinstance(event, EngineDied):
            waiting, self._counts = self._counts, {}
            for done in waiting.values():
                done(())
            return False
        if event.request not in self._counts:
            return False
        if isinstance(event, Counted | Failed):
            done = self._counts.pop(event.request)
            done(event.counts if isinstance(event, Counted) else ())
        return True
