"""Writes a prompt by a model's own chat template, in a process that is made to be lost.

A template is a program that came with a file from somewhere. Jinja's sandbox keeps it from Python's
insides, but not from running for ever or from filling the memory: so it runs in a process of its
own, which `app.prompts.renderer` watches and kills. jinja2 is imported nowhere else.

What templates rely on is what transformers offers them: blocks without their line ends, `break` and
`continue`, `{% generation %}`, `tojson` that leaves characters as they are, `raise_exception` and
`strftime_now`.
"""

import json
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from jinja2 import Environment

MOST_SOURCE = 1_000_000
"""Characters of a template. The longest seen has 30,000."""

MOST_OUTPUT = 20_000_000
"""Characters of a prompt: ten times what the largest context holds."""

_MEMORY_BYTES = 1 << 30


class Work(NamedTuple):
    """A template and the variables that it is given."""

    template: str
    variables: dict[str, Any]


class Written(NamedTuple):
    """What came of it. refused: the template's own words, where it refused the conversation.

    fault: why it could not be run, "" where it could.
    """

    text: str = ""
    refused: str = ""
    fault: str = ""


class RefusedError(Exception):
    """The template called raise_exception."""


def main(connection: "Connection[Written | None, Work]") -> None:
    """Write prompts until the other end is gone. Says None first, once it is ready."""
    _limit_memory()
    env = environment()
    known: dict[str, Any] = {}
    connection.send(None)
    while True:
        try:
            work = connection.recv()
        except (EOFError, OSError):
            return
        connection.send(write(env, known, work))


def write(env: "Environment", known: dict[str, Any], work: Work) -> Written:
    """Return what a template writes. known: templates that are compiled already."""
    from jinja2 import TemplateError

    if len(work.template) > MOST_SOURCE:
        return Written(fault="The template is too long.")
    try:
        if work.template not in known:
            known[work.template] = env.from_string(work.template)
        parts: list[str] = []
        length = 0
        for part in known[work.template].generate(**work.variables):
            length += len(part)
            if length > MOST_OUTPUT:
                return Written(fault="The template writes without end.")
            parts.append(part)
    except RefusedError as error:
        return Written(refused=str(error))
    except (
        TemplateError,
        TypeError,
        ValueError,
        LookupError,
        AttributeError,
        ArithmeticError,
        RecursionError,
        MemoryError,
    ) as error:
        # A template's own mistakes surface as Python's: None + text, a missing key, too deep.
        return Written(fault=f"{type(error).__name__}: {error}")
    return Written("".join(parts))


def environment() -> "Environment":
    """Return the environment that chat templates are written for."""
    from jinja2 import nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.parser import Parser
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """`{% generation %}` marks what was generated; a prompt shows it like anything else."""

        tags = {"generation"}  # noqa: RUF012 - jinja's own interface

        def parse(self, parser: Parser) -> nodes.Node:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body, lineno=line)

    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, Generation]
    )
    env.globals["raise_exception"] = _refuse
    env.globals["strftime_now"] = time.strftime
    env.filters["tojson"] = _tojson
    return env


def _refuse(words: object = "") -> None:
    raise RefusedError(str(words))


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _limit_memory() -> None:
    """Have the system refuse more memory, where it can; the other side watches too."""
    if sys.platform == "linux":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        least = _MEMORY_BYTES if most < 0 else min(_MEMORY_BYTES, most)
        resource.setrlimit(resource.RLIMIT_AS, (least, most))
