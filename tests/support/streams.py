"""Made-up answers as reasoning models stream them, the same for a seed every time.

A stream is a thought and an answer, together 20 kB or more: sentences with formulas, money, code,
emphasis, links and footnotes; lists in lists, tables, quotations, code in many languages, formulas
set apart in every way there is, definitions before and long after what refers to them, and things
that models do wrong: brackets, stars, backticks and dollars without a partner, fences that never
close.
"""

import random
from dataclasses import dataclass

LEAST = 20_000

_WORDS = (
    "the a value of this that every number we take it follows from here because then so if when "
    "limit sum proof case step average speed train hours energy cost large small first second "
    "therefore however let us check again wait maybe compute function graph point line model"
)
_OTHER = [
    "naïve",
    "größer",
    "数学",
    "公式",
    "значение",
    "مثال",
    "مرحبا",
    "é",
    "𝑥",
    "😀",
    "한국어",
    "2+2",
]
_TEX = [
    *(r"x", r"x_1", r"x^2 + y^2", r"\frac{a}{b}", r"\sqrt{2}", r"a * b", r"\alpha_i", r"f'(x)"),
    *(r"\sum_{i=1}^{n} i", r"5", r"0.60", r"\$5", r"\{1, 2\}", r"|x|", r"a \le b", r"2ab", r"n!"),
]
_LANGUAGES = ["python", "c++", "rust", "sh", "json", "", "js title", "math", "latex", "tex", "diff"]


@dataclass(frozen=True, slots=True)
class Stream:
    """What a model wrote."""

    thinking: str
    answer: str


