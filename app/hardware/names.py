"""Names of graphics cards: as drivers write them, as people say them, and whether two are one card.

One card is "NVIDIA GeForce RTX 4090" to its driver, "AD102 [GeForce RTX 4090]" in the table of PCI
ids, and an RTX 4090 to its owner.
"""

import re

_NOISE = {"nvidia", "geforce", "amd", "radeon", "intel", "apple", "graphics", "gpu", "corporation"}
_BRANDS = {
    "NVIDIA": ("nvidia", "geforce", "quadro", "tesla"),
    "AMD": ("amd", "radeon", "ati technologies", "advanced micro"),
    "Intel": ("intel",),
    "Apple": ("apple",),
}
_SOFTWARE = re.compile(
    r"llvmpipe|lavapipe|swiftshader|basic (render|display)|softpipe", re.IGNORECASE
)
# What a driver adds behind the name: "(RADV NAVI31)", "(DG2)", "(TGL GT2)"; "(16GB)" stays.
_DRIVER_NOTE = re.compile(r"\s*\((?!\d+ ?GB\))[^()]*\)\s*$")
_MARKS = re.compile(r"\((?:r|tm|c)\)|[®™]", re.IGNORECASE)
_INTEGRATED = re.compile(
    r"\b(u?hd graphics|iris|intel graphics|radeon( vega \d+| \d{3,4}[ms])? graphics|"
    r"radeon (vega \d+|\d{3,4}[ms])|vega \d+ graphics|arc \d{3}[tv]\b|arc( graphics)?$)",
    re.IGNORECASE,
)
_DISCRETE = re.compile(
    r"\b(rx|rtx|gtx|arc (pro )?[ab]\d+|radeon (pro|vii)|instinct|max series)\b", re.IGNORECASE
)


def vendor_of(text: str) -> str:
    """Return "NVIDIA", "AMD", "Intel" or "Apple" where the text names one, else ""."""
    low = text.lower()
    return next((name for name, words in _BRANDS.items() if any(w in low for w in words)), "")


def is_software(text: str) -> bool:
    """Whether it is a program that paints on the processor rather than a card."""
    return bool(_SOFTWARE.search(text))


def clean(name: str) -> str:
    """Return the name without marks of trade and without what the driver added behind it."""
    bare = re.sub(r"\s+", " ", _MARKS.sub("", name)).strip()
    return _DRIVER_NOTE.sub("", bare).strip()


def short(name: str) -> str:
    """Return what its owner calls a card: "RTX 4090", "RX 7900 XTX", "M2 Max"."""
    words = re.sub(r"\b(NVIDIA|GeForce|AMD|Radeon|Intel|Apple|GPU)\b", "", name)
    left = re.sub(r"\s+", " ", words).strip()
    return left if any(char.isdigit() for char in left) else name


def words_of(name: str) -> tuple[str, ...]:
    """Return the words that tell one card of a maker from another, in order."""
    return tuple(w for w in re.findall(r"[a-z0-9]+", clean(name).lower()) if w not in _NOISE)


def alike(one: str, other: str) -> bool:
    """Whether both can be names of the same card: the words of one are among the other's."""
    first, second = set(words_of(one)), set(words_of(other))
    return first <= second or second <= first


def integrated(name: str) -> bool | None:
    """Whether the name is that of graphics inside a processor; None where it does not tell."""
    bare = clean(name)
    if _DISCRETE.search(bare):
        return False
    return True if _INTEGRATED.search(bare) else None


def from_pci_table(vendor: str, entry: str) -> str:
    """Return a name from an entry of pci.ids: the words in brackets, with the maker's before."""
    bracket = re.search(r"\[(.+)\]", entry)
    words = (bracket.group(1) if bracket else entry).strip()
    return words if words.lower().startswith(vendor.lower()) else f"{vendor} {words}"
