r"""What others' parsers are tested with, decided here: llama.cpp's and vLLM's public cases.

Where a case is decided otherwise, and why:

| case                                     | they                           | here                 |
|------------------------------------------|--------------------------------|----------------------|
| white space around thought and answer    | both trim it                   | kept: the record is  |
|                                          |                                | the bytes; the screen|
|                                          |                                | trims what it shows  |
| text before the first marker, by text    | llama.cpp: all is content;     | as llama.cpp: text   |
|                                          | vLLM: the thought is cut out   | about tags is text   |
| the same, the marker a token             | vLLM: cut out                  | as vLLM: nobody can  |
|                                          |                                | type a token         |
| no marker at all, format `<think>` that  | vLLM, whole output: reasoning; | the prompt tells if  |
| prompts open (R1)                        | in a stream: content           | it opened the thought|
| a closing token without an opening one   | vLLM (Mistral): taken out;     | as vLLM: a marker,   |
|                                          | mistral-common: an error       | the words are answer |
| a closing tag without an opening one     | vLLM: all before it reasoning  | the same where the   |
|                                          | (whole), content (stream)      | whole is known       |
| a thought within a thought               | mistral-common: an error       | the thought's words  |
| a second thought after an answer, token  | llama.cpp: content             | a thought again      |
| a closing tag that is quoted in a thought| ends it (both)                 | the thought's words  |
| an output that ends in half a marker     | llama.cpp: lost                | kept as words        |
| only white space thought                 | llama.cpp: dropped             | kept                 |
| a thought that never ends                | both: reasoning, no content    | the same, and told   |
| tool calls after a thought               | parsed                         | shown as text: there |
|                                          |                                | are no tools         |
| gpt-oss: commentary without a recipient  | content                        | the same             |
| gpt-oss: channel named again in a header | the last counts                | the same             |
"""

import pytest

from app.reasoning.formats import FORMATS, detect_output
from app.reasoning.recorded import cli_pieces
from app.reasoning.splitter import Piece, Splitter, coalesced

HELLO = "Hello, world!\nWhat's up?"
HARMONY = "<|channel|>analysis<|message|>"
FINAL = "<|end|><|start|>assistant<|channel|>final<|message|>"
K3 = "<|open|>think<|sep|>"
K3_END = "<|close|>think<|sep|>"

