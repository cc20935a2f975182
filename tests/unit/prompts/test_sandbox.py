"""Chat templates: what they may use, and what they may not do."""

from typing import Any

import pytest

from app.errors import WorldError
from app.prompts.renderer import Renderer
from app.prompts.sandbox import MOST_SOURCE, Work, Written, environment, write

DOUBLING = (
    "{% set n = namespace(s='aaaaaaaa') %}{% for i in range(60) %}"
    "{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s | length }}"
)
HELLO = [{"role": "user", "content": "Hello"}]


def run(template: str, **variables: Any) -> Written:
    return write(environment(), {}, Work(template, {"messages": HELLO, **variables}))


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ messages[0].content }}", "Hello"),
        (
            "{% for m in messages %}\n  {% if m %}\n{{ m['role'] }}\n  {% endif %}\n{% endfor %}",
            "user\n",
        ),
        ("{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}", "01"),
        ("{% for i in [1, 2] %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}", "2"),
        (
            "{% set n = namespace(a=1) %}{% for i in [1] %}{% set n.a = 2 %}{% endfor %}{{ n.a }}",
            "2",
        ),
        ("{% generation %}{{ messages[0].content }}{% endgeneration %}", "Hello"),
        ("{{ messages | tojson }}", '[{"role": "user", "content": "Hello"}]'),
        ("{{ {'b': '<é>', 'a': 1} | tojson(sort_keys=true) }}", '{"a": 1, "b": "<é>"}'),
        ("{{ [1] | tojson(indent=1) }}", "[\n 1\n]"),
        ("{{ strftime_now('%%') }}", "%"),
        ("{{ tools is none }}{{ absent is defined }}", "FalseFalse"),
        ("{{ '<think>a</think>b'.split('</think>')[-1] }}", "b"),
    ],
)
def test_what_templates_rely_on(template: str, text: str) -> None:
    assert run(template) == Written(text)


def test_a_template_can_refuse() -> None:
    assert run("{{ raise_exception('No system role.') }}") == Written(refused="No system role.")


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.__class__ }}{{ messages.__class__.__base__ }}x",
        "{{ messages.__init__.__globals__ }}",
        "{{ raise_exception.__globals__ }}",
        "{{ strftime_now.__self__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ lipsum.__globals__['os'].popen('id').read() }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ (messages | attr('__class__')) | attr('__mro__') }}",
        "{{ '{0.__class__.__mro__}'.format(messages) }}",
        "{{ messages.append(1) }}",
        "{{ messages[0].update({'role': 'x'}) }}",
        "{% include 'x' %}",
        "{% import 'os' as os %}",
        "{{ range(10000000) | list }}",
        "{{ undefined_function() }}",
        "{% if %}",
        "{{ 1 / 0 }}",
        "{{ none + 'a' }}",
    ],
)
def test_nothing_gets_out_of_the_sandbox(template: str) -> None:
    written = run(template)
    # Either it is refused, or what it asked for is undefined, which prints as nothing.
    assert written.fault or written.text in ("", "x")


def test_a_template_that_writes_without_end_or_is_too_long() -> None:
    endless = (
        "{% for i in range(99999) %}{% for j in range(99999) %}aaaaaaaaaa{% endfor %}{% endfor %}"
    )
    assert "without end" in run(endless).fault
    assert "too long" in run(" " * (MOST_SOURCE + 1)).fault


def test_the_process_writes_and_is_kept() -> None:
    renderer = Renderer()
    try:
        for _ in range(3):
            work = Work("{{ messages[0].content }}", {"messages": HELLO})
            assert renderer.write(work) == Written("Hello")
        with pytest.raises(WorldError) as caught:
            renderer.write(Work("{% if %}", {}))
        assert "TemplateSyntaxError" in caught.value.problem.detail
        assert renderer.write(Work("a", {})) == Written("a")
    finally:
        renderer.close()


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        DOUBLING,
        "{{ 'a' * 99999999999 }}",
    ],
    ids=["time", "doubling", "memory"],
)
def test_a_template_that_runs_away_is_stopped_and_the_next_one_runs(template: str) -> None:
    renderer = Renderer(longest_s=0.5)
    try:
        with pytest.raises(WorldError) as caught:
            renderer.write(Work(template, {}))
        assert caught.value.problem.key == "template-failed"
        assert renderer.write(Work("a", {})) == Written("a")
    finally:
        renderer.close()
