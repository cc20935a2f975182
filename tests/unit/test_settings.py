"""Settings come back as saved, survive nonsense, and never lose what another version wrote."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from app import settings
from app.errors import WorldError
from app.settings import Settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PONDER_HOME", str(tmp_path))
    return tmp_path


def write(text: str) -> None:
    settings.settings_path().parent.mkdir(parents=True, exist_ok=True)
    settings.settings_path().write_text(text, encoding="utf-8")


def test_without_a_file_there_are_defaults() -> None:
    assert settings.load() == (Settings(), None)


def test_what_is_saved_comes_back(home: Path) -> None:
    chosen = Settings("dark", "/m/é\udce9.gguf", 4096, 0, True, "AdnQ", {"later": [1, {"a": None}]})
    settings.save(Settings())
    settings.save(chosen)
    assert settings.load() == (chosen, None)
    assert [file.name for file in settings.settings_path().parent.iterdir()] == ["settings.json"]


def test_keys_of_another_version_are_kept() -> None:
    write('{"font": "big", "theme": "light"}')
    found, problem = settings.load()
    settings.save(replace(found, theme="dark"))
    assert problem is None
    values = json.loads(settings.settings_path().read_text(encoding="utf-8"))
    assert (values["font"], values["theme"]) == ("big", "dark")


@pytest.mark.parametrize(
    "value",
    [
        {"theme": "purple"},
        {"theme": ["dark"]},
        {"context": -1},
        {"context": "many"},
        {"context": True},
        {"thinking_budget": 1.5},
        {"keep_thinking": 1},
        {"last_model": None},
        {"geometry": 3},
    ],
)
def test_a_value_that_makes_no_sense_is_the_default(value: dict[str, object]) -> None:
    write(json.dumps({"last_model": "/m", "context": 512, **value}))
    found, problem = settings.load()
    assert problem is None
    (name,) = value
    assert getattr(found, name) == getattr(Settings(), name)
    assert name == "context" or found.context == 512


@pytest.mark.parametrize("text", ["", "{", "[]", '"dark"', "\x00" * 100, "[" * 100_000])
def test_a_damaged_file_is_kept_aside(text: str) -> None:
    write(text)
    found, problem = settings.load()
    assert found == Settings()
    assert problem is not None
    assert problem.key == "settings-damaged"
    (aside,) = settings.settings_path().parent.glob("settings.damaged-*")
    assert aside.read_text(encoding="utf-8") == text
    assert str(aside) in problem.advice
    assert settings.load() == (Settings(), None)


@given_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_survived(content: bytes) -> None:
    settings.settings_path().parent.mkdir(parents=True, exist_ok=True)
    settings.settings_path().write_bytes(content)
    assert isinstance(settings.load()[0], Settings)


def test_a_folder_that_cannot_be_written(home: Path) -> None:
    (home / "config").write_text("a file where the folder should be")
    with pytest.raises(WorldError, match="could not be saved"):
        settings.save(Settings())
    found, problem = settings.load()
    assert found == Settings()
    assert problem is not None
    assert problem.key == "settings-unreadable"
