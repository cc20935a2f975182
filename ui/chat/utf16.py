"""Qt counts in UTF-16 units, Python in characters: they part ways at the first emoji."""


def units(text: str, characters: int) -> int:
    """Return how many UTF-16 units the first characters of a text take."""
    if text.isascii():
        return min(characters, len(text))
    return len(text[:characters].encode("utf-16-le", "surrogatepass")) // 2


def characters(text: str, count: int) -> int:
    """Return how many whole characters the first UTF-16 units of a text hold."""
    if text.isascii():
        return min(count, len(text))
    encoded = text.encode("utf-16-le", "surrogatepass")[: 2 * count]
    return len(encoded.decode("utf-16-le", "ignore"))


def part(text: str, start: int, end: int) -> str:
    """Return a part of a text, its ends in UTF-16 units."""
    if text.isascii():
        return text[start:end]
    encoded = text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end]
    return encoded.decode("utf-16-le", "ignore")