# Format, whether the prompt opened the thought, output, thinking, answer, whether it was closed.
BY_TEXT = [
    # No thought.
    ("think", False, HELLO, "", HELLO, True),
    ("mistral", False, HELLO, "", HELLO, True),
    ("harmony", False, "<|channel|>final<|message|>" + HELLO, "", HELLO, True),
    ("gemma", False, HELLO, "", HELLO, True),
    ("think", False, "", "", "", True),
    # The model opens it.
    ("think", False, f"<think>I'm\nthinking</think>{HELLO}", "I'm\nthinking", HELLO, True),
    ("think", False, "\n<think>a</think>\nb", "a", "\n\nb", True),
    ("mistral", False, f"[THINK]I'm\nthinking[/THINK]{HELLO}", "I'm\nthinking", HELLO, True),
    ("mistral", False, "[THINK]a[/THINK]\n\nb", "a", "\n\nb", True),
    ("seed", False, f"<seed:think>I'm thinking</seed:think>{HELLO}", "I'm thinking", HELLO, True),
    (
        "seed",
        False,
        "<seed:think>a<seed:cot_budget_reflect>b</seed:cot_budget_reflect></seed:think>c",
        "a<seed:cot_budget_reflect>b</seed:cot_budget_reflect>",
        "c",
        True,
    ),
    ("minimax", False, "<mm:think>a</mm:think>b", "a", "b", True),
    ("kimi", False, "◁think▷a◁/think▷b", "a", "b", True),
    ("solar", False, "<|think|>a<|content|>b", "a", "b", True),
    # The prompt opened it.
    ("think", True, f"I'm\nthinking</think>{HELLO}", "I'm\nthinking", HELLO, True),
    ("think", True, "</think>b", "", "b", True),
    ("think", True, "a</think>", "a", "", True),
    ("think", True, "a", "a", "", False),
    ("think", True, "<think>a</think>b", "a", "b", True),
    ("kimi-k3", True, f"step{K3_END}<|open|>response<|sep|>answer", "step", "answer", True),
    ("kimi-k3", True, "unfinished", "unfinished", "", False),
    ("kimi-k3", False, f"{K3}step{K3_END}<|open|>response<|sep|>answer", "step", "answer", True),
    ("kimi-k3", False, "OK<|close|>response<|sep|>", "", "OK", True),
    (
        "apriel",
        True,
        f"I'm\nthinking\n[BEGIN FINAL RESPONSE]\n{HELLO}",
        "I'm\nthinking\n",
        f"\n{HELLO}",
        True,
    ),
    (
        "apriel",
        True,
        "a\n[BEGIN FINAL RESPONSE]\nParis.\n[END FINAL RESPONSE]",
        "a\n",
        "\nParis.\n",
        True,
    ),
    # Never ended, or half an end.
    ("think", False, "<think>I'm\nthinking", "I'm\nthinking", "", False),
    ("think", False, "<think>a</thi", "a</thi", "", False),
    ("mistral", False, "[THINK]a[/THI", "a[/THI", "", False),
    ("gemma", False, "<|channel>a", "a", "", False),
    ("harmony", False, HARMONY + "I'm\nthinking", "I'm\nthinking", "", False),
    # Text before it, a thought within it, a second one after an answer: by text it is text.
    ("mistral", False, "a [THINK]b[/THINK]c", "", "a [THINK]b[/THINK]c", True),
    ("mistral", False, "[THINK]a[THINK]b[/THINK]c", "a[THINK]b", "c", True),
    ("mistral", False, "[THINK]a[/THINK]b[THINK]c[/THINK]", "a", "b[THINK]c[/THINK]", True),
    ("mistral", False, "[THINK]a[TOOL_CALLS]b[/THINK]c", "a[TOOL_CALLS]b", "c", True),
    ("mistral", False, "[THINK]a[/THINK][TOOL_CALLS]f[ARGS]{}", "a", "[TOOL_CALLS]f[ARGS]{}", True),
    # Wrapped answers.
    ("granite", False, f"<think>a</think><response>{HELLO}</response>", "a", HELLO, True),
    ("granite", False, "<think>a</think><response>b", "a", "b", True),
    ("granite", False, "<think>a</think>b</response>", "a", "b</response>", True),
    (
        "granite",
        False,
        "<think>\na\n</think>\n\n<response>\nb\n</response>\n",
        "\na\n",
        "\n\n\nb\n\n",
        True,
    ),
    (
        "granite",
        False,
        "<think>a</think><response>say </response> here</response>",
        "a",
        "say </response> here",
        True,
    ),
    ("hunyuan", False, "<think>\n\n</think>\n<answer>\nb\n</answer>", "\n\n", "\n\nb\n", True),
    ("hunyuan", False, "<think>\na\n</think>\n<answer>\n", "\na\n", "\n\n", True),
    (
        "cohere",
        False,
        f"<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>{HELLO}<|END_RESPONSE|>",
        "a",
        HELLO,
        True,
    ),
    ("cohere", False, "<|START_THINKING|>a<|END_THINKING|>b", "a", "b", True),
    ("cohere", False, "<|START_RESPONSE|>b<|END_RESPONSE|>", "", "b", True),
    ("cohere", True, "a<|END_THINKING|><|START_TEXT|>b<|END_TEXT|>", "a", "b", True),
    (
        "granite-3.2",
        False,
        "Here is my thought process: a Here is my response: b",
        " a ",
        " b",
        True,
    ),
    # Channels.
    ("gemma", False, "<|channel>thought\na<channel|>b", "a", "b", True),
    ("gemma", False, "<|channel>a<channel|>b", "a", "b", True),
    ("gemma", False, "<|channel>thought\n<channel|>", "", "", True),
    ("gemma", False, "<|channel>thought\n<channel|>b", "", "b", True),
    ("gemma", False, "<|channel>thousand reasons<channel|>b", "thousand reasons", "b", True),
    (
        "gemma",
        False,
        "<|channel>thought\na<channel|><|channel>thought\nb<channel|>c",
        "ab",
        "c",
        True,
    ),
    ("gemma", False, "<|channel><|channel>thought\na<channel|>b", "a", "b", True),
    ("harmony", False, f"{HARMONY}I'm\nthinking{FINAL}{HELLO}", "I'm\nthinking", HELLO, True),
    ("harmony", False, f"{HARMONY}a{FINAL}b<|return|>", "a", "b", True),
    ("harmony", False, f"{HARMONY}a<|end|>", "a", "", True),
    (
        "harmony",
        False,
        f"{HARMONY}a<|end|><|start|>assistant{HARMONY}b{FINAL}c",
        "ab",
        "c",
        True,
    ),
    (
        "harmony",
        False,
        f"{HARMONY}a<|end|><|start|>assistant<|channel|>commentary<|message|>pre{FINAL}b",
        "a",
        "preb",
        True,
    ),
    (
        "harmony",
        False,
        f"<|channel|>commentary<|channel|>analysis<|message|>a{FINAL}b",
        "a",
        "b",
        True,
    ),
    (
        "harmony",
        False,
        f"<|channel|>commentary to=assistant<|channel|>analysis<|message|>a{FINAL}b",
        "a",
        "b",
        True,
    ),
    (
        "harmony",
        False,
        f"{HARMONY}a<|end|><|channel|>final <|constrain|> JSON <|message|>b",
        "a",
        "b",
        True,
    ),
    ("harmony", False, f"{HARMONY}a<|message|>b{FINAL}c", "ab", "c", True),
    ("harmony", False, f"{HARMONY}a<|end|><|start|>assistant<|channel|>final", "a", "", True),
    ("harmony", False, f"<|end|><|start|>assistant{HARMONY}a{FINAL}b", "a", "b", True),
    (
        "harmony",
        False,
        f"<|channel|>analysis {'x' * 300}{FINAL}b",
        f"analysis {'x' * 300}",
        "b",
        True,
    ),
    # Ollama's words.
    ("ollama", False, "Thinking...\na\n...done thinking.\n\nb", "\na\n", "\n\nb", True),
    # Quoted ends.
    ("think", False, "<think>a `</think>` b</think>c", "a `</think>` b", "c", True),
    ("think", False, "<think>split('</think>')\n</think>c", "split('</think>')\n", "c", True),
    ("think", False, '<think>"</think>" it is</think>c', '"</think>" it is', "c", True),
    ("think", False, "<think>`a`</think>`b`", "`a`", "`b`", True),
    ("think", False, "<think>it's</think>'b'", "it's", "'b'", True),
    ("think", False, "<think>it is 'a'</think>'b'", "it is 'a'", "'b'", True),
    ("think", False, "<think>f(x)'</think>'b'", "f(x)'", "'b'", True),
    (
        "think",
        False,
        "<think>so:\n```\n<think>\nx\n</think>\n```\nok</think>c",
        "so:\n```\n<think>\nx\n</think>\n```\nok",
        "c",
        True,
    ),
    ("think", False, "<think>so:\n```\ncode\n</think>c", "so:\n```\ncode\n", "c", True),
    ("think", False, "<think>a `</think>", "a `", "", True),
]


