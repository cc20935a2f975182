"""What the commands that need an engine share: a client, a loaded model, its events one by one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from app import paths, settings
from app.engine.choice import backend_for
from app.engine.protocol import (
    Event,
    Failed,
    Load,
    Loaded,
    LoadOptions,
    ModelInfo,
)
from app.engine.straight import Engine, engine
from app.errors import Problem, WorldError
from app.server.address import is_server

__all__ = ["Engine", "engine", "load", "loaded", "model_path", "options_for"]


def model_path(given: str | None) -> Path:
    """Return the model to use: the one given, else the last one used, else the demo model.

    Raises WorldError where there is none.
    """
    if given is not None and given != "demo":
        return Path(given).expanduser()
    if given is None:
        chosen, _ = settings.load()
        if is_server(chosen.last_model) or (chosen.last_model and Path(chosen.last_model).exists()):
            return Path(chosen.last_model)
    demo = paths.demo_model()
    if not demo.is_file():
        raise WorldError(
            Problem(
                key="no-model",
                title="There is no model yet.",
                advice="Name one with --model FILE.gguf.",
                detail=str(demo),
            )
        )
    return demo


def options_for(path: Path, context: int | None = None) -> LoadOptions:
    """Return how a model is loaded without a plan. context: in tokens, None as in the settings."""
    wanted = context or settings.load()[0].context
    return LoadOptions(path=str(path), backend=backend_for(str(path)), context=wanted)


def load(
    opened: Engine, path: Path, *, context: int | None = None, options: LoadOptions | None = None
) -> Iterator[Event]:
    """Load a model and yield the events; the last one is Loaded. Raises WorldError on failure.

    options: how, None as in `options_for`.
    """
    request = opened.next_request()
    options = options or options_for(path, context)
    opened.send(Load(request, options))
    for event in opened.events(request):
        if isinstance(event, Failed):
            raise WorldError(event.problem)
        yield event


def loaded(
    opened: Engine, path: Path, *, context: int | None = None, words_only: bool = False
) -> ModelInfo:
    """Load a model and return what the engine knows of it. Raises WorldError on failure.

    words_only: enough to encode prompts with, nothing to generate.
    """
    info: ModelInfo | None = None
    options = replace(options_for(path, context), words_only=words_only)
    for event in load(opened, path, options=options):
        if isinstance(event, Loaded):
            info = event.info
    if info is None:
        raise RuntimeError("a load ended without Loaded")
    return info
