"""Ten chats that show what an export can get wrong: what people and models write, at its worst."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from app.chat.conversation import Conversation
from app.chat.message import File, Image, Message, Part, Provenance, Status, Text, Thinking
from app.engine.protocol import Sampling, Usage
from app.transcript.record import Record
from tests.support.foreign_chats import png

BY = Provenance(
    "Magistral Small 1.2",
    "/srv/ai/Magistral-Small-2509-Q4_K_M.gguf",
    14_333_915_904,
    "Q4_K_M",
    "llama.cpp b9684",
    "NVIDIA GeForce RTX 4090",
    40_960,
    Sampling(seed=4_294_967_295),
    "mistral-v13",
    "3f" * 32,
    kv="q8_0",
    gpu_layers=41,
    threads=8,
    batch=2048,
    sha256="ab" * 32,
    repository="mistralai/Magistral-Small-2509-GGUF",
    revision="0123456789abcdef0123456789abcdef01234567",
    thinking_budget=24_576,
)
USED = Usage(1_234, 1_000, 18_000, 800, 0.41, 612.5, 0.52, output_hash="cd" * 32)

MATH = r"""## The roots

For $a\neq 0$ the roots of $ax^2+bx+c=0$ are

$$x_{1,2}=\frac{-b\pm\sqrt{b^2-4ac}}{2a}.$$

\[
\begin{aligned}
\int_{-\infty}^{\infty} e^{-x^2}\,dx &= \sqrt{\pi} \\
\sum_{n=1}^{\infty}\frac1{n^2} &= \frac{\pi^2}{6}
\end{aligned}
\]

A matrix $\begin{pmatrix}1&2\\3&4\end{pmatrix}$ in a line, and cases:

$$f(x)=\begin{cases}1 & x\in\mathbb{Q}\\ 0 & \text{otherwise}\end{cases}\tag{1}$$

A long one that is wider than the page:

$$a_1+a_2+a_3+a_4+a_5+a_6+a_7+a_8+a_9+a_{10}+a_{11}+a_{12}+a_{13}+a_{14}+a_{15}+a_{16}+a_{17}+a_{18}+a_{19}+a_{20}+a_{21}+a_{22}+a_{23}+a_{24}+a_{25}=b$$

One that cannot be typeset: $\thisisnomacro{x}$ in a line, and apart

