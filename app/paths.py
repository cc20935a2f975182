"""Where Ponder keeps its files: one place per kind, the operating system's own.

`PONDER_HOME` moves all of them below one folder (portable installs, tests). Functions, not
constants, so that a test can set the variable late; folders are made where something is written.
"""

import os
from pathlib import Path

import platformdirs

_NAME = "Ponder"


def _home() -> Path | None:
    home = os.environ.get("PONDER_HOME")
    return Path(home) if home else None


def data_dir() -> Path:
    """Return the folder of what must not be lost: the chats."""
    home = _home()
    return home / "data" if home else Path(platformdirs.user_data_dir(_NAME, appauthor=False))


def config_dir() -> Path:
    """Return the folder of the settings."""
    home = _home()
    return home / "config" if home else Path(platformdirs.user_config_dir(_NAME, appauthor=False))


def cache_dir() -> Path:
    """Return the folder of what can be made again."""
    home = _home()
    return home / "cache" if home else Path(platformdirs.user_cache_dir(_NAME, appauthor=False))


def log_dir() -> Path:
    """Return the folder of the log files."""
    home = _home()
    return home / "logs" if home else Path(platformdirs.user_log_dir(_NAME, appauthor=False))


def database() -> Path:
    """Return the path of the chats' database."""
    return data_dir() / "chats.sqlite3"


def engine_log() -> Path:
    """Return the path of the log that the engine child and llama.cpp write."""
    return log_dir() / "engine.log"


def resources() -> Path:
    """Return the folder of the files that ship with Ponder."""
    return Path(__file__).resolve().parent.parent / "resources"


def demo_model() -> Path:
    """Return the path of the demo model's GGUF."""
    return resources() / "demo" / "ponder-demo.gguf"
