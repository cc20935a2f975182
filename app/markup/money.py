r"""What stands between two dollar signs, or in \(…\): a formula, or money and words.

Dollar signs mean money about as often as mathematics in what models write. These are the rules, in
the order in which they are asked. `tex` is what stands between the delimiters.

For `$…$`:

1. No space after the first dollar or before the last one: "$5 and $6" has one.
2. No letter, digit or dollar before the first: "US$5", "A$5", "5$ and 6$", "price$x$".
3. What follows the last one is no letter, digit, dollar or brace: "$5-$10", "$HOME/$USER",
   "${a}${b}"; but "the $n$th", "$x$s" and what other scripts write without a space stay formulas.
4. No code begins or ends in it, no link and no quotation: "$x `a$` b", "[$5](http://…$)", '"$"
   and "$"'.
5. It does not begin with a slash and not end with a slash, a dash or an open bracket: "$/kg,$/lb",
   "($5) or ($)", "$-sign/$-key". A minus after ^ or _ is fine: "$0^-$".
6. A sum is money where words follow it: "$5 and 10$", "$5 million (or 4$)", "$5bn$", "$20/month$".
   Words are of three letters or more, or "to", "or" and the like; names of functions ("2 sin x")
   are not words, and "2ab" is a product. With a backslash, ^ or _ in it, it is a formula all the
   same. A sum alone is a formula too: "$5$", "$0.60$", "$1,000$".
7. Four words and no sign of mathematics are prose.

For `$$…$$`, `\(…\)` and `\[…\]`: not empty; for dollars, no third one on either side and rule 6; no
prose, which here is two words and no sign of mathematics ("\(see below\)", "$$ (cheap) and $$").
`\[1\]`, `\[2, 3\]` and `\[text\](address)` are escaped brackets.
"""

import re

# What may follow the closing dollar: no digit and no word, but the n-th, the x's.
_AFTER = re.compile(r"(?![A-Za-z0-9_${])|(?:th|st|nd|rd|s|d|te|ten|ter|er)\b")
_SIGNS = re.compile(r"[\\^_]")
_MATHEMATICAL = re.compile(r"[\\^_=+<>|{}&*/0-9]")
_BAD_START = re.compile(r"[/)\]},;:?]")
_BAD_END = re.compile(r"(?:[/–—(\[]|(?<![\^_{(])-)\Z")
_QUOTES = "\"'“”‘’«»"
_SUM = re.compile(r"[.,]?\d[\d.,]*")
_UNIT = re.compile(
    r"\s?(?:bn|mn|mio|mrd|tn|USD|EUR|dollars?|bucks|cents?|[kKmM]?\+?/\s?[A-Za-z]{2,}.*|-[A-Za-z]+-.*)",
    re.DOTALL,
)
_WORD = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{2,}(?![A-Za-z])")
_SHORT = re.compile(
    r"to|or|of|in|at|on|by|is|it|if|an|as|so|no|up|us|me|my|we|he|be|do|go|vs|et|de|un|la",
    re.IGNORECASE,
)
_FUNCTIONS = re.compile(
    r"(?:arc)?(?:sin|cos|tan)h?|cot|sec|csc|log|exp|lim|max|min|sup|inf|det|gcd|lcm|mod|dim|ker|deg"
    r"|arg|sgn|sign|erf|var|cov|rank",
    re.IGNORECASE,
)
_NO_FORMULA = re.compile(r"[\d,;\s\\]*")


def is_formula(opening: str, tex: str, before: str, after: str) -> bool:
    """Whether what stands between two delimiters in a line was meant as a formula.

    before: the character before it, " " at the start; after: the first few after it.
    """
    if not tex.strip():
        return False
    if opening == "$":
        return not (
            tex[0].isspace()
            or tex[-1].isspace()
            or before == "$"
            or (before.isascii() and before.isalnum())
            or not _AFTER.match(after)
            or (before in _QUOTES and tex[0] in _QUOTES)
            or "`" in tex
            or "](" in tex
            or _BAD_START.match(tex)
            or _BAD_END.search(tex)
            or is_money(tex)
            or _is_prose(tex, 4)
        )
    if opening == "$$":
        return not (
            tex.startswith("$") or after.startswith("$") or is_money(tex) or _is_prose(tex, 2)
        )
    if opening == "\\[" and (_NO_FORMULA.fullmatch(tex) or after.startswith(("(", "["))):
        return False
    return not _is_prose(tex, 2)


def is_money(tex: str) -> bool:
    """Whether it is a sum and words about it."""
    tex = tex.strip()
    found = _SUM.match(tex)
    if found is None or _SIGNS.search(tex):
        return False
    rest = tex[found.end() :]
    return bool(_UNIT.fullmatch(rest)) or any(_words(rest))


def _is_prose(tex: str, least: int) -> bool:
    return not _MATHEMATICAL.search(tex) and len(_words(tex)) >= least


def _words(text: str) -> list[str]:
    """Return the words that mathematics does not write."""
    return [
        word
        for word in _WORD.findall(text)
        if _SHORT.fullmatch(word) or (len(word) > 2 and not _FUNCTIONS.fullmatch(word))
    ]