@pytest.mark.parametrize(("name", "opened", "output", "thinking", "answer", "closed"), BY_TEXT)
def test_spelled(
    name: str, opened: bool, output: str, thinking: str, answer: str, closed: bool
) -> None:
    for chunks in (
        [output],
        list(output),
        [output[at : at + 3] for at in range(0, len(output), 3)],
    ):
        splitter = Splitter(FORMATS[name], thinking_open=opened, literal=True)
        pieces = [piece for chunk in chunks for piece in splitter.feed(chunk)] + splitter.finish()
        assert words(pieces) == (thinking, answer)
        assert splitter.closed is closed
        assert "".join(piece.text for piece in pieces) == output


TOKENS = "[THINK]", "[/THINK]", "[TOOL_CALLS]"
BY_TOKEN = [
    (["[THINK]", "a", "[/THINK]", "b"], "a", "b", True),
    (["a", "[/THINK]", "b"], "", "ab", True),
    (["a", "[/THINK]"], "", "a", True),
    (["[THINK]", "a"], "a", "", False),
    (["a"], "", "a", True),
    (["Before\n", "[THINK]", "a", "[/THINK]", "\nb"], "a", "Before\n\nb", True),
    (["[THINK]", "a", "[THINK]", "b", "[/THINK]", "c"], "ab", "c", True),
    (["[THINK]", "a", "[/THINK]", "b", "[THINK]", "c", "[/THINK]", "d"], "ac", "bd", True),
    (["[THINK]", "[/THINK]", "b"], "", "b", True),
    (["[/THINK]", "b"], "", "b", True),
    (["[THINK]", "say ", "[/THI", "NK]", "[/THINK]", "b"], "say [/THINK]", "b", True),
]


