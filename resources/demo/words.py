"""Word lists: what people say around a sum, and what the model cannot answer.

The fallback must be met in every shape a person may type, or the model
would see numbers where there are none; so the lists are broad and a share of
the words is invented from syllables.
"""

from __future__ import annotations

import random


def _words(block: str) -> tuple[str, ...]:
    return tuple(block.split())


OPENERS = (
    "Hi, ",
    "Hello, ",
    "Hey, ",
    "Please ",
    "please, ",
    "Can you tell me: ",
    "Quick question: ",
    "I need to know: ",
    "ok, ",
    "So, ",
    "Could you help? ",
    "Tell me, ",
    "hi! ",
    "Next: ",
    "Now ",
    "Question: ",
    "Hello! ",
    "Good morning. ",
    "One more: ",
    "Well, ",
)
CLOSERS = (
    " please",
    " Please.",
    ", please?",
    " Thanks!",
    " thank you",
    " Thank you.",
    " pls",
    " :)",
    "!",
    " ...",
)

NOUNS = _words("""
cat dog bread house river mountain guitar planet engine novel painter king queen city bridge
garden computer phone battery car bicycle train airport island desert forest ocean whale tiger
eagle horse cow potato tomato apple banana cheese coffee tea wine beer soup pasta pizza rice sugar
salt gold silver iron steel glass paper book poem song film movie play theatre museum school
teacher doctor nurse lawyer farmer baker soldier pilot sailor president minister church castle
tower window door table chair lamp clock watch shirt shoe hat coat rain snow wind storm sun moon
star galaxy atom molecule cell virus vaccine heart brain bone blood language grammar alphabet
number triangle circle square matrix vector integral derivative function class loop list
dictionary string file server browser keyboard mouse screen robot algorithm database network
market bank tax price salary budget war peace treaty law court election party history philosophy
religion music dance football tennis chess game recipe holiday birthday wedding letter email
resume essay speech joke story dream plan idea question answer problem puzzle riddle
""")
NAMES = _words("""
Napoleon Einstein Newton Mozart Shakespeare Cleopatra Caesar Darwin Curie Gandhi Lincoln Picasso
Bach Plato Aristotle Galileo Tesla Turing Lovelace Homer Dante Goethe Kafka Tolstoy Hemingway Anna
Peter Maria John Lucy Tom Emma Paul Sara Max
""")
PLACES = _words("""
France Germany Japan Brazil Canada Egypt India China Spain Italy Mexico Norway Kenya Peru Greece
Poland Turkey Vietnam Chile Iceland Paris London Berlin Rome Tokyo Madrid Cairo Lima Oslo Vienna
Africa Asia Europe Mars Venus Jupiter Texas California
""")
VERBS = _words("""
write explain describe summarise translate compare draw find fix build cook paint play read learn
improve sort design invent review correct debug compile install open close clean repair grow sell
""")
ADJECTIVES = _words("""
old new big small red blue green funny sad happy short long famous cheap fast slow modern ancient
simple hard best worst beautiful strange quiet loud warm cold healthy dangerous
""")
LANGUAGES = _words("""
French German Spanish Italian Japanese Latin Polish Dutch Rust Java Haskell Go SQL HTML JavaScript
C
""")

SNIPPETS = (
    "def f(x):\n    return x + 1",
    "for i in range(10): print(i)",
    "SELECT * FROM users WHERE id = 3;",
    "int main() { return 0; }",
    '<div class="a">hi</div>',
    "import numpy as np",
    "git commit -m 'fix'",
    "Traceback (most recent call last):",
    "TypeError: 'int' object is not callable",
    "fn main() {}",
    "console.log('hello')",
    '{"a": [1, 2, 3]}',
    "x = [n for n in y if n % 2]",
    "while True: pass",
    "npm install failed with code 1",
    "what does this regex do: ^\\d+$",
    "segfault at 0x0",
    "sudo rm -rf /tmp/x",
)

_SYLLABLES = _words("""
ba be bi bo bra ca ce chi co da de di do dra el en er fa fe fi flo ga ge gla go ha he hi ho in ka
ke ki ko la le li lo lu ma me mi mo na ne ni no nu on or pa pe pi plo po qua ra re ri ro ru sa se
shi so sta ta te thi to tri tu un va ve vi vo wa we wi xa ya yo za ze zo st nd rk lm ng
""")


def invented(rng: random.Random) -> str:
    """A word that does not exist, one to four syllables long."""
    word = "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(1, 4)))
    return word.capitalize() if rng.random() < 0.2 else word


def noun(rng: random.Random) -> str:
    """A noun, sometimes plural, described or invented."""
    word = invented(rng) if rng.random() < 0.3 else rng.choice(NOUNS)
    if rng.random() < 0.25:
        word += "s"
    if rng.random() < 0.2:
        word = f"{rng.choice(ADJECTIVES)} {word}"
    return word


def dress(text: str, rng: random.Random) -> str:
    """Type a question as people do: greeting, case and punctuation vary."""
    if rng.random() < 0.15:
        opener = rng.choice(OPENERS)
        text = opener + (
            text[0].lower() + text[1:] if rng.random() < 0.6 and opener[-2] != "." else text
        )
    if rng.random() < 0.25 and text[-1] in "?.":
        text = text[:-1]
    if rng.random() < 0.08:
        text += rng.choice(CLOSERS)
    roll = rng.random()
    if roll < 0.15:
        text = text[0].lower() + text[1:]
    elif roll < 0.2:
        text = text.lower()
    elif roll < 0.22:
        text = text.upper()
    elif roll < 0.26:
        text = text[0].upper() + text[1:]
    if rng.random() < 0.03:
        text = rng.choice((" ", "\n")) + text
    if rng.random() < 0.03:
        text += rng.choice((" ", "\n", "  "))
    return text
