"""What is put into the search index, and what a typed search asks of it.

FTS5's `unicode61` splits at white space and punctuation, folds case and drops Latin diacritics.
What it cannot do is done to the text before, in the same way to what is stored and to what is
looked for: compatibility forms are made plain, vowel points and invisible characters left out, and
runs of scripts that are written without spaces become overlapping pairs of characters ("机器学习"
is "机器 器学 学习 习"), which find any part of a run. Measured on 100,000 messages (70 MB): this
index is 41 MB and is built in 6.6 s of processor time; the tokenizer `trigram` takes 295 MB and
33 s, finds nothing for two characters, and drops no diacritics.

What a user types is never FTS5's query language: every word is passed as a quoted string.
"""

import re
import unicodedata
from dataclasses import dataclass

LONGEST = 400
"""Characters of a search that count. Who pastes a page looks for its beginning."""

_MOST_WORDS = 16
_PREFIX_FROM = 4
"""A word before the last one also finds longer words if it has this many letters: "token" finds
"tokens", but "the" not "theory". A frequent word takes 0.5 ms, with all that begins so 6 ms."""

_UNSEEN = re.compile(
    # Arabic and Hebrew points, which most people leave out; soft hyphens, joiners and the like.
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc"
    "\u00ad\u034f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufe00-\ufe0f]"
)
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303b\u3041-\u30ff\u3105-\u312f"
    "\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\U00020000-\U0003ffff"  # Han, kana, Hangul
    "\u2600-\u27bf\U0001f000-\U0001faff"  # pictures
)
_RUN = re.compile(f"[{UNSPACED}]+")
_LAST_RUN = re.compile(f"[{UNSPACED}]+\\Z")
_LETTERS_AT_END = re.compile(r"[^\W_]+\Z")
_TOKEN = re.compile(f"[^\\W_]|[{UNSPACED}]")
_QUOTES = re.compile('"|[“”„‟«»「」『』]')


def spaced(letter: str) -> bool:
    """Whether a letter is of a script that is written with spaces between its words."""
    return not _RUN.match(letter)


def prepared(text: str) -> str:
    """Return a text as the index is given it."""
    return text if text.isascii() else _RUN.sub(_pairs, plain(text))


def plain(text: str) -> str:
    """Return a text in plain forms, without what nobody types."""
    return text if text.isascii() else _UNSEEN.sub("", unicodedata.normalize("NFKC", text))


def _pairs(run: re.Match[str]) -> str:
    said = run[0]
    return f" {' '.join(said[at : at + 2] for at in range(len(said)))} "


@dataclass(frozen=True, slots=True)
class Term:
    """A word or a quoted phrase that must be there. begins: longer words are found as well."""

    text: str
    begins: bool

    def expression(self) -> str:
        """Return it as one string of an FTS5 query, which finds all of it or nothing."""
        said, begins = prepared(self.text), self.begins
        run = _LAST_RUN.search(self.text)
        if run is not None:
            begins = len(run[0]) == 1
            if not begins:
                # The last character stands alone only where the run ends with it.
                said = said.rstrip()[:-2]
        quoted = said.replace('"', " ").replace("\0", " ").strip()
        return f'"{quoted}"{" *" if begins else ""}'


def terms(typed: str) -> tuple[Term, ...]:
    """Return what a search as it is typed asks for: all of these; nothing where there is no word.

    The last word may be unfinished. What is in quotation marks stands in this order.
    """
    text = typed[:LONGEST].encode("utf-8", "replace").decode()
    found: list[Term] = []
    for number, said in enumerate(_QUOTES.split(plain(text))):
        if number % 2:
            phrase = " ".join(said.split())
            if _TOKEN.search(phrase):
                found.append(Term(phrase, begins=False))
        else:
            found += [Term(word, _begins(word)) for word in said.split() if _TOKEN.search(word)]
    ends = bool(text) and not text[-1].isspace() and not _QUOTES.match(text[-1])
    if found and ends:
        found[-1] = _unfinished(found[-1])
    if len(found) > 1 and ends and len(found[-1].text) == 1 and spaced(found[-1].text):
        # One letter of the next word says nothing yet, and would find almost nothing.
        found.pop()
    return tuple(dict.fromkeys(found))[:_MOST_WORDS]


def _begins(word: str, least: int = _PREFIX_FROM) -> bool:
    """Whether a word ends with so many letters, so that more may follow."""
    letters = _LETTERS_AT_END.search(word)
    return letters is not None and len(letters[0]) >= least


def _unfinished(term: Term) -> Term:
    # One letter begins a tenth of all words: finding them takes 240 ms.
    return Term(term.text, _begins(term.text, 2))


def expression(wanted: tuple[Term, ...]) -> str:
    """Return terms as a query for MATCH."""
    return " AND ".join(term.expression() for term in wanted)