@pytest.mark.parametrize(("tokens", "thinking", "answer", "closed"), BY_TOKEN)
def test_tokens(tokens: list[str], thinking: str, answer: str, closed: bool) -> None:
    splitter = Splitter(FORMATS["mistral"])
    pieces = [
        piece
        for token in tokens
        for piece in splitter.feed(token, token if token in TOKENS else None)
    ]
    pieces += splitter.finish()
    assert words(pieces) == (thinking, answer)
    assert splitter.closed is closed


@pytest.mark.parametrize(
    ("output", "name"),
    [
        (HELLO, "none"),
        ("I'm thinking</think>Hello", "think"),
        ("<think>a</think><response>b</response>", "granite"),
        ("<think>\na\n</think>\n<answer>\nb\n</answer>", "hunyuan"),
        ("a</think>\n\n<response>\nb\n</response>", "granite"),
        (f"{HARMONY}a{FINAL}b", "harmony"),
        (f"<|start|>assistant{HARMONY}a{FINAL}b", "harmony"),
        (f"{K3}a{K3_END}b", "kimi-k3"),
        ("<|channel>thought\na<channel|>b", "gemma"),
        ("◁think▷a◁/think▷b", "kimi"),
        ("a\n[BEGIN FINAL RESPONSE]\nb", "apriel"),
        ("Thinking...\na\n...done thinking.\n\nb", "ollama"),
        ("Thinking... is hard.", "none"),
        ("Here is my response: yes", "none"),
        ("a<channel|>b", "gemma"),
        ("[THINK]a</think>b", "mistral"),
    ],
)
def test_what_an_output_shows(output: str, name: str) -> None:
    assert detect_output(output) is FORMATS[name]
    pieces = cli_pieces(list(output), "auto")
    assert "".join(piece.text for piece in pieces) == output


def test_feeding_is_linear_and_keeps_nothing() -> None:
    """Counted, not timed: what is read again of what was fed before."""
    for name, tokens in (("think", 50_000), ("granite", 10_000), ("harmony", 10_000)):
        row = FORMATS[name]
        splitter = Splitter(row, literal=True)
        reader = splitter._reader
        fed = held = 0
        for text in (row.begin, *["word `</" * 3 + "\n"] * tokens, row.end, "b" * 1000):
            splitter.feed(text)
            fed += len(text)
            held += len(vars(reader)["_held"])
        splitter.finish()
        assert splitter.closed
        assert held < fed / 4


def words(pieces: list[Piece]) -> tuple[str, str]:
    joined = list(coalesced(pieces))
    thinking = "".join(piece.text for piece in joined if piece.channel == "thinking")
    return thinking, "".join(piece.text for piece in joined if piece.channel == "answer")
