"""Links: what they are said to be, what they are, and the one way in which any is ever opened.

Only addresses for the web and for mail are opened, and only on a click. Where a link leads is shown
as it is: the host in letters that cannot be mistaken for others, no part of it hidden. A link whose
words name one host and whose address is another's, or that hides its host behind a name, is not
opened by a click on it, but by a second one on its real host.
"""

import re

from PySide6.QtCore import QByteArray, QUrl, QUrlQuery
from PySide6.QtGui import QDesktopServices

OPENED_SCHEMES = frozenset({"http", "https", "mailto"})

MAIL_FIELDS = frozenset({"to", "cc", "bcc", "subject", "body"})
"""What a link may fill in of a mail; a mail program that knows `attach` takes files for it."""

FILE_ENDINGS = frozenset(
    {
        "c",
        "cc",
        "go",
        "h",
        "html",
        "js",
        "md",
        "mov",
        "pl",
        "ps",
        "py",
        "rs",
        "sh",
        "so",
        "ts",
        "zip",
    }
)
"""What also ends names of hosts: "readme.md" is a file that somebody links to."""

_HOST = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://)?(?:[^\s/@]*@)?((?:[\w-]+\.)+[^\W\d_]{2,}|(?:\d{1,3}\.){3}\d{1,3})"
    r"(?:[/:?#]\S*)?",
    re.IGNORECASE,
)


def open_link(address: str) -> bool:
    """Open an address the user clicked, if it is one for the web or for mail; whether it was."""
    url = QUrl(address)
    if url.scheme().lower() not in OPENED_SCHEMES or not url.isValid():
        return False
    if url.scheme().lower() == "mailto":
        url = _plain_mail(url)
    elif not url.host():
        return False
    return QDesktopServices.openUrl(url)


def is_within(address: str) -> bool:
    """Whether a link leads to another place of its message: a footnote, or back from one."""
    return address.startswith("#")


def _plain_mail(url: QUrl) -> QUrl:
    fields = QUrlQuery(url)
    kept = QUrlQuery()
    every = QUrl.ComponentFormattingOption.FullyDecoded
    for name, value in fields.queryItems(every):
        if name.lower() in MAIL_FIELDS:
            kept.addQueryItem(name, _ascii(QUrl.toPercentEncoding(value)))
    url.setQuery(kept)
    return url


def _ascii(encoded: QByteArray) -> str:
    return bytes(encoded.data()).decode("ascii")


def shown(address: str) -> str:
    """Return an address as it is, in ASCII: look-alikes and hidden marks show what they are."""
    return _ascii(QUrl(address).toEncoded()) or address


def host(address: str) -> str:
    """Return the host of an address, in ASCII; of a mail's, that of its first receiver."""
    url = QUrl(address)
    if url.scheme().lower() == "mailto":
        return url.path().partition(",")[0].rpartition("@")[2].lower()
    return url.host(QUrl.ComponentFormattingOption.FullyEncoded).lower()


def deceives(address: str, words: str) -> bool:
    """Whether a link's words name another host than its address, or that one hides its host."""
    url = QUrl(address)
    if url.scheme().lower() in ("http", "https") and url.userInfo():
        return True
    named = _HOST.fullmatch(words.strip())
    if named is None or ("/" not in words and _ending(named[1]) in FILE_ENDINGS):
        return False
    said = QUrl(f"http://{named[1]}").host(QUrl.ComponentFormattingOption.FullyEncoded)
    real = host(address)
    return said.lower().removeprefix("www.") != real.removeprefix("www.")


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower()


def told(address: str, words: str) -> str:
    """Return what is shown of a link under the mouse."""
    if not address or is_within(address):
        return ""
    if deceives(address, words):
        return f"Leads to {host(address)}, whatever it says: {shown(address)}"
    return shown(address)
