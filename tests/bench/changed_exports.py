"""Changes to exports, found and placed: `python -m tests.bench.changed_exports [COUNT]`.

COUNT (1,000) bytes and COUNT fields of the ten telling chats are changed at random, one at a time.
Each has to be found by `chain.verify`, and the first place that it names has to be the right one.
Ends with 1 where one is missed.
"""

import json
import random
import sys
import time
from typing import Any

from app.transcript import chain
from tests.support.telling_chats import telling


def main() -> int:
    """Change, check, and print how many were found and placed, and the time of a check."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    dice = random.Random(6)
    files = [chain.dumps(record, attachments) for _, record, attachments in telling()]
    missed = 0
    for name, change in (("bytes", _changed_byte), ("fields", _changed_field)):
        found = placed = 0
        began = time.process_time()
        for _ in range(count):
            data, place = change(dice, dice.choice(files))
            verdict = chain.verify(data)
            found += not verdict.intact
            placed += bool(verdict.faults) and verdict.faults[0].message == place
        took = (time.process_time() - began) / count * 1000
        print(f"{count:,} {name} changed: {found:,} found, {placed:,} placed; {took:.1f} ms each")
        missed += count - min(found, placed)
    return 1 if missed else 0


def _changed_byte(dice: random.Random, data: bytes) -> tuple[bytes, int | None]:
    at = dice.randrange(len(data))
    byte = dice.choice([value for value in range(256) if value != data[at]])
    line, messages = data[:at].count(b"\n"), data.count(b"\n") - 5
    place = 0 if line < 2 else line - 1 if line - 1 <= messages else None
    return data[:at] + bytes([byte]) + data[at + 1 :], place


def _changed_field(dice: random.Random, data: bytes) -> tuple[bytes, int | None]:
    """Return a file in the form's own spelling with one value changed, however deep it lies."""
    whole = json.loads(data)
    number = dice.randrange(len(whole["messages"]) + 1)
    at: Any = whole["messages"][number - 1] if number else whole["chat"]
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = dice.choice(keys)
        if isinstance(at[key], dict | list) and at[key]:
            at = at[key]
            continue
        at[key] = _other(dice, at[key])
        return _written(whole), number


def _other(dice: random.Random, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str) and value:
        at = dice.randrange(len(value))
        return value[:at] + ("x" if value[at] != "x" else "y") + value[at + 1 :]
    return "changed"


def _written(whole: dict[str, Any]) -> bytes:
    lines = ['{"chat":' + chain.encode(whole["chat"]) + ",", '"messages":[']
    lines += [",\n".join(chain.encode(message) for message in whole["messages"])]
    lines += ["],", '"attachments":' + chain.encode(whole["attachments"]) + ","]
    return "\n".join([*lines, '"head":' + chain.encode(whole["head"]) + "}", ""]).encode()


if __name__ == "__main__":
    sys.exit(main())
