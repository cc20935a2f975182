r"""Mathematics in Markdown, as markdown-it rules.

In a line: `$…$`, `\(…\)`, and set apart `$$…$$`, `\[…\]` and bare environments (`\begin{align}` and
its kin). On lines of their own the last three are blocks. The rules run before Markdown's own, so
that the backslashes, underscores and stars of a formula stay its own. What is money and no formula
is said in `money`, fenced formulas in `fences`.

A formula set apart may take several lines, not a blank one. While it streams its end is not there
yet: one that reaches the end of the document is open, and is marked so. In a line the end is looked
for within `REACH` characters, so that a lone dollar keeps nothing waiting for ever.
"""

import re
from collections.abc import Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.ruler import StateBase
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from app.markup.fences import ENVIRONMENTS
from app.markup.money import is_formula

REACH = {"$": 1000, "\\(": 1000, "$$": 4000, "\\[": 4000, "\\begin": 4000}
"""How many characters a formula in a line can have, by what opens it."""

_MOST_LINES = 100
"""Of a formula set apart: text of nothing but beginnings must not take a square of its length."""

# An even number of backslashes before the end: `\\]` is a line break and a bracket.
_UNESCAPED = r"(?<!\\)(?:\\\\)*"
_ENDS = {
    "$$": re.compile(_UNESCAPED + r"(\$\$)"),
    "\\[": re.compile(_UNESCAPED + r"(\\\])"),
    "\\(": re.compile(_UNESCAPED + r"(\\\))"),
    "$": re.compile(_UNESCAPED + r"(\$)"),
}
_CLOSING = {"$$": "$$", "\\[": "\\]", "\\(": "\\)", "$": "$"}
_BEGIN = re.compile(rf"\\begin\{{((?:{'|'.join(ENVIRONMENTS)})\*?)\}}")
# What the first line of a formula has and a sentence that begins with $$ has not.
_TEX = re.compile(r"\$\$(?:.*[\\^_{}=]|(?!.*[A-Za-z]{2}).*[A-Za-z+*/<>-])")

_BLANK = re.compile(r"\n[ \t]*\n")
# An escaped bracket and its partner: `\[ ]` and `\[name]: address`.
_BRACKETED = re.compile(r"\\\[[^\[\]]*\]")


