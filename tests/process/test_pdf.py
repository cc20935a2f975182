"""A chat as a PDF, printed by a process of its own without a display: text stays text."""

import hashlib
import re
import struct
import zlib

from app.chat.conversation import Conversation
from app.chat.message import Image, Message, Text, Thinking
from app.transcript.paper import pdf
from app.transcript.record import Record

ANSWER = r"""The speed is $\frac{120}{90}$, see [there](https://example.org/page).

$$\int_0^1 x\,dx$$

```python
print("<b>")
```
"""


def png(width: int, height: int) -> bytes:
    """Return a grey picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = b"".join(b"\0" + bytes(range(width)) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def record(picture: bytes, paragraphs: int = 1) -> Record:
    image = Image(hashlib.sha256(picture).hexdigest(), "cat.png", len(picture), "image/png", 8, 6)
    conversation = Conversation()
    for message in (
        Message("q", None, "user", (image, Text("How fast?")), 1e9),
        Message(
            "a",
            "q",
            "assistant",
            (Thinking("Well… $\\nosuchmacro{1}$"), Text(ANSWER * paragraphs)),
            1e9,
        ),
    ):
        conversation = conversation.with_message(message)
    return Record("c", "A <title>", conversation)


def objects(data: bytes) -> bytes:
    """Return the file with its streams unpacked."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    unpacked = []
    for stream in streams:
        try:
            unpacked.append(zlib.decompress(stream))
        except zlib.error:
            continue  # not packed, or a picture's own form
    return data + b"\n".join(unpacked)


def test_pages_text_links_formulas_and_pictures() -> None:
    picture = png(8, 6)
    name = hashlib.sha256(picture).hexdigest()
    data = pdf(record(picture), {name: picture}, "details")
    assert data.startswith(b"%PDF-")
    said = objects(data)
    assert b"https://example.org/page" in said
    assert b"/Subtype /Image" in said
    # Text is shown by fonts, formulas by paths: both operators are there.
    assert re.search(rb"\bTj|TJ\b", said)
    assert said.count(b" c\n") + said.count(b" c ") > 20
    assert data.count(b"/Type /Page\n") == 1
    # Every link leads somewhere, and the messages are its contents.
    assert b"/URI ()" not in said
    assert re.findall(rb"/Title <FEFF([0-9A-F]+)>", data) == [
        "You: How fast?".encode("utf-16-be").hex().upper().encode(),
        "Assistant: The speed is $\\frac{120}{90}$, see…".encode("utf-16-be")
        .hex()
        .upper()
        .encode(),
    ]


def test_a_long_chat_has_pages() -> None:
    data = pdf(record(b"", 60), {}, "none")
    assert data.count(b"/Type /Page\n") > 5
