"""Which back end runs a model: told by its path, not by the user."""

from app.engine.protocol import BackendName
from app.server.address import is_server

SCRIPT_SUFFIX = ".script.json"
"""Scripts of the scripted back end; no model's file ends like this."""


def backend_for(path: str) -> BackendName:
    """Return the back end for a model's path."""
    if is_server(path):
        return "openai"
    return "scripted" if path.endswith(SCRIPT_SUFFIX) else "llama_cpp"
