"""The part of a session that knows how full the context is, and sends nothing that does not fit.

The meter counts the prompt that would be sent next, what is being typed included. Before an answer
is begun its prompt is counted, unless its very bytes are fewer than the tokens there is room for.
What does not fit is held, with the ways to make room for it (`app.chat.room`), and begins by itself
once what was chosen is enough.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from app.chat import load_plan, room
from app.chat.answer import Answer
from app.chat.load_plan import LoadPlan
from app.chat.message import Message, Thinking
from app.chat.options import shown
from app.chat.room import NoRoom, Offer, OfferKind
from app.chat.session_counting import Asking, Counts
from app.chat.session_meter import SessionMeter
from app.engine.choice import is_planned
from app.engine.protocol import ModelInfo
from app.errors import WorldError
from app.prompts import detect

TOO_LONG = "prompt-too-long"
"""The key of the problem of a prompt that the context does not hold, here or on a server."""

_AROUND_BYTES = 64
_TEMPLATE_BYTES = 8192
"""More than a prompt has around its messages; a model's own template may put instructions there."""


@dataclass(frozen=True, slots=True)
class _Held:
    """An answer that waits for room. here: the chat and its last message, as they were.

    text: what was typed, "" where the question is in the chat already. chosen: the user has chosen
    something; before, one that failed or was cut short is not begun by itself.
    """

    here: tuple[str | None, str | None]
    branch: tuple[Message, ...]
    unfinished: bool
    begin: Callable[[], None]
    text: str
    chosen: bool


