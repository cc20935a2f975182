"""The Markdown parsers: the one that messages are read with, and the plain one of CommonMark."""

import re
from collections.abc import Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml, unescapeAll
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin

from app.markup.brackets import brackets_plugin, protocol
from app.markup.fences import formula
from app.markup.math import math_plugin, paragraph_of
from app.markup.notes import notes_plugin

# markdown-it drops what is nested deeper. Its default, 20, is ten levels of lists; each level costs
# up to three Python frames, so 100 stays well within the interpreter's 1,000. A list takes two
# levels at once, so what begins at 96 is taken as it is written, and nothing reaches 100.
_MAX_NESTING = 100
_DEEPEST = 96

_SAFE_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)


@cache
def commonmark() -> MarkdownIt:
    """Return the parser of the specification: raw HTML goes through, nothing is added."""
    made = MarkdownIt("commonmark", renderer_cls=_PlainHtml)
    made.use(brackets_plugin)
    return made


@cache
def chat() -> MarkdownIt:
    """Return the parser of messages; `app.markup.to_html` says what it reads."""
    made = MarkdownIt("commonmark", {"html": False, "maxNesting": _MAX_NESTING}, renderer_cls=Html)
    made.options["tasklists"] = True
    made.options["strikethrough_single_tilde"] = True
    made.enable(["table", "strikethrough"])
    made.use(gfm_autolink_plugin)
    made.use(brackets_plugin)
    made.inline.ruler.at("gfm_autolink_protocol", protocol)
    made.inline.ruler.before("gfm_autolink_protocol", "no_xmpp", _no_xmpp)
    made.inline.ruler.before("strikethrough", "about", _about)
    made.inline.ruler.before("emphasis", "product", _product)
    made.inline.ruler.before("emphasis", "underscore", _underscore)
    made.use(notes_plugin)
    made.use(math_plugin)
    made.inline.ruler2.push("no_address", _no_address)
    made.block.ruler.before("math", "too_deep", _too_deep)
    made.validateLink = _is_safe  # type: ignore[method-assign] # the documented way to set it
    return made


def html() -> "Html":
    """Return what makes the HTML of messages."""
    renderer = chat().renderer
    assert isinstance(renderer, Html)
    return renderer


def _is_safe(url: str) -> bool:
    return _SAFE_LINK.match(url) is not None


def _no_address(state: StateInline) -> None:
    """Turn links to nowhere, `[words]()`, back into text: markdown-it does not ask about these."""
    opened: list[bool] = []
    for token in state.tokens:
        if token.type == "link_open":
            opened.append(not token.attrs["href"])
        if token.type in ("link_open", "link_close") and opened[-1]:
            token.content = "[" if token.nesting > 0 else "]()"
            token.type, token.tag, token.nesting, token.attrs = "text", "", 0, {}
            if token.content != "[":
                opened.pop()
        elif token.type == "link_close":
            opened.pop()


def _no_xmpp(state: StateInline, silent: bool) -> bool:
    """Take the colon of `xmpp:` as text: the autolink rule drops the word before one it refuses."""
    if state.src[state.pos] != ":" or not state.pending.endswith("xmpp"):
        return False
    if not silent:
        state.append_pending(":")
    state.pos += 1
    return True


def _underscore(state: StateInline, silent: bool) -> bool:
    """Take an underscore within a word as the text it always is, so that addresses can have one."""
    at = state.pos
    if state.src[at] != "_" or not 0 < at < state.posMax - 1:
        return False
    around = state.src[at - 1] + state.src[at + 1]
    if not (around.isascii() and around.isalnum()):
        return False
    if not silent:
        state.append_pending("_")
    state.pos += 1
    return True


def _product(state: StateInline, silent: bool) -> bool:
    """Take one star between figures as written: "3*4*5" is a product, and thoughts are full of it.

    CommonMark makes the middle factor slanted and drops the stars.
    """
    at = state.pos
    if state.src[at] != "*" or not 0 < at < state.posMax - 1:
        return False
    before, after = state.src[at - 1], state.src[at + 1]
    if not (before.isdigit() or before == ")") or not (after.isdigit() or after == "("):
        return False
    if not silent:
        state.append_pending("*")
    state.pos += 1
    return True


def _about(state: StateInline, silent: bool) -> bool:
    """Take one tilde before a figure, or a dollar, as written: "~5 to ~10" says "about", twice."""
    at = state.pos
    if state.src[at] != "~" or at + 1 >= state.posMax:
        return False
    after = state.src[at + 1]
    if not (after.isdigit() or after in "$€£.") or (at > 0 and state.src[at - 1] == "~"):
        return False
    if not silent:
        state.append_pending("~")
    state.pos += 1
    return True


def _too_deep(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """Take the rest of a container that is nested too deep as one paragraph."""
    if silent or state.level < _DEEPEST:
        return False
    line = first + 1
    while line < last and (state.isEmpty(line) or state.sCount[line] >= state.blkIndent):
        line += 1
    state.push("paragraph_open", "p", 1).map = [first, line]
    token = state.push("inline", "", 0)
    token.content = state.getLines(first, line, state.blkIndent, False).strip()
    token.map = [first, line]
    token.children = []
    state.push("paragraph_close", "p", -1)
    state.line = line
    return True


class _PlainHtml(RendererHTML):
    """HTML as the specification's examples write it."""

    def blockquote_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        """Keep an empty quotation's tags on lines of their own."""
        return self.renderToken(tokens, idx, options, env).rstrip("\n") + "\n"


class Html(_PlainHtml):
    """HTML that fetches nothing, and that Qt's rich text can show."""

    def each(self, tokens: Sequence[Token], options: OptionsDict, env: EnvType) -> list[str]:
        """Return the HTML of each token; joined it is what `render` gives."""
        made = []
        for at, token in enumerate(tokens):
            if token.type == "inline":
                made.append(self.renderInline(token.children or [], options, env))
            elif token.type in self.rules:
                made.append(self.rules[token.type](tokens, at, options, env))
            else:
                made.append(self.renderToken(tokens, at, options, env))
        return made

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Show a fenced block as a formula if it is one."""
        token = tokens[idx]
        words = unescapeAll(token.info).split()
        closed = bool(token.meta.get("closed", True))
        tex = formula(words[0] if words else "", token.content, closed=closed)
        if tex is None or not (closed or token.level == 0):
            return super().fence(tokens, idx, options, env)
        return paragraph_of(tex)

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Show an image as a link to it, or as its words where it stands in a link already."""
        token = tokens[idx]
        source = str(token.attrs["src"])
        words = escapeHtml(self.renderInlineAsText(token.children, options, env) or source)
        if not source:
            return f"![{words}]()"
        before = [other.type for other in tokens[:idx]]
        if before.count("link_open") > before.count("link_close"):
            return words
        return f'<a href="{escapeHtml(source)}">{words}</a>'

    def list_item_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        """Show the box of a task as a character: rich text has no form controls."""
        opened = self.renderToken(tokens, idx, options, env)
        checked = tokens[idx].meta.get("checked")
        return opened if checked is None else opened + ("☑ " if checked else "☐ ")
