"""Which back end runs a model: told by its path, not by the user."""

from pathlib import Path

from app.engine.protocol import BackendName
from app.server.address import is_server

SCRIPT_SUFFIX = ".script.json"
"""Scripts of the scripted back end; no model's file ends like this."""


def backend_for(path: str) -> BackendName:
    """Return the back end for a model's path; an MLX model is a folder."""
    if is_server(path):
        return "openai"
    if path.endswith(SCRIPT_SUFFIX):
        return "scripted"
    return "mlx" if Path(path).is_dir() else "llama_cpp"


def is_planned(path: str) -> bool:
    """Return whether the memory for a model is this machine's, so that a load is planned first."""
    return backend_for(path) in ("llama_cpp", "mlx")
