"""Which back end runs a file: told by the file, not by the user."""

from app.engine.protocol import BackendName

SCRIPT_SUFFIX = ".script.json"
"""Scripts of the scripted back end; no model's file ends like this."""


def backend_for(path: str) -> BackendName:
    """Return the back end for a model's path."""
    return "scripted" if path.endswith(SCRIPT_SUFFIX) else "llama_cpp"
