r"""Fenced blocks: where one ends, and which of them is a formula.

"```math" is GitHub's way to write a formula. "```latex" and "```tex" are mostly code: a document to
be copied, a table, a figure. Such a block is a formula only if all of it is one, which is to say:

- it is closed, since a half may look like anything;
- it has no command of a document (`\documentclass`, `\section`, `\begin{document}`, …) and no
  environment but those of mathematics;
- it stands between $$ and $$, \[ and \], $ and $, or in one environment such as align; or it has
  none of these at all, no comment, no blank line, not two words outside of \text{…}, and something
  that only mathematics has: a command, ^, _ or =.
"""

import re
from collections.abc import Sequence

from markdown_it.token import Token

_MATH = ("math", "katex", "mathjax")
_MAYBE = ("latex", "tex")

ENVIRONMENTS = (
    *("equation", "align", "gather", "multline", "alignat", "flalign", "eqnarray", "displaymath"),
    *("aligned", "gathered", "alignedat", "split", "cases", "dcases", "rcases", "array"),
    *("matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "math"),
    "subarray",
)
"""The environments of mathematics; each may have a star."""

_NAMES = "|".join(ENVIRONMENTS)
_ENVIRONMENT = re.compile(r"\\begin\s*\{([^}]*)\}")
_OF_MATH = re.compile(rf"(?:{_NAMES})\*?")
_OF_DOCUMENTS = re.compile(
    r"\\(?:documentclass|usepackage|(?:sub)*section|chapter|paragraph|title|author|maketitle|item|"
    r"caption|label|includegraphics|newcommand|renewcommand|def|cite|ref|textbf|textit|emph)\b"
)
_WRAPPED = re.compile(
    rf"\$\$(?P<a>(?:[^$\\]|\\.)+)\$\$|\\\[(?P<b>(?:(?!\\\]).)+)\\\]|\$(?P<c>(?:[^$\\]|\\.)+)\$"
    rf"|(?P<d>\\begin\{{(?P<name>(?:{_NAMES})\*?)\}}(?:(?!\\(?:begin|end)\{{(?P=name)\}}).)*"
    rf"\\end\{{(?P=name)\}})",
    re.DOTALL,
)
_TEXT = re.compile(r"\\(?:text|mathrm|operatorname|mbox|textrm)\*?\s*\{[^{}]*\}")
_WORDS = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}\s+[A-Za-z]{2,}(?![A-Za-z{])")
_MATHEMATICAL = re.compile(r"\\[A-Za-z]|[\^_=]")


def formula(language: str, text: str, *, closed: bool) -> str | None:
    """Return the TeX of a fenced block that is a formula, None where it is code."""
    language = language.lower()
    if language in _MATH:
        return _unwrapped(text.strip())
    if language not in _MAYBE or not closed or _OF_DOCUMENTS.search(text):
        return None
    if any(not _OF_MATH.fullmatch(name) for name in _ENVIRONMENT.findall(text)):
        return None
    tex = text.strip()
    inside = _unwrapped(tex)
    if inside != tex or _WRAPPED.fullmatch(tex):
        return inside
    plain = _TEXT.sub("", tex)
    if "$" in tex or "%" in tex or "\n\n" in tex or "\\[" in re.sub(r"\\\\\[", "", tex):
        return None
    return tex if _MATHEMATICAL.search(tex) and not _WORDS.search(plain) else None


def _unwrapped(tex: str) -> str:
    """Return a formula without its delimiters; an environment is part of it."""
    found = _WRAPPED.fullmatch(tex)
    if found is None:
        return tex
    return (found["a"] or found["b"] or found["c"] or found["d"]).strip()


def is_closed(fence: Token, lines: Sequence[str]) -> bool:
    """Whether the end of a fenced block was there: one more line than its content has."""
    first, after = fence.map or [0, 0]
    content = fence.content
    return (
        after - first >= 2
        and content.count("\n") == after - first - 2
        and (not content or content.endswith("\n"))
        and lines[after - 1].rstrip().endswith(fence.markup)
    )
