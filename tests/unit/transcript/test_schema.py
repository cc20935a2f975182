"""The published schema is that of the types, and exports keep to it."""

import json

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no stubs

from app import paths
from app.transcript import chain, schema
from tests.support.telling_chats import images, telling

PUBLISHED = paths.resources() / "schemas" / "transcript-1.json"


def test_what_is_published_is_what_the_types_say() -> None:
    said = PUBLISHED.read_text(encoding="utf-8")
    assert said == schema.dumps(), "python -m app.transcript.schema > resources/schemas/…"
    Draft202012Validator.check_schema(json.loads(said))


def test_every_export_keeps_to_it() -> None:
    check = Draft202012Validator(json.loads(PUBLISHED.read_text(encoding="utf-8")))
    for name, record, attachments in telling():
        whole = json.loads(chain.dumps(record, attachments))
        assert [error.message for error in check.iter_errors(whole)] == [], name


@pytest.mark.parametrize(
    "change",
    [
        {"role": "tool"},
        {"parts": [{"type": "text"}]},
        {"parts": [{"type": "video", "text": ""}]},
        {"created_at": "now"},
        {"hash": "x"},
        {"number": 0},
    ],
)
def test_what_is_otherwise_does_not(change: dict[str, object]) -> None:
    check = Draft202012Validator(json.loads(PUBLISHED.read_text(encoding="utf-8")))
    whole = json.loads(chain.dumps(*images()))
    whole["messages"][0].update(change)
    assert not check.is_valid(whole)