def stream(seed: int, least: int = LEAST) -> Stream:
    """Return the stream of a seed, with at least so many characters."""
    maker = _Maker(random.Random(seed))
    thinking = maker.thinking(least // 3)
    return Stream(thinking, maker.answer(least - len(thinking)))


def tokens(text: str, seed: int) -> list[str]:
    """Cut a text as a model's tokens would: words with their space, pieces of words, lone signs."""
    draw = random.Random(seed)
    found = []
    at = 0
    while at < len(text):
        size = draw.choice([1, 2, 3, 4, 4, 5, 6, 8])
        found.append(text[at : at + size])
        at += size
    return found


class _Maker:
    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._labels = [f"ref{number}" for number in range(6)]
        self._notes = [f"{number}" for number in range(1, 6)] + ["note", "wide"]
        self._later: list[str] = []

    # ------------------------------------------------------------ lines

    def words(self, least: int, most: int) -> str:
        said = [self._word() for _ in range(self._draw.randint(least, most))]
        return " ".join(said)

    def _word(self) -> str:
        if self._draw.random() < 0.03:
            return self._draw.choice(_OTHER)
        return self._draw.choice(_WORDS.split())

    def inline(self) -> str:
        draw = self._draw
        tex, words, label = draw.choice(_TEX), self.words(1, 3), draw.choice(self._labels)
        price = f"${draw.choice(['5', '0.60', '1,000', '5k', '2.5M'])}"
        return draw.choice(
            [
                *(f"${tex}$", f"${tex}$", f"\\({tex}\\)", f"$${tex}$$", f"\\[{tex}\\]"),
                *(price, f"{price} and {price}", f"{price}-{price}", f"US{price}", f"\\{price}"),
                *(f"`{words}`", f"``a ` {words}``", f"*{words}*", f"**{words}**", f"_{words}_"),
                *(f"***{words}***", f"~~{words}~~", f"~{words}~", "~5", "3*4*5", "2 * 3", "a_b_c"),
                *(f"[{words}](https://a.org/{label} 't')", f"[{words}](/{label})", f"[{label}]"),
                *(f"[{words}][{label}]", f"![{words}](http://b.org/i.png)", "www.c.org/d?e=f"),
                *(
                    "https://d.org/(e)",
                    "f.g_h@i.org",
                    "<https://j.org>",
                    "<b>tag</b>",
                    "&amp; &lt;",
                ),
                *(
                    f"[^{draw.choice(self._notes)}]",
                    f"[^{draw.choice(self._notes)}]",
                    "\\*",
                    "1\\.",
                ),
                *("[", "*", "`", "$", "**", "](", "\\(", "~~", "_", "|", "!", "[^", "$$"),
            ]
        )

    def sentence(self) -> str:
        draw = self._draw
        said = [self.words(2, 9)]
        while draw.random() < 0.55:
            # What has no partner is rare: else a paragraph is waiting for one nearly always.
            bit = self.inline()
            while len(bit) < 3 and draw.random() < 0.9:
                bit = self.inline()
            said += [bit, self.words(1, 6)]
        return " ".join(said).capitalize() + draw.choice([".", ".", ".", ":", "?", "!", "…"])

    def text(self, least: int, most: int) -> str:
        joints = [" ", " ", " ", "\n", "  \n", "\\\n"]
        said = self.sentence()
        for _ in range(self._draw.randint(least, most) - 1):
            said += self._draw.choice(joints) + self.sentence()
        return said

    # ------------------------------------------------------------ blocks

    def paragraph(self) -> str:
        return self.text(1, 6)

    def long_paragraph(self) -> str:
        return self.text(10, 25)

    def heading(self) -> str:
        draw = self._draw
        if draw.random() < 0.3:
            return self.words(2, 5) + "\n" + draw.choice(["===", "---"])
        return "#" * draw.randint(1, 6) + " " + self.sentence()

    def rule(self) -> str:
        return self._draw.choice(["---", "***", "- - -", "___"])

    def list(self, depth: int = 0) -> str:
        draw = self._draw
        mark = draw.choice(["-", "*", "+", "1.", "1)", "3."])
        loose = draw.random() < 0.2
        tasks = draw.random() < 0.2
        items = []
        for number in range(draw.randint(2, 9 if depth == 0 else 4)):
            own = f"{number + 1}{mark[-1]}" if mark[0].isdigit() else mark
            lead = f"{own} " + (draw.choice(["[ ] ", "[x] "]) if tasks else "")
            body = self.sentence()
            if depth < 3 and draw.random() < 0.3:
                body += ("\n\n" if draw.random() < 0.3 else "\n") + self.inner(depth)
            items.append(lead + body.replace("\n", "\n" + " " * len(own + " ")))
        return ("\n\n" if loose else "\n").join(items)

    def inner(self, depth: int) -> str:
        return self._draw.choice(
            [lambda: self.list(depth + 1), self.fence, self.formula, self.paragraph, self.quote]
        )()

    def quote(self) -> str:
        draw = self._draw
        inside = draw.choice([self.paragraph, self.formula, self.fence, self.table])()
        lines = (f"> {inside}" + f"\n\n{self.sentence()}" * draw.randint(0, 1)).split("\n")
        return "\n".join([lines[0], *("> " + line for line in lines[1:])])

    def table(self) -> str:
        draw = self._draw
        count = draw.randint(1, 4)

        def cell() -> str:
            return draw.choice([self.words(1, 3), self.inline().replace("\n", " ")])

        rows = [[cell() for _ in range(count)] for _ in range(draw.randint(1, 12))]
        marks = [draw.choice(["---", ":--", "--:", ":-:"]) for _ in range(count)]
        return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], marks, *rows[1:]])

    def fence(self) -> str:
        draw = self._draw
        language = draw.choice(_LANGUAGES)
        mark = draw.choice(["```", "```", "```", "~~~", "````"])
        lines = [
            draw.choice(
                [f"x = f({self.words(1, 3)})", "", "    return $a + $b", "- no list", "# no"]
            )
            for _ in range(draw.randint(1, 15))
        ]
        if language in ("math", "latex", "tex") and draw.random() < 0.7:
            lines = [draw.choice(_TEX)]
        return f"{mark}{language}\n" + "\n".join(lines) + f"\n{mark}"

    def formula(self) -> str:
        draw = self._draw
        lines = [draw.choice(_TEX) + draw.choice(["", r" \\", r" \\[4pt]", " &= 0"])]
        lines += [draw.choice(_TEX) for _ in range(draw.randint(0, 4))]
        body = "\n".join(lines)
        name = draw.choice(["align", "align*", "gather", "equation", "cases", "pmatrix"])
        return draw.choice(
            [
                *(f"$$\n{body}\n$$", f"$${lines[0]}$$", f"\\[\n{body}\n\\]", f"\\[ {lines[0]} \\]"),
                *(f"\\begin{{{name}}}\n{body}\n\\end{{{name}}}", f"$$\n{body}", f"\\[{body}\\]."),
                *(f"```math\n{body}\n```", f"$$ {lines[0]} $$, and on"),
            ]
        )

    def code(self) -> str:
        return "    " + self.words(1, 5) + "\n\n    " + self.words(1, 3)

    def definition(self) -> str:
        draw = self._draw
        if draw.random() < 0.5:
            title = draw.choice(["", " 'a title'", ' "over\ntwo lines"', "\n  (title)"])
            address = draw.choice(["https://k.org/l", "<https://m.org>", "/none", "mailto:n@o.org"])
            return f"[{draw.choice(self._labels)}]: {address}{title}"
        text = self.text(1, 2).replace("\n", "\n    ")
        more = f"\n\n    {self.sentence()}" if draw.random() < 0.3 else ""
        return f"[^{draw.choice(self._notes)}]: {text}{more}"

    def html(self) -> str:
        return f"<div class='x'>\n{self.sentence()}\n</div>"

    # ------------------------------------------------------------ documents

    def answer(self, least: int) -> str:
        draw = self._draw
        kinds = [
            *((self.paragraph, 8), (self.list, 6), (self.formula, 5), (self.fence, 4)),
            *((self.heading, 4), (self.table, 3), (self.quote, 2), (self.definition, 4)),
            *((self.long_paragraph, 1), (self.rule, 1), (self.code, 1), (self.html, 1)),
        ]
        said = ""
        while len(said) < least:
            (kind,) = draw.choices([kind for kind, _ in kinds], [often for _, often in kinds])
            said += kind() + draw.choice(["\n\n", "\n\n", "\n\n", "\n", "\n\n\n", "\r\n\r\n"])
        # The definitions that models put at the end, and what was cut off.
        said += "".join(f"[{label}]: https://p.org/{label}\n" for label in self._labels)
        said += "".join(f"[^{name}]: {self.sentence()}\n" for name in self._notes)
        return said + draw.choice(["", "```python\nx = 1", "$$\nx", "- ", "| a |\n|--", "*a"])

    def thinking(self, least: int) -> str:
        draw = self._draw
        said = "Okay, "
        while len(said) < least:
            kind = draw.choice(
                [self.paragraph] * 5 + [self.long_paragraph, self.list, self.formula]
            )
            said += draw.choice(["Wait, ", "So ", "Hmm. ", ""]) + kind() + "\n\n"
        return said
