"""What is counted of an answer on its way, and what the server's own counts make of it in the end.

Servers send a token an event, so events are counted while it runs. At its end most tell how many
tokens it was: that replaces the count. How many of them were thinking they tell wrongly or not at
all (vLLM counts 19 of 26 when it streams), so the events' share divides them.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.engine.outbox import Outbox
from app.engine.protocol import ClosedBy, Generate, PromptProgress, Usage
from app.reasoning.loops import LoopDetector
from app.server.speech import Speech
from app.server.stream import Counts


@dataclass(slots=True)
class Running:
    """An answer on its way. Times are seconds on the monotonic clock, 0 before.

    began: when its last request went out. first: its first word. before: tokens of thinking and of
    answer that the requests before the last one brought. prompt, cached: tokens, once they are
    known. closed: the thought was ended by us, once is enough; closed_by: why. loops: watches the
    thought, by the texts of its events.
    """

    request: int
    speech: Speech
    received: float
    began: float = 0.0
    first: float = 0.0
    before: tuple[int, int] = (0, 0)
    started: bool = False
    finish: str = ""
    prompt: int = 0
    cached: int = 0
    counts: list[Counts] = field(default_factory=list)
    closed: bool = False
    closed_by: ClosedBy = "model"
    loops: LoopDetector = field(default_factory=LoopDetector)

    def ask(self) -> None:
        """Begin another request."""
        self.began = time.monotonic()
        self.before = (self.speech.thinking_tokens, self.speech.answer_tokens)
        self.finish = ""
        self.counts.clear()

    def read(self, done: int, total: int, cached: int, outbox: Outbox) -> None:
        """Tell how much of the prompt is read, while no word of the answer has come."""
        if self.started or total <= 0:
            return
        self.prompt, self.cached = total, cached
        outbox.send(PromptProgress(self.request, min(done, total), total, cached))

    def ends(self, command: Generate, texts: Sequence[str]) -> bool:
        """Return whether the thought shall end with these words, and keep why."""
        if self.closed or not self.speech.thinking:
            return False
        circles = [self.loops.feed(hash(text)) for text in texts]
        budget = command.thinking_budget
        if budget is not None and self.speech.thinking_tokens >= budget:
            self.closed_by = "budget"
        elif command.break_loops and any(circles):
            self.closed_by = "loop"
        return self.closed_by != "model"

    def usage(self) -> Usage:
        """Return the counts as they stand."""
        speech, now = self.speech, time.monotonic()
        thinking, answer = speech.thinking_tokens, speech.answer_tokens
        prompt, cached = self.prompt, self.cached
        told = self.counts[-1] if self.counts else None
        prefill_s = max(0.0, (self.first or now) - self.began)
        decode_s = now - self.first if self.first else 0.0
        if told is not None:
            thought_before, said_before = self.before
            fresh = thinking - thought_before, answer - said_before
            share = fresh[0] / sum(fresh) if sum(fresh) else 0.0
            if told.completion > 2 * sum(fresh):  # events of many tokens: by their length, then
                whole = len(speech.thought) + len(speech.answer)
                share = len(speech.thought) / whole if whole else 0.0
            if told.completion:
                thinking = thought_before + round(told.completion * share)
                answer = said_before + told.completion - round(told.completion * share)
            if not any(self.before):
                prompt = told.prompt or prompt
            # What a continued answer had already is no part of the question.
            prompt = prompt or max(0, told.prompt - thought_before - said_before)
            cached = told.cached
            prefill_s = told.prompt_s or prefill_s
            if not any(self.before):
                decode_s = told.decode_s or decode_s
        return Usage(
            prompt_tokens=prompt,
            cached_tokens=min(cached, prompt),
            thinking_tokens=thinking,
            answer_tokens=answer,
            prefill_s=prefill_s,
            decode_s=decode_s,
            first_token_s=self.first - self.received if self.first else 0.0,
            closed_by=self.closed_by,
        )
