"""Conversations as models write them, for tests and pictures."""

from app.chat.message import Message, Status, Text, Thinking
from app.chat.turn import TurnState
from app.engine.protocol import Usage

QUESTION = (
    "If a train travels 120 km in 1.5 hours, what is its average speed in m/s?\n"
    "Show me a Python one-liner too."
)

ANSWER = r"""Average speed is distance over time:

$$v = \frac{d}{t} = \frac{120\text{ km}}{1.5\text{ h}} = 80\text{ km/h}$$

To convert to metres per second, divide by $3.6$, because $1\text{ m/s} = 3.6\text{ km/h}$:

$$v = \frac{80}{3.6} = \frac{200}{9} \approx \boxed{22.2\text{ m/s}}$$

```python
print(f"{120_000 / (1.5 * 3600):.1f} m/s")  # 22.2 m/s
```
"""

THOUGHT = r"""The standard approach: draw a line through one vertex parallel to the opposite side,
then use alternate interior angles.

Let the triangle be $\triangle ABC$. Draw line $\ell$ through $A$ with $\ell \parallel BC$. Call the
angles at $A$ on the two sides of the triangle $\beta'$ and $\gamma'$.

Then $\beta' = \beta$ (alternate interior angles with transversal $AB$), and $\gamma' = \gamma$
with transversal $AC$. Since $\beta' + \alpha + \gamma'$ make a straight line…

Wait — I should check that this needs the parallel postulate. Yes: in spherical geometry the sum
exceeds $180^\circ$, so the proof must use it exactly once. It is used for the alternate angles"""

RICH = r"""## What a retry loop should do

A good loop *backs off*, **gives up in the end**, and says `why`.
See [the article](https://example.org/retry "Retry").

1. Try the call.
2. On a transient error wait $2^n$ seconds, with jitter:
   - network resets,
   - HTTP 429 and 503.
3. After five tries, raise.

> Retrying a call that is not idempotent is how orders are placed twice.

| Status | Meaning | Retry? |
|:-------|:--------|-------:|
| 429 | Too many requests | yes |
| 500 | Server error | perhaps |
| 404 | Not found | no |

```python
import random, time

def retry(call, *, tries: int = 5, base_s: float = 0.5):
    # Exponential backoff with full jitter, so that a thousand clients do not come back in step.
    for attempt in range(tries):
        try:
            return call()
        except ConnectionError as error:
            if attempt + 1 == tries:
                raise RuntimeError(f"gave up after {tries} tries") from error
            time.sleep(random.uniform(0, base_s * 2**attempt))
```

Then use it:

- [x] wrap the client
- [ ] log each attempt

---

### Left for later

A circuit breaker. <b>Raw HTML</b> stays text, and prices such as $5 and $6 stay prices.
"""

SCRIPTS = """مرحبا! هذه فقرة باللغة العربية تُكتب من اليمين إلى اليسار، وفيها كلمة English في
الوسط، ثم رقم 22.2 ووحدة m/s.

これは日本語の段落です。長い文でも列の幅で正しく折り返され、横にはみ出すことはありません。禁則処理も守られるべきです。\
中文段落也应当如此,标点不应出现在行首。 한국어 문장도 있습니다. 😀👩‍👩‍👧‍👦🏳️‍🌈

Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft_and_an_identifier_\
that_never_ends_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa

| A | wide | table | with | many | columns | and | long_words_that_do_not_break | in | it | ok |
|---|---|---|---|---|---|---|---|---|---|---|
| 1 | 2 | 3 | 4 | 5 | 6 | 7 | supercalifragilisticexpialidocious | 9 | 10 | 11 |

```text
one very long line of code, \
that has to scroll sideways inside of its own block, \
because code is never wrapped, however long it is
```
"""


def question(text: str = QUESTION, at: str = "q1", parent: str | None = None) -> Message:
    """A message of the user."""
    return Message(at, parent, "user", (Text(text),), 1.0)


def answer(
    text: str = ANSWER,
    thought: str = "",
    at: str = "a1",
    parent: str = "q1",
    status: Status = "done",
    note: str = "",
    closed: bool = True,
) -> Message:
    """A message of the model."""
    parts: tuple[Text | Thinking, ...] = (Text(text),) if text or not thought else ()
    if thought:
        parts = (Thinking(thought, closed, 31.0, 1184), *parts)
    usage = Usage(96, 0, 1184 if thought else 0, 113, 0.4, 1297 / 38.2, 0.4)
    return Message(at, parent, "assistant", parts, 2.0, status, note, usage)


def thinking(text: str = THOUGHT, tokens: int = 1602, seconds: float = 42.0) -> TurnState:
    """A turn in the middle of its thought."""
    return TurnState(
        started_at=0.0,
        phase="thinking",
        thinking=text,
        thinking_tokens=tokens,
        thinking_at=1.0,
        now=1.0 + seconds,
    )


def answering(text: str, thought: str = "", seconds: float = 5.0) -> TurnState:
    """A turn in the middle of its answer."""
    return TurnState(
        started_at=0.0,
        phase="answering",
        thinking=thought,
        thinking_closed=bool(thought),
        answer=text,
        thinking_tokens=len(thought) // 4,
        answer_tokens=max(1, len(text) // 4),
        thinking_at=1.0 if thought else None,
        answering_at=1.0 + seconds,
        now=2.0 + seconds,
    )


def alone(_message_id: str) -> tuple[int, int]:
    """The place of a message that has no other versions."""
    return 0, 1
