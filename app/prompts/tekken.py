r"""Text to ids exactly as Mistral's tekken tokenizer has it, where llama.cpp does not.

llama.cpp splits a text into words without regard to combining marks (\p{M}): Hindi, Thai, Tamil,
vocalised Arabic, decomposed accents and emoji with a variation selector come out as more and other
tokens than the model was trained on (Hindi: 43 for 26). Everything else it encodes alike: 200 of
200 made-up conversations without marks, 47 of 200 with them. So only the words that hold a mark
are encoded here; all others still go to llama.cpp.

The words are found as tekken's pattern finds them: each character is replaced by a letter for its
Unicode category, and the pattern runs over those letters (the standard library's `re` knows no
categories).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping

# Above this, joining pairs (quadratic in a word's length) takes longer than 20 ms. No word is.
_MAX_WORD_BYTES = 512

# What a letter that spells no byte is turned into: a character that Latin-1 has not.
_NO_BYTE = 0xFFFF

# U: upper and title case, l: lower case, B: letters of no case, M: marks, N: numbers, r: line ends,
# s: other white space, O: the rest; a space and a slash stand for themselves.
_WORD = re.compile(
    r"[^rUlBN]?[UBM]*[lBM]+"
    r"|[^rUlBN]?[UBM]+[lBM]*"
    r"|N"
    r"| ?[MO/]+[r/]*"
    r"|[rs ]*r+"
    r"|[rs ]+(?![^rs ])"
    r"|[rs ]+"
)
_BY_CATEGORY = {"Lu": "U", "Lt": "U", "Ll": "l", "Lm": "B", "Lo": "B"}


class _Classes(dict[int, str]):
    """The letter for each character, found when it is first seen (for str.translate)."""

    def __missing__(self, code: int) -> str:
        category = unicodedata.category(chr(code))
        letter = _BY_CATEGORY.get(category, {"M": "M", "N": "N"}.get(category[0], "O"))
        # Python counts four separators of the old telegraph code as white space; Unicode does not.
        if chr(code).isspace() and not 0x1C <= code <= 0x1F:
            letter = "s"
        self[code] = letter
        return letter


_CLASSES = _Classes({ord("\r"): "r", ord("\n"): "r", ord(" "): " ", ord("/"): "/"})


def needs_exact(text: str) -> bool:
    """Whether a text holds a combining mark, so that llama.cpp would encode it differently."""
    return not text.isascii() and "M" in text.translate(_CLASSES)


def words(text: str) -> list[tuple[str, bool]]:
    """Return the words that tekken encodes each by itself, and whether each holds a mark."""
    classes = text.translate(_CLASSES)
    return [
        (text[found.start() : found.end()], "M" in found.group())
        for found in _WORD.finditer(classes)
    ]


def byte_ids(tokens: Iterable[tuple[int, str]]) -> dict[bytes, int]:
    """Return the ids by the bytes they stand for.

    tokens: id and spelling of all tokens but control tokens, as a GGUF spells them: one letter per
    byte. A token that is spelled otherwise (one added later) is none that words are made of.
    """
    return {
        data: token for token, spelling in tokens if (data := spelled_bytes(spelling)) is not None
    }


def spelled_bytes(spelling: str) -> bytes | None:
    """Return the bytes that a spelling of one letter per byte stands for, None where it is none."""
    try:
        return spelling.translate(_BYTES_OF).encode("latin-1")
    except UnicodeEncodeError:
        return None


def _bytes_of_letters() -> dict[int, int]:
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    bytes_of = {256 + number: byte for number, byte in enumerate(others)}
    return bytes_of | dict.fromkeys(others, _NO_BYTE)


_BYTES_OF = _bytes_of_letters()


def encode(text: str, ids: Mapping[bytes, int], plain: Callable[[str], list[int]]) -> list[int]:
    """Return a text's ids. ids: see `byte_ids`; in tekken a lower id is an earlier merge.

    plain: encodes a word without marks (llama.cpp's own way, special tokens off).
    """
    found: list[int] = []
    known: dict[str, list[int]] = {}
    for word, marked in words(text):
        if word not in known:
            data = word.encode("utf-8", "replace")
            if marked and len(data) <= _MAX_WORD_BYTES:
                known[word] = [ids[part] for part in _merged(data, ids)]
            else:
                known[word] = plain(word)
        found += known[word]
    return found


def _merged(word: bytes, ids: Mapping[bytes, int]) -> list[bytes]:
    """Return the word's tokens: neighbours joined, always the pair whose token comes first."""
    if word in ids:
        return [word]
    parts = [word[at : at + 1] for at in range(len(word))]
    while True:
        pairs = [
            (token, at)
            for at in range(len(parts) - 1)
            if (token := ids.get(parts[at] + parts[at + 1])) is not None
        ]
        if not pairs:
            return parts
        at = min(pairs)[1]
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
