"""What an answer is going to need, loaded while its prompt is read: no tick is to wait for it.

Markdown's parser, Pygments and the typesetter's modules take 40 ms each to import, which is a
stutter each at the first word, the first code and the first formula. Importing touches nothing of
Qt, so that a thread can do it; whoever needs one of them sooner waits for that import only.
"""

import threading
from functools import lru_cache


@lru_cache(maxsize=1)
def begin() -> None:
    """Begin to load, the first time this is called."""
    threading.Thread(target=_load, name="warm", daemon=True).start()


def _load() -> None:
    from app.markup import blocks, highlight

    blocks.parse("*a* `b` [c](https://example.org) $d$\n\n- e\n\n```python\nf = 1\n```\n")
    highlight.runs("f = 1", "python")

    from app.latex import typesetter

    typesetter.Formula.of("x", display=False, width_em=0.0)
