"""The model that is chosen: its state as the header's chip shows it, from the engine's events."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from app.chat.load_plan import LoadPlan
from app.engine.protocol import EngineDied, Event, Failed, Loaded, Loading, ModelInfo, Unloaded
from app.errors import Problem

if TYPE_CHECKING:
    from app.fit.learned import Load

ModelPhase = Literal["none", "loading", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class ModelState:
    """The model chip's facts. path: "" where none was chosen yet; info: None until it is loaded.

    plan: the settings it is loaded with, None where no plan could be made. promise: what it was
    promised to take and what it took ("promised 21.6 GB, used 21.5"), "" where nothing was.
    next_plan: after a load that failed for memory, the settings to try next.
    """

    phase: ModelPhase = "none"
    name: str = ""
    path: str = ""
    fraction: float = 0.0
    info: ModelInfo | None = None
    problem: Problem | None = None
    plan: LoadPlan | None = None
    promise: str = ""
    next_plan: LoadPlan | None = None


def remembered(path: str) -> ModelState:
    """Return the state of the model of last time: known by name, not loaded before it is needed."""
    return ModelState(name=_name_of(path), path=path) if path else ModelState()


def chosen(path: str, plan: LoadPlan | None = None) -> ModelState:
    """Return the state of a model whose load begins."""
    return ModelState(phase="loading", name=_name_of(path), path=path, plan=plan)


def _name_of(path: str) -> str:
    """Return what a model is called before it is loaded; a folder's name may have dots in it."""
    return Path(path).name.removesuffix(".gguf")


def took(state: ModelState, load: "Load | None") -> ModelState:
    """Return the state of a loaded model with its promise beside the truth."""
    return replace(state, promise=load.in_words() if load else "", next_plan=None)


def offered(state: ModelState, plan: LoadPlan | None) -> ModelState:
    """Return the state of a model that found too little memory, with what to try next.

    A promise that failed is told as one. plan: None where nothing smaller fits.
    """
    from app.fit.explain import memory

    problem = state.problem
    if problem is None:
        return state
    if state.plan is not None and state.plan.promised_bytes is not None:
        promised = memory(state.plan.promised_bytes)
        title = (
            f"{Path(state.path).name} was promised to fit in {promised}, "
            "but there was not enough memory."
        )
        problem = replace(problem, title=title)
    advice = "Choose a smaller quantization of it, or close other programs."
    if plan is not None:
        advice = f"It should fit with {plan.in_words()}."
    return replace(state, next_plan=plan, problem=replace(problem, advice=advice))


def reduce_model(state: ModelState, event: Event) -> ModelState:
    """Return the state after an event of a load, or after the engine's death."""
    match event:
        case Loading(fraction=fraction):
            return replace(state, phase="loading", fraction=fraction, problem=None)
        case Loaded(info=info):
            return replace(
                state, phase="ready", name=info.name, fraction=1.0, info=info, problem=None
            )
        case Failed(problem=problem) if problem.key == "load-cancelled":
            return replace(state, phase="none", fraction=0.0, info=None)
        case Failed(problem=problem):
            return replace(state, phase="failed", fraction=0.0, info=None, problem=problem)
        case EngineDied(problem=problem):
            return replace(state, phase="failed", fraction=0.0, problem=problem)
        case Unloaded():
            return replace(state, phase="none", fraction=0.0, info=None, problem=None)
    return state