class SessionRoom(SessionMeter):
    """Holds what does not fit, and makes room for it."""

    _held: _Held | None = None
    _weighed_by: ModelInfo | None = None

    # ------------------------------------------------------------ what is held

    def _when_it_fits(
        self,
        branch: Sequence[Message],
        begin: Callable[[], None],
        *,
        unfinished: bool = False,
        text: str = "",
        unasked: bool = False,
    ) -> bool:
        """Begin an answer if it surely fits (True), else once it was counted and does (False).

        branch: up to the question, or with the answer that is gone on with. text: what was typed,
        where the question is not in the chat yet. unasked: only the offers are wanted.
        """
        self._drop_held()
        if not unasked and self._surely_fits(branch):
            begin()
            return True
        self._held = _Held(self._here(), tuple(branch), unfinished, begin, text, not unasked)
        self._weigh_held(self._held)
        return False

    def _surely_fits(self, branch: Sequence[Message]) -> bool:
        info = self.state.model.info
        if info is None or not self._counts_here:
            return True  # it is found out once the model is there, or by the server
        version = detect.prompt_format(info)
        around = _AROUND_BYTES if version is not None else _TEMPLATE_BYTES
        own = detect.system_turn(info, self.state.system_prompt)
        said = [part for part in own.parts if isinstance(part, str)] if own is not None else []
        around += len("".join(said).encode("utf-8", "replace"))
        seen = shown(branch, self.state.options.hidden(branch))
        most = room.most_tokens(seen, around, sees=info.sees)
        return most <= info.context - room.least_room(info.context)

    def _begin_held(self, held: _Held) -> None:
        """Begin what was held, unless something else is being answered by now."""
        self._drop_held()
        if held.chosen and self._answer is None and self._here() == held.here:
            held.begin()

    def _drop_held(self) -> None:
        self._held = None
        if self.state.room is not None:
            self._change("room", room=None)

    # ------------------------------------------------------------ weighing

    def _weigh_held(self, held: _Held) -> None:
        """Have an answer's prompt counted, with earlier thoughts and without."""
        if not self._counts_here:
            self._begin_held(held)
            return
        self._weighed_by = self.state.model.info
        asking = self._asking(held)
        silent = replace(asking, wishes=replace(asking.wishes, keep_thinking=False))
        self._ask(held, (asking, silent), partial(self._held_weighed, held))

    def _asking(self, held: _Held, cut: int | None = None) -> Asking:
        state = self.state
        options, budget = state.options, state.thinking_budget
        wishes = self._wishes_of(options, held.branch, state.system_prompt, budget)
        if cut is not None:
            wishes = replace(wishes, left_out=cut)
        return Asking(held.branch, wishes, held.unfinished)

    def _ask(
        self, held: _Held, askings: Sequence[Asking], done: Callable[[list[int]], None]
    ) -> None:
        """Count, as long as it is still wanted; what cannot be counted the engine shall judge."""

        def counted(counts: Counts) -> None:
            if self._held is not held:
                return
            sound = [count for count in counts if count is not None]
            if not sound or len(sound) < len(counts):
                self._begin_held(held)
            else:
                done(sound)

        try:
            self._count(askings, counted)
        except WorldError:
            self._begin_held(held)

    def _held_weighed(self, held: _Held, counts: list[int]) -> None:
        info = self.state.model.info
        if info is None:
            return
        tokens, silent = counts
        if tokens + room.least_room(info.context) <= info.context:
            self._begin_held(held)
            return
        found = NoRoom(tokens, info.context, (), sent=not held.text)
        if tokens > silent:
            enough = silent + room.least_room(info.context) <= info.context
            found = replace(found, offers=(Offer("thoughts", tokens - silent, enough),))
        hidden = self.state.options.hidden(held.branch)
        self._look_for_cut(held, found, room.cuts(held.branch, hidden))

    def _look_for_cut(self, held: _Held, found: NoRoom, places: Sequence[int]) -> None:
        """Find the first place to cut at that leaves room, a few of them at a time."""
        if not places:
            self._say_no_room(held, found)
            return
        tried = room.spread(places)

        def counted(counts: list[int]) -> None:
            best = room.best_cut(list(zip(tried, counts, strict=True)), found.context)
            if best is None:
                return
            cut, tokens = best
            before = max((place for place in tried if place < cut), default=-1)
            between = [place for place in places if before < place < cut]
            if between:
                self._look_for_cut(held, found, [*between, cut])
                return
            enough = tokens + room.least_room(found.context) <= found.context
            hidden = self.state.options.hidden(held.branch)
            offer = Offer("turns", found.tokens - tokens, enough, messages=cut - hidden)
            self._say_no_room(held, replace(found, offers=(*found.offers, offer)))

        self._ask(held, [self._asking(held, cut) for cut in tried], counted)

    def _say_no_room(self, held: _Held, found: NoRoom) -> None:
        """Tell the user, and look for a larger context meanwhile."""
        model = self.state.model
        if found.tokens < found.context:
            offer = Offer("anyway", 0, enough=True)
            found = replace(found, offers=(*found.offers, offer))
        looking = is_planned(model.path)
        self._change("room", room=replace(found, looking=looking))
        if not looking:
            return

        def planned(plan: LoadPlan | None) -> None:
            shown_now = self.state.room
            if self._held is held and shown_now is not None:
                said = shown_now.with_plan(plan, "" if plan else self._why_no_larger())
                self._change("room", room=said)

        self._planner.larger(
            model.path,
            found.context,
            found.tokens + room.least_room(found.context),
            gives_back=load_plan.held(self._in_memory),
            done=planned,
        )

    def _why_no_larger(self) -> str:
        info = self.state.model.info
        if info is not None and info.context_train and info.context >= info.context_train:
            return f"The model was made for no more than {info.context_train:,} tokens of context."
        return "A context that is large enough does not fit into this computer's memory now."

    # ------------------------------------------------------------ what the user chooses

    def make_room(self, kind: OfferKind) -> None:
        """Do what was offered; the answer that is held begins if that is enough."""
        held, said = self._held, self.state.room
        offer = next((one for one in said.offers if one.kind == kind), None) if said else None
        if held is None or said is None or offer is None:
            return
        self._held = held = replace(held, chosen=True)
        options = self.state.options
        if kind == "anyway":
            self._begin_held(held)
            return
        if kind == "context":
            self.load_model(self.state.model.path, offer.plan)
            return  # its end weighs anew
        if kind == "thoughts":
            self.set_options(replace(options, keep_thinking=False))
        else:
            gone = held.branch[: options.hidden(held.branch) + offer.messages]
            self.set_options(replace(options, left_out=tuple(message.id for message in gone)))
        if said.exact:
            self._weigh_held(held)
        else:
            self._begin_held(held)

    def dismiss_room(self) -> None:
        """Make no room: nothing is sent, and what was typed is there to be typed on."""
        held = self._held
        self._drop_held()
        if held is not None and held.text and not self.state.draft:
            self.set_draft(held.text)
            self._change("chat")

    @abstractmethod
    def load_model(self, path: str, plan: LoadPlan | None = None) -> None:
        """Load a model, in place of the one that is there."""

    @abstractmethod
    def continue_answer(
        self, message_id: str, *, answer_now: bool = False, unasked: bool = False
    ) -> bool:
        """Go on with an answer that stopped. unasked: only say what stands in the way."""

    # ------------------------------------------------------------ what happens

    def new_chat(self) -> None:
        """Show a chat not yet begun; what was held in the one before is given up."""
        self._drop_held()
        super().new_chat()

    def set_draft(self, text: str) -> None:
        """Keep what is typed and not sent; what was held with another text is given up."""
        if self._held is not None and self._held.text not in ("", text):
            self._drop_held()
        super().set_draft(text)

    def _recount(self) -> None:
        """Count the context's use anew; weigh what waited for a model, give up what is not seen."""
        held = self._held
        if held is not None and held.here != self._here():
            self._drop_held()
        else:
            other = self.state.model.info is not self._weighed_by
            if held is not None and other and self._counts_here:
                self._weigh_held(held)
        super()._recount()

    def _ended(self, answer: Answer) -> None:
        """Offer room where an answer found too little, at its beginning or in its midst."""
        super()._ended(answer)
        if answer.chat_id != self.state.chat_id:
            return
        problem, info = answer.turn.problem, self.state.model.info
        too_long = problem is not None and problem.key == TOO_LONG
        if info is None or not (too_long or answer.full):
            return
        if info.server is None:
            self.continue_answer(answer.message.id, unasked=True)
        elif too_long:
            self._no_room_there(answer)

    def _no_room_there(self, answer: Answer) -> None:
        """Say what can be done where a server found the conversation too long."""
        info = self.state.model.info
        if info is None:
            return
        branch = answer.branch
        state = self.state
        options, budget = state.options, state.thinking_budget
        wishes = self._wishes_of(options, branch, state.system_prompt, budget)
        keeps = wishes.keep_thinking and any(
            isinstance(part, Thinking) for message in branch for part in message.parts
        )
        said = room.on_server(branch, wishes.left_out, info.context, keeps_thoughts=keeps)

        def begin() -> None:
            self.continue_answer(answer.message.id)

        self._held = _Held(self._here(), branch, answer.continues, begin, "", chosen=False)
        self._change("room", room=said)
