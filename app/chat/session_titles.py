"""The part of a session in which the model gives a chat its title, while it has nothing to do.

Once the first answers are there and nobody is typing, the model is asked for a title at the end of
the same conversation: its prompt begins with what the model has just read and written, so that
little is read for it, and the next question finds its beginning still there. Whatever the user does
with the model comes first and ends it. A model on a server is not asked: that would be another
request in the user's name. The user may have none made at all (`Settings.model_titles`).
"""

import time
from dataclasses import dataclass, replace

from app.chat import titles
from app.chat.answer import Answer
from app.chat.load_plan import LoadPlan
from app.chat.message import Image, Message, Text, new_id
from app.chat.session_counting import Asking
from app.chat.session_room import SessionRoom
from app.engine.protocol import (
    Cancel,
    Delta,
    EngineDied,
    Event,
    Failed,
    Finished,
    ModelInfo,
    PromptProgress,
    Started,
)
from app.errors import WorldError

TITLE_FROM_BYTES = 300_000_000
"""Size of a model's file from which it is asked: smaller ones, the demo among them, write no title
that says more than the first words."""

TITLE_PROMPT_TOKENS = 4096
"""A longer conversation keeps its first words: should it have to be read again, that would take a
while even where nobody waits for it."""

_IDLE_S = 1.0
_MOST_TOKENS = 48
_ASKED = (
    "Write a title for this conversation: at most six words, in the language it is in. "
    "Answer with the title alone."
)


@dataclass(slots=True)
class _Title:
    """A title that is to be made, or is being made (request). due: when, monotonic seconds."""

    answer: Answer
    message: Message
    due: float
    request: int | None = None
    text: str = ""


class SessionTitles(SessionRoom):
    """Has titles made, and gives way to everything else."""

    _title: _Title | None = None
    _title_requests: frozenset[int] = frozenset()

    @property
    def making_title(self) -> bool:
        """Whether the model is writing a title now."""
        return self._title is not None and self._title.request is not None

    def busy(self) -> bool:
        """Whether pump() must be called again soon, without waiting for a wake-up."""
        return super().busy() or self._title is not None

    # ------------------------------------------------------------ when to ask

    def _ended(self, answer: Answer) -> None:
        super()._ended(answer)
        info, message = self.state.model.info, answer.current()
        if info is None or not self.settings.model_titles or not _is_asked(info, answer, message):
            return
        title = _Title(answer, message, time.monotonic() + _IDLE_S)

        def known(wanted: bool) -> None:
            if wanted and self._title is None and self._answer is None:
                self._title = title

        # Behind the writes that wait: the chat itself may be among them.
        self._durable.put(lambda store: store.wants_title(answer.chat_id), known)

    def _tick(self, now: float) -> None:
        super()._tick(now)
        title = self._title
        if title is None or title.request is not None or now < title.due:
            return
        model = self.state.model
        idle = self._answer is None and model.phase == "ready" and not self._counts
        idle = idle and self.settings.model_titles
        if not idle or model.info is None or self.state.draft.strip():
            self._title = None  # the next answer's end is another occasion
            return
        self._ask_for(title, model.info)

    def _ask_for(self, title: _Title, info: ModelInfo) -> None:
        answer = title.answer
        wishes = self._wishes_of(
            answer.options, answer.branch, answer.system_prompt, answer.thinking_budget
        )
        question = Message(new_id(), title.message.id, "user", (Text(_ASKED),), time.time())
        try:
            command = Asking((*answer.branch, title.message, question), wishes).command(info)
        except WorldError:  # a chat format that is not known
            self._title = None
            return
        title.request = self._engine.next_request()
        self._title_requests |= {title.request}
        # The budget only now: the prompt itself shall begin as the chat's own does.
        self._engine.send(
            replace(
                command,
                request=title.request,
                thinking_budget=0,
                max_tokens=_MOST_TOKENS,
                chat=answer.chat_id,
            )
        )

    # ------------------------------------------------------------ what comes first

    def _generate(self, answer: Answer) -> None:
        self._give_way()
        super()._generate(answer)

    def _load(self, path: str, plan: LoadPlan | None) -> None:
        self._give_way()
        super()._load(path, plan)

    def _unload(self) -> None:
        self._give_way()
        super()._unload()

    def set_draft(self, text: str) -> None:
        """Keep what is typed and not sent; who types will send soon."""
        if text.strip():
            self._give_way()
        super().set_draft(text)

    def _give_way(self) -> None:
        """Stop making a title; the next answer's end is another occasion."""
        title, self._title = self._title, None
        if title is not None and title.request is not None:
            self._engine.send(Cancel(title.request))

    # ------------------------------------------------------------ what came

    def _take(self, event: Event, at: float) -> None:
        if isinstance(event, EngineDied):
            self._title = None
        elif event.request in self._title_requests and isinstance(
            event, PromptProgress | Started | Delta | Finished | Failed
        ):
            self._take_title(event)
            return
        super()._take(event, at)

    def _take_title(self, event: Event) -> None:
        title = self._title
        if title is None or title.request != event.request:
            return
        if isinstance(event, Delta):
            title.text += event.text if event.channel == "answer" else ""
        elif isinstance(event, Finished | Failed):
            self._title = None
            ended = isinstance(event, Finished) and event.reason == "stop"
            self._suggest(title.answer.chat_id, titles.made_title(title.text) if ended else None)

    def _suggest(self, chat_id: str, title: str | None) -> None:
        def shown(changed: bool) -> None:
            if changed and title is not None:
                chats = tuple(
                    replace(chat, title=title) if chat.id == chat_id else chat
                    for chat in self.state.chats
                )
                self._change("chats", chats=chats)

        self._durable.put(lambda store: store.suggest_title(chat_id, title), shown)


def _is_asked(info: ModelInfo, answer: Answer, message: Message) -> bool:
    """Whether a model is worth asking after an answer."""
    usage = message.usage
    if info.server is not None or info.size_bytes < TITLE_FROM_BYTES:
        return False
    if message.status != "done" or usage is None or not message.text.strip():
        return False
    read = usage.prompt_tokens + usage.thinking_tokens + usage.answer_tokens
    pictures = any(isinstance(part, Image) for one in answer.branch for part in one.parts)
    return read <= min(TITLE_PROMPT_TOKENS, info.context // 2) and not pictures
