"""How models mark their thinking: a table, and the ways to find the row that holds for a model.

A format is found for a loaded model from its vocabulary and chat template (`detect`), or, where
there is only a recorded output, from its text (`detect_output`). Names alone prove little:
fine-tunes keep the name of their base and change the markers, so a template outweighs a name.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Channels:
    """A format in which every part of an output has a header that names its channel.

    begin: what begins a header, and whether that opens or closes what the header names.
    sep: what ends a header. ends: what ends a part. thought: the thinking channel's name.
    """

    begin: tuple[tuple[str, bool], ...]
    sep: str
    ends: tuple[str, ...]
    thought: str


@dataclass(frozen=True, slots=True)
class Format:
    """One way of marking a thought.

    control: the markers are control tokens of every vocabulary, so the same characters written as
    text mean nothing. Otherwise they may be ordinary text, of several tokens, cut anywhere.
    open and close are empty where the format knows no thoughts.
    suffix: words that may follow the opening marker and belong to it.
    wraps: pairs of markers that may stand around the answer, and mean nothing.
    starts_open: an output begins inside the thought, because every prompt opens it.
    end: what closes a thought so that the answer can follow; begin: what opens one.
    prose: the opening marker is a phrase that an answer might begin with too.
    """

    name: str
    open: str
    close: str
    control: bool = False
    suffix: str = ""
    wraps: tuple[tuple[str, str], ...] = ()
    starts_open: bool = False
    begin: str = ""
    end: str = ""
    prose: bool = False
    channels: Channels | None = None

    @property
    def tokens(self) -> frozenset[str]:
        """Return all of the format's markers: those of them that are control tokens count."""
        found = {self.open, self.close, *(mark for pair in self.wraps for mark in pair)}
        if self.channels:
            marks = self.channels
            found = {*(mark for mark, _ in marks.begin), marks.sep, *marks.ends}
        return frozenset(found - {""})

    @property
    def vital(self) -> tuple[str, ...]:
        """Return the markers without which thoughts cannot be told from answers."""
        if self.channels:
            return (*(mark for mark, _ in self.channels.begin), self.channels.sep)
        return (self.open, self.close) if self.open else ()

    @property
    def openers(self) -> tuple[str, ...]:
        """Return the markers that an output may begin with, if it thinks."""
        if self.channels:
            return tuple(mark for mark, opens in self.channels.begin if opens)
        return (self.open,) if self.open else ()


def _tags(name: str, tag: str, *wraps: tuple[str, str]) -> Format:
    begin, end = f"<{tag}>\n", f"\n</{tag}>\n\n"
    if wraps:
        end += wraps[0][0]
    return Format(name, f"<{tag}>", f"</{tag}>", begin=begin, end=end, wraps=wraps)


def _pair(name: str, begin: str, end: str, *wraps: tuple[str, str]) -> Format:
    after = wraps[0][0] if wraps else ""
    return Format(name, begin, end, begin=begin, end=end + after, wraps=wraps)


_ROWS = (
    # Magistral 1.1 and 1.2, Ministral 3 Reasoning, Mistral Small 4.
    Format("mistral", "[THINK]", "[/THINK]", control=True, begin="[THINK]", end="[/THINK]"),
    # Qwen 3, QwQ, DeepSeek-R1 and its kin, GLM, SmolLM 3, Nemotron 3, Magistral 1.0: opened by the
    # model (Qwen 3, Magistral) or by the template (the others).
    _tags("think", "think"),
    # Granite 3.3, ERNIE 4.5 Thinking.
    _tags("granite", "think", ("<response>", "</response>")),
    # Hunyuan A13B.
    _tags("hunyuan", "think", ("<answer>", "</answer>")),
    # gpt-oss.
    Format(
        "harmony",
        "<|channel|>analysis<|message|>",
        "<|end|>",
        begin="<|channel|>analysis<|message|>",
        end="<|end|><|start|>assistant<|channel|>final<|message|>",
        channels=Channels(
            (("<|start|>", True), ("<|channel|>", True)),
            "<|message|>",
            ("<|end|>", "<|return|>", "<|call|>"),
            "analysis",
        ),
    ),
    # Gemma 4.
    Format(
        "gemma",
        "<|channel>",
        "<channel|>",
        suffix="thought\n",
        begin="<|channel>thought\n",
        end="<channel|>",
    ),
    _tags("seed", "seed:think"),
    # Cohere Command A Reasoning and its kin.
    _pair(
        "cohere",
        "<|START_THINKING|>",
        "<|END_THINKING|>",
        ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
        ("<|START_TEXT|>", "<|END_TEXT|>"),
    ),
    # Apriel 1.5 and 1.6.
    Format(
        "apriel",
        "Here are my reasoning steps:\n",
        "[BEGIN FINAL RESPONSE]",
        wraps=(("", "[END FINAL RESPONSE]"),),
        starts_open=True,
        begin="Here are my reasoning steps:\n",
        end="\n[BEGIN FINAL RESPONSE]\n",
        prose=True,
    ),
    # Solar Open.
    _pair("solar", "<|think|>", "<|content|>"),
    _tags("minimax", "mm:think"),
    # Kimi K3: a thought is opened and closed like every part of its output.
    Format(
        "kimi-k3",
        "<|open|>think<|sep|>",
        "<|close|>think<|sep|>",
        begin="<|open|>think<|sep|>",
        end="<|close|>think<|sep|>",
        channels=Channels((("<|open|>", True), ("<|close|>", False)), "<|sep|>", (), "think"),
    ),
    # Kimi-VL.
    _pair("kimi", "◁think▷", "◁/think▷"),
    _tags("hy3", "think:opensource"),
    _tags("longcat", "longcat_think"),
    _pair("think-start", "<|think:start|>", "<|think:end|>"),
    # EXAONE Deep.
    _tags("thought", "thought"),
    # Reka Flash 3.
    _tags("reasoning", "reasoning"),
    # What prompts ask models for that were not made to think.
    _tags("thinking", "thinking"),
    # Granite 3.2.
    Format(
        "granite-3.2",
        "Here is my thought process:",
        "Here is my response:",
        begin="Here is my thought process:\n",
        end="\nHere is my response:\n",
        prose=True,
    ),
    # What Ollama's command line prints in place of the markers.
    Format(
        "ollama",
        "Thinking...",
        "...done thinking.",
        begin="Thinking...\n",
        end="\n...done thinking.\n\n",
        prose=True,
    ),
    Format("none", "", "", control=False),
)

