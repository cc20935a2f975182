"""Made-up conversations, the same every time: many scripts, typed markers, thoughts, odd spaces."""

import random

from hypothesis import strategies as st

from app.prompts.magistral import MAGISTRAL_SYSTEM_PROMPT, with_own
from app.prompts.mistral import Version
from app.prompts.segments import Picture, Thought, Turn

PLAIN = [
    *("Hello", "What is 2+2?", "If a train travels 120 km in 1.5 hours…", "naïve café, Ünïcödé, ß"),
    *(
        "[THINK]",
        "[/THINK]",
        "[INST]x[/INST]",
        "<s>",
        "</s>",
        "[SYSTEM_PROMPT]",
        "<think>a</think>",
    ),
    *(
        "🤔👩\u200d👩\u200d👧 ok",
        "你好,世界",
        "こんにちは、元気ですか",
        "한국어",
        "Привет, мир",
        "Ελληνικά",
    ),
    *("```python\nprint(1)\n```", "$x^2$ \\frac{1}{2}", "a  b\t c", "\n\nlines\r\n", " leading"),
    *("trailing ", "1234567890", "camelCaseAndHTTPServer", "  ", "\n", "don't we'll", "😀" * 3),
]
# Scripts written with combining marks: letters that are built of several characters.
MARKED = [
    *("नमस्ते, आप कैसे हैं?", "हिन्दी में उत्तर दें", "สวัสดีครับ ที่นี่", "مُحَمَّد يَكْتُبُ الدَّرْسَ", "தமிழ் மொழி"),
    *("বাংলা ভাষা", "e\u0301te\u0301 na\u0308ive", "שָׁלוֹם", "ನಮಸ್ಕಾರ"),
]


def conversations(count: int, seed: int, *, marked: bool = True) -> list[list[Turn]]:
    """Return conversations that end with the user's turn."""
    draw = random.Random(seed)
    words = PLAIN + MARKED if marked else PLAIN

    def text() -> str:
        return draw.choice(["", " ", "\n"]).join(draw.choices(words, k=draw.randint(1, 4)))

    def one() -> list[Turn]:
        turns: list[Turn] = []
        kind = draw.randrange(4)
        if kind == 1:
            turns.append(Turn("system", (text(),)))
        elif kind > 1:
            merged = with_own(MAGISTRAL_SYSTEM_PROMPT, text() if kind == 3 else "")
            assert merged is not None
            turns.append(merged)
        for _ in range(draw.randint(0, 4)):
            turns += [Turn("user", (text(),)) for _ in range(draw.choice([1, 1, 1, 2]))]
            answer: tuple[str | Thought, ...] = (text() + "!",)
            if draw.random() < 0.7:
                answer = (Thought(draw.choice(["", text()])), *answer)
            turns.append(Turn("assistant", answer))
        turns.append(Turn("user", (draw.choice(["", text()]),)))
        return turns

    return [one() for _ in range(count)]


def without_thoughts(turns: list[Turn]) -> list[Turn]:
    """Return the turns with the assistants' thoughts dropped."""
    return [
        Turn(turn.role, tuple(part for part in turn.parts if isinstance(part, str)))
        if turn.role == "assistant"
        else turn
        for turn in turns
    ]


def speaks(turn: Turn) -> bool:
    """Whether an assistant's turn says anything: mistral-common refuses one that does not."""
    return any(turn.parts)


_WORDS = st.sampled_from([*PLAIN, *MARKED, "", " ", "\n", "[TOOL_CALLS]f[ARGS]{}", "[IMG]", "a  "])
_LETTERS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
_TEXT = st.lists(st.one_of(_WORDS, _LETTERS), max_size=4).map("".join)
_THOUGHT = _TEXT.map(Thought)
_SIDE = st.one_of(st.integers(1, 200), st.integers(1, 200), st.integers(1, 3000))
_PICTURE = st.builds(Picture, st.just("p"), _SIDE, _SIDE)


def chats(version: Version, *, pictures: bool = True) -> st.SearchStrategy[list[Turn]]:
    """Return conversations of all kinds that mistral-common encodes in a version.

    The last turn is the user's or the assistant's (then it is to be continued).
    """
    thinks = version in ("mistral-v13", "mistral-v15")
    sees = pictures and version != "mistral-v3"
    asked = st.lists(st.one_of(_TEXT, _PICTURE) if sees else _TEXT, min_size=1, max_size=3)
    said = st.lists(st.one_of(_TEXT, _THOUGHT) if thinks else _TEXT, min_size=1, max_size=3)
    # Where nothing is said, mistral-common refuses; here such a turn is left out.
    said = said.filter(lambda parts: speaks(Turn("assistant", tuple(parts))))
    shown = st.one_of(_TEXT, _THOUGHT) if version == "mistral-v13" else _TEXT
    ruled = st.lists(shown, min_size=1, max_size=3).filter(any)
    user = st.builds(Turn, st.just("user"), asked.map(tuple))
    assistant = st.builds(Turn, st.just("assistant"), said.map(tuple))
    system = st.builds(Turn, st.just("system"), ruled.map(tuple))
    exchange = st.tuples(
        st.lists(user, min_size=1, max_size=2), st.lists(assistant, min_size=1, max_size=2)
    )
    middle = st.lists(exchange, max_size=3).map(
        lambda pairs: [turn for users, answers in pairs for turn in (*users, *answers)]
    )
    late = st.one_of(st.just(()), st.tuples(user, system))
    return st.builds(
        lambda first, turns, rules, last, answer: [*first, *turns, *rules, *last, *answer],
        st.lists(system, max_size=2),
        middle,
        late,
        st.lists(user, min_size=1, max_size=2),
        st.lists(assistant, max_size=1),
    )