def math_plugin(md: MarkdownIt) -> None:
    """Add the rules, and their tokens "math_inline" and "math_block", to a parser.

    content is the TeX; meta["display"]: set apart; meta["closed"]: its end is there.
    """
    md.inline.ruler.before("escape", "math", _inline)
    md.inline.ruler.before("escape", "math_environment", _inline_environment)
    md.block.ruler.before(
        "table", "math", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    md.add_render_rule("math_inline", _render)
    md.add_render_rule("math_block", _render_block)


# ------------------------------------------------------------ in a line


def _inline(state: StateInline, silent: bool) -> bool:
    source, start = state.src, state.pos
    opening = source[start : start + 2]
    if opening not in _ENDS:
        opening = opening[:1]
        if opening != "$":
            return False
    begin = start + len(opening)
    if _last_end(state, _CLOSING[opening]) < begin:
        return False
    end = _ENDS[opening].search(source, begin, min(state.posMax, begin + REACH[opening]))
    if end is None:
        return False
    tex = source[begin : end.start(1)]
    before = source[start - 1] if start else " "
    if not is_formula(opening, tex, before, source[end.end() : end.end() + 8]):
        return False
    if not silent:
        _push(state, tex.strip(), opening, display=opening in ("$$", "\\["))
    state.pos = end.end()
    return True


def _last_end(state: StateBase, closing: str) -> int:
    """Return where the last end of such a formula is, -1 for nowhere.

    Kept for each text: one of nothing but openings must not take a square of its length.
    """
    known = state.env.get("math_ends")
    if known is None or known[0] is not state.src:
        known = state.env["math_ends"] = (state.src, {})
    ends: dict[str, int] = known[1]
    if closing not in ends:
        ends[closing] = state.src.rfind(closing)
    return ends[closing]


def _inline_environment(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "\\":
        return False
    begin = _BEGIN.match(state.src, state.pos, state.posMax)
    if begin is None:
        return False
    if _last_end(state, f"\\end{{{begin[1]}}}") < begin.end():
        return False
    reach = min(state.posMax, state.pos + REACH["\\begin"])
    end = _end_of(begin[1], state.src, begin.end(), reach)
    if end < 0:
        return False
    if not silent:
        _push(state, state.src[state.pos : end], "\\begin", display=True)
    state.pos = end
    return True


def _push(state: StateInline, tex: str, markup: str, *, display: bool) -> None:
    token = state.push("math_inline", "span", 0)
    token.content = tex
    token.markup = markup
    token.meta = {"display": display, "closed": True}


def _end_of(name: str, source: str, at: int, reach: int) -> int:
    r"""Return the offset after the \end that belongs to an environment, -1 where there is none."""
    depth = 1
    for found in _mark(name).finditer(source, at, reach):
        depth += 1 if found[1] == "begin" else -1
        if depth == 0:
            return found.end()
    return -1


@cache
def _mark(name: str) -> re.Pattern[str]:
    return re.compile(rf"\\(begin|end)\{{{re.escape(name)}\}}")


# ------------------------------------------------------------ on lines of its own


def _block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    if state.is_code_block(first):
        return False
    line = _line(state, first)
    opening = line[:2]
    if opening in ("$$", "\\["):
        found = _block_end(state, first, last, opening)
    elif opening == "\\b" and (begin := _BEGIN.match(line)):
        found = _environment_end(state, first, last, begin[1])
    else:
        return False
    if found is None:
        return False
    stop, closed = found
    text = state.getLines(first, stop, state.sCount[first], False).strip()
    bare = opening == "\\b"
    in_a_line = closed and stop == first + 1 and not bare
    if in_a_line and not is_formula(opening, text[2:-2], " ", ""):
        return False
    if silent:
        return True
    token = state.push("math_block", "div", 0)
    token.content = text if bare else text[2 : -2 if closed else len(text)].strip()
    token.markup = "\\begin" if bare else opening
    token.map = [first, stop]
    token.meta = {"display": True, "closed": closed}
    state.line = stop
    return True


def _block_end(state: StateBlock, first: int, last: int, opening: str) -> tuple[int, bool] | None:
    """Return the line after a formula set apart and whether its end is there; None: no formula."""
    line = _line(state, first)
    end = _ENDS[opening].search(line, 2)
    if opening == "$$" and (
        line.startswith("$$$") or (end is None and line[2:].strip() and not _TEX.match(line))
    ):
        # Decided by this line alone: the end may be far, or never come.
        return None
    if opening == "\\[" and ("](" in line or (end is None and _BRACKETED.match(line))):
        return None
    number = first
    while end is None:
        number += 1
        if number >= last:
            return _open_end(state, number)
        line = _line(state, number)
        if not _goes_on(state, number, line, first):
            return None
        end = _ENDS[opening].search(line)
    return None if line[end.end() :].strip() else (number + 1, True)


def _environment_end(
    state: StateBlock, first: int, last: int, name: str
) -> tuple[int, bool] | None:
    r"""Return the line after the \end of an environment and whether it is there; None: no end."""
    depth = 0
    begin = state.bMarks[first]
    if _last_end(state, f"\\end{{{name}}}") < begin and _next_blank(state, begin) >= 0:
        return None
    for number in range(first, last):
        line = _line(state, number)
        if number > first and not _goes_on(state, number, line, first):
            return None
        for found in _mark(name).finditer(line):
            depth += 1 if found[1] == "begin" else -1
            if depth == 0:
                return None if line[found.end() :].strip() else (number + 1, True)
    return _open_end(state, last)


def _next_blank(state: StateBlock, at: int) -> int:
    """Return where the next blank line is, -1 for nowhere; kept, as `_last_end` is."""
    known = state.env.get("math_blank")
    if known is None or known[0] is not state.src or not known[1] <= at <= known[2]:
        found = _BLANK.search(state.src, at)
        known = (state.src, at, found.start() if found else -1)
        state.env["math_blank"] = known
    return int(known[2])


def _open_end(state: StateBlock, number: int) -> tuple[int, bool] | None:
    # The document must end here too, and not only the list or the quotation.
    return (number, False) if number == len(state.bMarks) - 1 else None


def _goes_on(state: StateBlock, number: int, line: str, first: int) -> bool:
    inside = state.sCount[number] >= state.blkIndent
    return bool(line) and inside and number - first < _MOST_LINES


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _render(
    _renderer: RendererHTML,
    tokens: Sequence[Token],
    idx: int,
    _options: OptionsDict,
    _env: EnvType,
) -> str:
    token = tokens[idx]
    return _span(token.content, display=token.meta["display"])


def _render_block(
    _renderer: RendererHTML,
    tokens: Sequence[Token],
    idx: int,
    _options: OptionsDict,
    _env: EnvType,
) -> str:
    token = tokens[idx]
    if token.level and not token.meta["closed"]:
        # Within a list it is shown as it is written until its end has come.
        return f"<p>{escapeHtml(token.markup)} {escapeHtml(token.content)}</p>\n"
    return paragraph_of(token.content)


def paragraph_of(tex: str) -> str:
    """Return a formula set apart as HTML."""
    return f"<p>{_span(tex, display=True)}</p>\n"


def _span(tex: str, *, display: bool) -> str:
    tex = escapeHtml(tex)
    apart = ' data-display="true"' if display else ""
    return f'<span class="math" data-tex="{tex}"{apart}>{tex}</span>'