FORMATS: dict[str, Format] = {row.name: row for row in _ROWS}

# Of those with the same opening marker the first.
_DISTINCT = tuple(
    row
    for at, row in enumerate(_ROWS)
    if row.open and row.open not in {other.open for other in _ROWS[:at]}
)
_MAGISTRAL_1_0 = re.compile(r"magistral.*(2506|\b1[._]0\b)", re.IGNORECASE)


def detect(controls: Sequence[str], template: str | None, name: str) -> Format:
    """Return the format of a loaded model.

    controls: the control tokens in its vocabulary; template: its chat template, if it has one;
    name: its own name. [THINK] in the vocabulary decides, unless the template or the name says that
    the model writes `<think>`: fine-tunes inherit the token and never use it. Then the template's
    own markers decide, then the vocabulary's. A model of which nothing is known is watched for
    `<think>`: it only counts at the very start of an output, where an answer has no reason to say
    it.
    """
    control = FORMATS["mistral"]
    if control.open in controls and control.close in controls:
        written = template is not None and "<think>" in template and control.open not in template
        if not written and not is_magistral_1_0(name):
            return control
    if template:
        found = _of_template(template)
        if found is not None:
            return found
    for row in _DISTINCT:
        if not row.control and set(controls).issuperset(row.vital):
            return row
    return FORMATS["think"]


def is_magistral_1_0(name: str) -> bool:
    """Whether a name is that of Magistral 1.0, which spells its markers."""
    return _MAGISTRAL_1_0.search(name) is not None


def _of_template(template: str) -> Format | None:
    """Return the format whose markers a template writes or looks for."""
    if "<|channel|>" in template and "<|message|>" in template:
        return FORMATS["harmony"]
    if "<|open|>" in template and "<|sep|>" in template:
        return FORMATS["kimi-k3"]
    if FORMATS["apriel"].close in template:
        return FORMATS["apriel"]
    for row in _ROWS:
        # The wrapped ones have the markers of a plain one, and more: soon after, in the same words.
        for start, _ in row.wraps:
            near = rf"{re.escape(row.close)}[^{{}}]{{0,200}}{re.escape(start)}"
            if start and re.search(near, template):
                return row
    if FORMATS["cohere"].close in template:
        return FORMATS["cohere"]
    # A plain word between the brackets may be there for another reason.
    rows = sorted(_DISTINCT, key=lambda row: row.open.strip("<>").isalpha())
    for row in rows:
        known = not (row.channels or row.prose or row.control)
        if known and row.close in template and (row.open in template or row.name == "think"):
            return row
    return None


def watched(row: Format) -> tuple[Format, ...]:
    """Return the formats that are looked for beside a model's own, at the start of its outputs.

    A fine-tune may write other markers than its base, and a server may not say which model it has.
    A phrase is not looked for: an answer may begin with it.
    """
    if not row.open:
        return ()
    return tuple(one for one in _DISTINCT if one.open != row.open and not one.prose)


def detect_output(text: str) -> Format:
    """Return the format of a whole recorded output, in which control tokens are spelled as text.

    The format is the one whose marker comes first, if it can have been meant as one: an opening
    marker at the start, or a closing marker before which none was opened (see `opened_before`).
    """
    for row in _ROWS:
        if row.channels and re.match(rf"\s*{_begins(row)}", text):
            return row
    for row in _ROWS:
        phrase = row.prose and row.close not in text
        if row.open and not row.channels and not phrase and _opens(text, row.open):
            return _wrapped(row, text)
    lone = [
        row for row in _DISTINCT if (not row.prose or row.starts_open) and opened_before(text, row)
    ]
    found = min(lone, key=lambda row: text.find(row.close), default=FORMATS["none"])
    return _wrapped(found, text)


def _begins(row: Format) -> str:
    """Return a pattern for how an output in channels begins, its prompt's part left out."""
    marks = "|".join(re.escape(mark) for mark, _ in row.channels.begin) if row.channels else ""
    return f"(?:{marks})"


def _wrapped(row: Format, text: str) -> Format:
    """Return the row with the same markers whose wraps the text has after its thought, if any."""
    after = text.partition(row.close)[2].lstrip() if row.close else ""
    for other in _ROWS:
        starts = tuple(start for start, _ in other.wraps if start)
        if starts and other.open == row.open and after.startswith(starts):
            return other
    return row


def opened_before(text: str, row: Format) -> bool:
    """Whether an output begins inside a thought that its prompt opened: only its end is seen."""
    if not row.close:
        return False
    before, close, _ = text.partition(row.close)
    if row.channels:
        return bool(close) and not any(mark in before for mark, _ in row.channels.begin)
    return bool(close) and row.open not in before


def _opens(text: str, marker: str) -> bool:
    """Whether a marker comes first, white space and broken-off beginnings of it aside."""
    broken = "|".join(re.escape(marker[:length]) for length in range(len(marker) - 1, 0, -1))
    return re.match(rf"(?:\s|{broken})*{re.escape(marker)}", text) is not None
