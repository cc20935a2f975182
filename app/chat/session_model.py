"""The part of a session that loads models: planned for this machine, compared, offered anew.

A load has two steps: the plan, made off this thread, and the engine's. Each load takes its request
id at the first, so that late news of an earlier one is known by its lower id.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app import settings as settings_file
from app.chat.load_plan import LoadPlan, default_options, held, load_of, speed_of, wanted_context
from app.chat.model_slot import ModelState, chosen, offered, reduce_model, remembered, took
from app.chat.planner import Planner
from app.chat.session_state import Change, SessionState
from app.chat.turn import TurnState
from app.engine import death
from app.engine.choice import is_planned
from app.engine.client import EngineClient
from app.engine.protocol import (
    OUT_OF_MEMORY,
    EngineDied,
    Event,
    Failed,
    Load,
    Loaded,
    Loading,
    ModelInfo,
    Unload,
    Unloaded,
)
from app.errors import Problem

_NO_MEMORY = (OUT_OF_MEMORY, death.OUT_OF_MEMORY)


class SessionModel(ABC):
    """State, engine and the model in it. Not thread-safe."""

    def __init__(self, settings: settings_file.Settings, wakeup: Callable[[], None] | None) -> None:
        self.state = SessionState(
            model=remembered(settings.last_model), thinking_budget=settings.thinking_budget
        )
        self.settings = settings
        self._changes: set[Change] = set()
        self._problems: list[Problem] = []
        self._engine = EngineClient(wakeup=wakeup)
        self._planner = Planner(wakeup=wakeup)
        self._load_request = 0
        self._planning = False
        self._chosen = False
        self._in_memory: ModelInfo | None = None
        # By path: what found too little memory in this session.
        self._too_big: dict[str, LoadPlan] = {}

    def _report(self, problem: Problem) -> None:
        self._problems.append(problem)

    def _change(self, *changes: Change, **values: object) -> None:
        self.state = replace(self.state, **values)  # type: ignore[arg-type]
        self._changes.update(changes)

    @abstractmethod
    def _take(self, event: Event, at: float) -> None:
        """Take in one event, of the engine or as if it were. at: seconds, monotonic."""

    # ------------------------------------------------------------ a load's two steps

    def _load(self, path: str, plan: LoadPlan | None) -> None:
        """Load a file as it was planned; without a plan, make one first."""
        self._load_request = request = self._engine.next_request()
        self._change("model", "context", model=chosen(path, plan))
        self._chosen = plan is not None
        self._planning = plan is None and is_planned(path)
        if not self._planning:
            self._send_load(path, plan)
            return

        def planned(found: LoadPlan | None) -> None:
            if self._planning and request == self._load_request:
                self._planning = False
                if found is None and self._too_big.pop(path, None) is not None:
                    self._take(Failed(request, _nothing_left(path)), time.monotonic())
                else:
                    self._send_load(path, found)

        if path in self._too_big:
            self._planner.next(path, self._too_big[path], planned)
        else:
            context = wanted_context(self.settings.context)
            gives_back = held(self._in_memory)
            self._planner.first(path, context, gives_back=gives_back, done=planned)

    def _send_load(self, path: str, plan: LoadPlan | None) -> None:
        options = plan.options(path) if plan else default_options(path, self.settings.context)
        self._change("model", model=replace(self.state.model, plan=plan))
        self._engine.send(Load(self._load_request, options))

    def _unload(self) -> None:
        """Give the model's memory back; a load that is only planned is not begun."""
        self._load_request = self._engine.next_request()
        self._planning = False
        if self.state.model.phase != "none":
            self._engine.send(Unload(self._load_request))

    # ------------------------------------------------------------ the engine's events

    def _is_about_model(self, event: Event) -> bool:
        """Whether an event tells of the model that was chosen last, not of one before it."""
        if isinstance(event, EngineDied | Unloaded):
            self._in_memory = None
        if self._planning:
            return False
        if isinstance(event, EngineDied):
            return True
        if event.request < self._load_request:
            return False
        if isinstance(event, Failed):
            return self.state.model.phase == "loading"
        return isinstance(event, Loading | Loaded | Unloaded)

    def _take_model(self, event: Event) -> None:
        """Take in an event about the model."""
        model: ModelState = reduce_model(self.state.model, event)
        if isinstance(event, Loaded):
            model = self._compared(model, event.info)
        self._change("model", "context", model=model)
        if isinstance(event, Failed | EngineDied) and event.problem.key in _NO_MEMORY:
            self._offer_smaller()

    def _compared(self, model: ModelState, info: ModelInfo) -> ModelState:
        """Hold a load against its promise, and learn from it."""
        self._in_memory = info
        plan = model.plan
        load = load_of(plan, info) if plan else None
        if load is not None:
            self._planner.loaded(load)
        if plan is not None and self._chosen:
            self._planner.keep(model.path, plan)
            self._too_big.pop(model.path, None)
        return took(model, load)

    def _offer_smaller(self) -> None:
        """Work out what to try after a load that found too little memory, and say it."""
        path, request = self.state.model.path, self._load_request
        failed = self.state.model.plan or LoadPlan(self.settings.context)
        self._too_big[path] = failed
        # Not loaded again as it was: the next message plans anew.
        self._change("model", model=replace(self.state.model, info=None))

        def offer(plan: LoadPlan | None) -> None:
            model = self.state.model
            if request != self._load_request or model.phase != "failed":
                return
            model = offered(model, plan)
            self._change("model", model=model)
            if model.problem is not None:
                self._report(model.problem)

        self._planner.next(path, failed, offer)

    def _learn_speed(self, turn: TurnState) -> None:
        """Keep how fast an answer was written, where it was long enough to tell."""
        plan = self.state.model.plan
        speed = speed_of(plan, turn.usage) if plan else None
        if plan is not None and speed is not None:
            self._planner.measured(plan, speed)


def _nothing_left(path: str) -> Problem:
    return Problem(
        "load-too-big",
        f"{Path(path).name} found too little memory, and there is no smaller setting to try.",
        "Choose a smaller quantization of it, or close other programs and try again.",
    )
