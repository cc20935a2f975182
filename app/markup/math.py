r"""Mathematics in Markdown, as markdown-it rules: `$…$`, `\(…\)` in a line, `$$…$$`, `\[…\]` apart.

The rules run before Markdown's own, so that the backslashes, underscores and stars of a formula
stay its own. Money is never a formula: `$5 and $6`, `$0.60`, `US$5`, `$HOME/$USER` stay text.

A formula apart may take several lines, not a blank one. While it streams its end is not there yet:
one that reaches the end of the document is open, and is marked so.
"""

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

# An even number of backslashes before the end: `\\]` is a line break and a bracket.
_UNESCAPED = r"(?<!\\)(?:\\\\)*"
_ENDS = {
    "$$": re.compile(_UNESCAPED + r"(\$\$)"),
    "\\[": re.compile(_UNESCAPED + r"(\\\])"),
    "\\(": re.compile(_UNESCAPED + r"(\\\))"),
    "$": re.compile(_UNESCAPED + r"(\$)"),
}
_CLOSING = {"$$": "$$", "\\[": "\\]", "\\(": "\\)", "$": "$"}
# What may follow the closing dollar: no digit and no word, but the n-th, the x's.
_AFTER_DOLLAR = re.compile(r"(?![A-Za-z0-9_])|(?:th|st|nd|rd|s|d|te|ten|ter|er)\b")
# A sum of money and words: "5 million (or 4". Words in a formula are in a command: \text{…}.
_MONEY = re.compile(r"[\d.,]+(?:[^\\]*\s)?[A-Za-z]{2,}[^\\]*")
# What the first line of a formula has and a sentence that begins with $$ has not.
_TEX = re.compile(r"\$\$(?:.*[\\^_{}=]|(?!.*[A-Za-z]{2}).*[A-Za-z+*/<>-])")
# `\[1\]` and `\[text\](address)` are escaped brackets.
_NO_FORMULA = re.compile(r"[\d,;\s]*")


def math_plugin(md: MarkdownIt) -> None:
    """Add the rules, and their tokens "math_inline" and "math_block", to a parser.

    content is the TeX; meta["display"]: set apart; meta["closed"]: its end is there.
    """
    md.inline.ruler.before("escape", "math", _inline)
    md.block.ruler.before(
        "table", "math", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    md.add_render_rule("math_inline", _render)
    md.add_render_rule("math_block", _render_block)


def _inline(state: StateInline, silent: bool) -> bool:
    source, start = state.src, state.pos
    opening = source[start : start + 2]
    if opening not in _ENDS:
        opening = opening[:1]
        if opening != "$":
            return False
    begin = start + len(opening)
    if _last_end(state, opening) < begin:
        return False
    end = _ENDS[opening].search(source, begin, state.posMax)
    if end is None:
        return False
    tex = source[begin : end.start(1)]
    before = source[start - 1] if start else " "
    if not tex.strip() or not _is_formula(opening, tex, before, source[end.end() : end.end() + 8]):
        return False
    if not silent:
        token = state.push("math_inline", "span", 0)
        token.content = tex.strip()
        token.markup = opening
        token.meta = {"display": opening in ("$$", "\\["), "closed": True}
    state.pos = end.end()
    return True


def _last_end(state: StateInline, opening: str) -> int:
    """Return where the last end of such a formula is, -1 for nowhere.

    Kept for each text: one of nothing but openings must not take a square of its length.
    """
    known = state.env.get("math_ends")
    if known is None or known[0] is not state.src:
        ends = {one: state.src.rfind(closing) for one, closing in _CLOSING.items()}
        known = state.env["math_ends"] = (state.src, ends)
    return int(known[1][opening])


def _is_formula(opening: str, tex: str, before: str, after: str) -> bool:
    """Whether what stands between two delimiters in a line was meant as a formula.

    before: the character before it; after: the first few after it.
    """
    if opening == "$":
        return not (
            tex[0].isspace()
            or tex[-1].isspace()
            or "`" in tex
            or before == "$"
            or (before.isascii() and before.isalnum())
            or after.startswith("$")
            or not _AFTER_DOLLAR.match(after)
            or _MONEY.fullmatch(tex)
        )
    if opening == "$$":
        return not tex.startswith("$") and not after.startswith("$")
    if opening == "\\[":
        return not _NO_FORMULA.fullmatch(tex) and not after.startswith(("(", "["))
    return True


def _block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    if state.is_code_block(first):
        return False
    opening = _line(state, first)[:2]
    if opening not in ("$$", "\\["):
        return False
    found = _block_end(state, first, last, opening)
    if found is None:
        return False
    if silent:
        return True
    stop, closed = found
    text = state.getLines(first, stop, state.sCount[first], False).strip()
    token = state.push("math_block", "div", 0)
    token.content = text[2 : -2 if closed else len(text)].strip()
    token.markup = opening
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
    number = first
    while end is None:
        number += 1
        if number >= last:
            # The document must end here too, and not only the list or the quotation.
            return (number, False) if number == len(state.bMarks) - 1 else None
        line = _line(state, number)
        if not line or state.sCount[number] < state.blkIndent:
            return None
        end = _ENDS[opening].search(line)
    return None if line[end.end() :].strip() else (number + 1, True)


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