$$\frac{1}{$$

In colour $\color{red}{x}+\colorbox{yellow}{y}$; it costs \$5, or $6 and $7.

- A list with $\alpha$
- and $\hat\beta=(X^\top X)^{-1}X^\top y$
"""

TABLES = r"""| Model | Layers | KV per token | Verdict |
|:--|--:|:-:|---|
| Magistral Small | 40 | 160 kB | **fits** |
| Ministral 8B | 36 | $2\cdot 36\cdot 8\cdot 128\cdot 2$ | `fits` |
| Very long name of a model that goes on and on | 88 | 4 MB | does not fit: its weights are larger |
| | | | empty cells |
| a \| b | ~~1~~ | [link](https://example.org/a?b=c&d=e) | <b>no</b> |

And a wide one:

| 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 |
|---|---|---|---|---|---|---|---|---|---|---|---|
| alpha | beta | gamma | delta | epsilon | zeta | eta | theta | iota | kappa | lambda | mu |
"""

CODE = """Here is it:

```python
import re


def words(text: str) -> list[str]:
    \"\"\"Split at what is no letter.\"\"\"
    return [word for word in re.split(r"[^\\w']+", text) if word]  # a comment, LONG


print(words("<script>alert(1)</script> & more"))
```

```html
<!DOCTYPE html>
<p class="a">&amp; </details></pre>
```

````markdown
```js
let x = `a${1}`;
```
````

```diff
- old
+ new
```

Inline `a < b && c > d`, and a block without a language:

    indented code
      keeps its spaces

```
unclosed fence
"""

CODE = CODE.replace("LONG", "long enough to leave the page on its right side " * 3)

CJK = """## 二次方程

对于方程 $x^2-5x+6=0$，我们有 **两个根**：$x=2$ 和 $x=3$。

| 名称 | 值 |
|---|---|
| 和 | 5 |
| 积 | 6 |

日本語：吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。

한국어: 모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.

हिन्दी: सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता प्राप्त है।

Emoji: 👩‍👩‍👧 🏳️‍🌈 🤔 e\u0301
"""

ARABIC = """## المعادلة التربيعية

إذا كان $x^2-5x+6=0$ فإن الجذرين هما **2** و **3**، كما في `roots()`.

1. أولاً نحسب المميز
2. ثم نطبق القانون

> اقتباس: العلم نور

עברית: כל בני אדם נולדו בני חורין ושווים בערכם ובזכויותיהם (v1.0).

```python
print("مرحبا")  # تعليق
```

English with العربية in the middle, and 123.
"""

WHOLE = """# Heading 1

### Heading 3

A paragraph with *emphasis*, **strong**, ***both***, ~~struck~~, `code`,
a [link](https://example.org/path "title"), a bare one https://example.com/bare?x=1&y=2,
<https://example.net/angle>, a footnote[^1] and ![a picture](https://example.org/p.png "far away").

- [x] done
- [ ] to do
  1. nested
  2. list
     - deeper

> A quote
>
> > within a quote

---

Term with a hard
break\\
and another.

[^1]: The note, with $x$ and [a link](https://example.org/note).
"""


def _asked(key: str, above: str | None, *parts: Part, at: float = 1_760_000_000.0) -> Message:
    return Message(key, above, "user", parts, at)


def _said(
    key: str, above: str, *parts: Part, status: Status = "done", note: str = "", at: float = 0.0
) -> Message:
    when = at or 1_760_000_060.0
    return Message(key, above, "assistant", parts, when, status, note, USED, BY)


def _chat(name: str, title: str, *messages: Message, system: str = "") -> Record:
    return Record(
        f"telling-{name}",
        title,
        Conversation({one.id: one for one in messages}, messages[-1].id),
        system,
        24_576,
        "/srv/ai/Magistral-Small-2509-Q4_K_M.gguf",
    )


def long_thinking() -> Record:
    """Return a thought of some 30,000 words with formulas in it."""
    steps = [
        f"Step {number}: wait, let $n={number}$, so that $n^2={number * number}$. Hmm, let me "
        "check that again, since the sum of the first odd numbers is a square, and the square "
        f"of {number} is what it is.\n\n- once more\n- and again\n"
        for number in range(1, 601)
    ]
    return _chat(
        "thinking",
        "A thought of many pages",
        _asked("tq", None, Text("Is every square the sum of odd numbers?")),
        _said("ta", "tq", Thinking("\n".join(steps), True, 612.5, 18_000), Text("Yes: $n^2$.")),
        system="Think it through.",
    )


def _simple(name: str, title: str, question: str, answer: str, thought: str = "") -> Record:
    parts: tuple[Part, ...] = (Thinking(thought, True, 3.0, 40),) if thought else ()
    return _chat(
        name,
        title,
        _asked(f"{name}q", None, Text(question)),
        _said(f"{name}a", f"{name}q", *parts, Text(answer)),
    )


def images() -> tuple[Record, dict[str, bytes]]:
    """Return a chat with a small picture, a wide one, one that is gone, and text files."""
    small, wide, gone = png(120, 80), png(1600, 90), png(7, 7)
    letter = "Grüße,\nΩ <b>\n```\nfence\n```\n".encode("utf-16")
    names = {data: hashlib.sha256(data).hexdigest() for data in (small, wide, gone, letter)}

    def image(data: bytes, name: str, width: int, height: int) -> Image:
        return Image(names[data], name, len(data), "image/png", width, height)

    file = File(names[letter], "letter.txt", len(letter), "utf-16", letter.decode("utf-16"))
    question = _asked(
        "iq",
        None,
        image(small, "small box.png", 120, 80),
        image(wide, "wide “quoted” & <odd>.png", 1600, 90),
        image(gone, "gone.png", 7, 7),
        file,
        Text("What do you see?\n\nTwo lines,  two spaces."),
    )
    answer = _said("ia", "iq", Text("A box, a line, and a letter."))
    record = _chat("images", "Pictures and a letter", question, answer)
    return record, {names[data]: data for data in (small, wide, letter)}


def branches() -> Record:
    """Return a chat with an edited question and three answers to it."""
    first = _asked("bq1", None, Text("Name a prime."), at=1_760_000_000.0)
    return _chat(
        "branches",
        "Branches",
        first,
        _said("ba1", "bq1", Text("Two."), at=1_760_000_001.0),
        _said("ba2", "bq1", Thinking("Another…"), Text("Three."), at=1_760_000_002.0),
        _asked("bq2", "ba1", Text("Another?"), at=1_760_000_003.0),
        _said("ba3", "bq2", Text("Five."), at=1_760_000_004.0),
        _asked("bq3", "ba2", Text("And an even one?"), at=1_760_000_005.0),
        replace(
            _said("ba4", "bq3", Text("Two again."), at=1_760_000_006.0),
            provenance=replace(BY, edited=True),
        ),
    )


def unfinished() -> Record:
    """Return a chat whose answers ended in every way but well."""
    return _chat(
        "unfinished",
        "Not finished",
        _asked("uq", None, Text("Go on.")),
        _said("ua", "uq", Thinking("It began, but", False, 4.0, 50), status="length"),
        _asked("uq2", "ua", Text("Again.")),
        _said(
            "ua2",
            "uq2",
            Thinking("A thought"),
            Text("The first half of $\\frac{1}{2"),
            status="interrupted",
            note="The engine stopped (killed by signal 9).",
        ),
        _asked("uq3", "ua2", Text("Once more.")),
        _said("ua3", "uq3", Text("Stopped here\n\n```python\nx ="), status="cancelled"),
        _asked("uq4", "ua3", Text("?")),
        _said("ua4", "uq4", status="failed", note="There was no room left."),
    )


def telling() -> Iterator[tuple[str, Record, dict[str, bytes]]]:
    """Yield the ten chats: a name for files, the chat, and its attachments."""
    yield "1-thinking", long_thinking(), {}
    yield "2-math", _simple("math", "Formulas", "Solve it.", MATH, r"Let $\Delta=b^2-4ac$."), {}
    yield "3-tables", _simple("tables", "Tables", "Compare.", TABLES), {}
    yield "4-code", _simple("code", "Code", "Write it.", CODE), {}
    yield "5-cjk", _simple("cjk", "二次方程的根", "请解方程。", CJK, "先因式分解。"), {}
    yield "6-arabic", _simple("arabic", "المعادلة التربيعية", "حل المعادلة", ARABIC, "لنبدأ"), {}
    yield "7-images", *images()
    yield "8-branches", branches(), {}
    yield "9-unfinished", unfinished(), {}
    yield "10-whole", _simple("whole", "All of Markdown", "Show me.", WHOLE), {}
