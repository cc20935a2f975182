"""Looks at a server: what answers there, which models it has, how long their context is.

`look` is asynchronous and for the engine's process; `ask` runs it in a child of its own, for the
window's jobs and the command line.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.errors import Problem, WorldError
from app.models import servers
from app.models.servers import Server
from app.server import address, kinds, stream
from app.server.kinds import KINDS, Kind
from app.server.wire import Wire

PURPOSE = "Look at a server"

_ITS_OWN = "default_model"
"""How mlx_lm calls the model it was started with; it lists none without a cache folder."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a server said. contexts: tokens by model, of those of which it was told.

    template: the chat template of the one model it has, "" where it does not tell. sees: the models
    that take pictures. version: of the server, "" where it does not tell.
    """

    kind: Kind
    models: tuple[str, ...]
    contexts: Mapping[str, int] = field(default_factory=dict)
    template: str = ""
    sees: frozenset[str] = frozenset()
    version: str = ""


def ask(
    text: str,
    *,
    key: str | None = None,
    ca_file: str = "",
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Server, Found]:
    """Return the server at an address that a user typed, and what was found there.

    Blocks for as long as the server does. key: None takes the one that is kept. Raises WorldError.
    """
    from app.models import hub_child

    server = Server(address.parse(text).base)
    for kept in servers.known():
        if kept.base == server.base:
            server = kept
    return hub_child.call(_ask, "", cancelled, server, key, ca_file or server.ca_file)


def _ask(server: Server, key: str | None, ca_file: str) -> tuple[Server, Found]:
    """Look at a server, in the child."""
    import asyncio
    from dataclasses import replace

    server = replace(server, ca_file=ca_file)
    key = servers.key_of(server) if key is None else key.strip()

    async def looked() -> Found:
        wire = Wire(server, key or None, PURPOSE)
        try:
            return await look(wire, server)
        finally:
            await wire.close()

    found = asyncio.run(looked())
    return replace(server, kind=found.kind.name, models=found.models), found


async def look(wire: Wire, server: Server) -> Found:
    """Return what a server says of itself. Raises WorldError where it cannot be asked."""
    reply = await wire.get(f"{server.base}/models")
    text = reply.body.decode("utf-8", "replace").strip()
    listed: Any = stream.document(text) if text else None
    kind = kinds.detect(server.address.host, reply.headers, listed)
    models, contexts = _listed(listed)
    if kind.name == "llama_cpp":
        return await _llama_cpp(wire, server, kind, models, contexts)
    if kind.name == "lmstudio":
        return await _lm_studio(wire, server, kind, models)
    if kind.name == "mlx_lm" and not models:
        models = (_ITS_OWN,)
    if not models:
        raise WorldError(
            Problem(
                "server-no-models",
                f"{wire.host} answers, but lists no model.",
                "Have the server load one, then try again.",
                text,
            )
        )
    return Found(kind, models, contexts)


def _listed(value: Any) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the models of a list, and the context of those that tell it."""
    data = value.get("data") if isinstance(value, dict) else None
    models: list[str] = []
    contexts: dict[str, int] = {}
    for entry in data if isinstance(data, list) else ():
        name = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not name:
            continue
        models.append(name)
        meta = entry.get("meta")
        # vLLM and SGLang; llama.cpp; Mistral's API.
        told = (
            entry.get("max_model_len"),
            meta.get("n_ctx") if isinstance(meta, dict) else None,
            entry.get("max_context_length"),
        )
        context = next((tokens for tokens in told if isinstance(tokens, int) and tokens > 0), 0)
        if context:
            contexts[name] = context
    return tuple(dict.fromkeys(models)), contexts


async def _llama_cpp(
    wire: Wire, server: Server, kind: Kind, models: tuple[str, ...], contexts: dict[str, int]
) -> Found:
    """Ask llama.cpp's server for its properties too; they may be switched off."""
    value = await _more(wire, f"{server.address.root}/props")
    settings = value.get("default_generation_settings")
    context = settings.get("n_ctx") if isinstance(settings, dict) else None
    if isinstance(context, int) and context > 0:
        contexts = dict.fromkeys(models, context)
    modalities, template = value.get("modalities"), value.get("chat_template")
    sees = isinstance(modalities, dict) and modalities.get("vision") is True
    return Found(
        kind,
        models,
        contexts,
        template if isinstance(template, str) else "",
        frozenset(models) if sees else frozenset(),
        str(value.get("build_info", "")),
    )


async def _lm_studio(wire: Wire, server: Server, kind: Kind, models: tuple[str, ...]) -> Found:
    """Ask LM Studio's own list too: of the context, and of what sees."""
    value = await _more(wire, f"{server.address.root}/api/v0/models")
    contexts: dict[str, int] = {}
    sees: set[str] = set()
    talks: list[str] = []
    data = value.get("data")
    for entry in data if isinstance(data, list) else ():
        if not isinstance(entry, dict) or entry.get("type") == "embeddings":
            continue
        name = str(entry.get("id", ""))
        talks.append(name)
        context = entry.get("loaded_context_length") or entry.get("max_context_length")
        if isinstance(context, int) and context > 0:
            contexts[name] = context
        if entry.get("type") == "vlm":
            sees.add(name)
    models = tuple(name for name in models if not talks or name in talks)
    return Found(kind, models, contexts, sees=frozenset(sees))


async def _more(wire: Wire, url: str) -> dict[str, Any]:
    """Return what can be done without: {} where the server does not tell it."""
    try:
        return stream.document((await wire.get(url)).body.decode("utf-8", "replace"))
    except WorldError:
        return {}


def kind_of(server: Server) -> Kind:
    """Return the kind that a server had when it was looked at last."""
    return KINDS.get(server.kind, KINDS["other"])
