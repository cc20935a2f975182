"""A back end that says what a script tells it to: for tests of everything above the model.

`LoadOptions.path` is the path of a JSON file, or the JSON itself (it starts with "{"):

    {"name": "Scripted", "context": 8192,
     "controls": ["[THINK]", "[/THINK]"],      control tokens it has; defaults to Magistral's
     "sees": false,                            it takes pictures
     "load_s": 0.0,                            how long the load takes, in ten steps
     "load_fails": "A sentence.",              the load fails with this title
     "token_s": 0.0,                           how long each token takes
     "read_s": 0.0,                            how long each prompt token takes
     "replies": [["[THINK]", "I ", "think.", "[/THINK]", "Answer."], ...]}

Each generation takes the next reply, the last one again and again. An item of a reply is one token:
a string (a control token where it names one), or an object: {"hex": "e282"} bytes, {"wait_s": 1} a
pause before the next token, {"die": "SIGKILL"} a signal sent to itself, {"exit": 3} an exit,
{"bug": "text"} an exception, {"fail": "A sentence."} a failure that the engine survives. After the
last item comes the end-of-generation token; {"forever": "word "} repeats instead, and with "{n}" in
it never says the same again.
The prompt is encoded a word a token, control tokens by name.
"""

import json
import os
import re
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.engine.backends.base import LoadProgress, Stopped, Token, load_cancelled, unknown_control
from app.engine.prefix import reusable
from app.engine.protocol import LoadOptions, ModelInfo, Sampling
from app.errors import Problem, WorldError
from app.prompts.segments import Control, Prompt, Text

_CONTROLS = (
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[THINK]",
    "[/THINK]",
)
_WORD = re.compile(r"\s*\S+|\s+")
_END = 0


class ScriptedBackend:
    """Plays a script through the same verbs as a real back end."""

    def __init__(self) -> None:
        self._script: dict[str, Any] = {}
        self._tokens: list[Token] = [Token(b"</s>", end=True, control="</s>")]
        self._ids: dict[Token, int] = {}
        self._controls: tuple[str, ...] = ()
        self._read: list[int] = []
        self._reply: list[Any] = []
        self._at = 0
        self._generations = 0
        self._playing = False

    def load(self, options: LoadOptions, progress: LoadProgress) -> ModelInfo:
        """Read the script. Raises WorldError where it says so."""
        text = options.path
        if not text.startswith("{"):
            try:
                text = Path(text).read_text(encoding="utf-8")
            except OSError as error:
                raise WorldError(
                    Problem("model-file", f"The script {text} cannot be read.", "", str(error))
                ) from error
        self._script = json.loads(text)
        for step in range(10):
            if not progress(step / 10):
                raise load_cancelled()
            time.sleep(self._script.get("load_s", 0.0) / 10)
        if "load_fails" in self._script:
            raise WorldError(Problem("load-failed", self._script["load_fails"]))
        self._controls = tuple(self._script.get("controls", _CONTROLS))
        return ModelInfo(
            name=self._script.get("name", "Scripted"),
            path=options.path,
            size_bytes=len(text),
            architecture="scripted",
            quantization="none",
            parameters=0,
            layers=0,
            vocabulary=len(self._controls),
            context=min(options.context, self._script.get("context", options.context)),
            context_train=self._script.get("context", options.context),
            controls=self._controls,
            template=None,
            sampling=None,
            backend="scripted",
            device="CPU",
            build="scripted",
            sees=bool(self._script.get("sees", False)),
        )

    def unload(self) -> None:
        """Forget the script."""
        self._script = {}

    def encode(self, prompt: Prompt) -> list[int]:
        """Return an id a word and an id a control token."""
        ids: list[int] = []
        for segment in prompt:
            if isinstance(segment, Control):
                if segment.name not in self._controls:
                    raise unknown_control(segment.name)
                ids.append(self._id(Token(segment.name.encode(), control=segment.name)))
            elif isinstance(segment, Text):
                ids += [self._id(Token(word.encode())) for word in _WORD.findall(segment.text)]
        return ids

    def token(self, token_id: int) -> Token:
        """Return the token."""
        return self._tokens[token_id]

    def reuse(self, ids: Sequence[int]) -> int:
        """Keep the common prefix."""
        self._playing = False
        kept = reusable(self._read, ids)
        del self._read[kept:]
        return kept

    def watch(self, stopped: Stopped) -> None:
        """Do nothing: a script's pauses are as long as they are."""

    def read(self, ids: Sequence[int]) -> bool:
        """Read prompt tokens, as slowly as the script says."""
        time.sleep(self._script.get("read_s", 0.0) * len(ids))
        self._read += ids
        return True

    def begin(self, sampling: Sampling, forbidden: Sequence[int] = ()) -> None:
        """Take the next reply, or go on with this one: what was refused is passed over."""
        if self._playing:
            return
        self._playing = True
        replies = self._script.get("replies", [["Hello."]])
        self._reply = replies[min(self._generations, len(replies) - 1)]
        self._generations += 1
        self._at = 0

    def sample(self) -> int:
        """Play the script up to its next token."""
        while self._at < len(self._reply):
            item = self._reply[self._at]
            if isinstance(item, dict) and "forever" in item:
                item = item["forever"].replace("{n}", str(len(self._tokens)))
            else:
                self._at += 1
            if isinstance(item, str):
                control = item if item in self._controls else None
                return self._spoken(Token(item.encode(), control=control))
            if "hex" in item:
                return self._spoken(Token(bytes.fromhex(item["hex"])))
            _act(item)
        time.sleep(self._script.get("token_s", 0.0))
        return _END

    def append(self, token_id: int) -> bool:
        """Remember a generated token."""
        self._read.append(token_id)
        return True

    @property
    def sequence(self) -> Sequence[int]:
        """Return the tokens that were read and appended."""
        return self._read

    def state_bytes(self) -> int:
        """Return 0: nothing is kept on disk."""
        return 0

    def save(self, path: Path) -> bool:
        """Keep nothing."""
        return False

    def restore(self, path: Path, ids: Sequence[int]) -> bool:
        """Take up nothing: nothing was kept."""
        return False

    def _spoken(self, token: Token) -> int:
        time.sleep(self._script.get("token_s", 0.0))
        return self._id(token)

    def _id(self, token: Token) -> int:
        if token not in self._ids:
            self._ids[token] = len(self._tokens)
            self._tokens.append(token)
        return self._ids[token]


def _act(item: dict[str, Any]) -> None:
    """Do what an item that is no token says."""
    match item:
        case {"wait_s": seconds}:
            time.sleep(seconds)
        case {"die": name}:
            os.kill(os.getpid(), signal.Signals[name])
            time.sleep(60)  # until the signal comes
        case {"exit": status}:
            os._exit(status)
        case {"fail": title}:
            raise WorldError(Problem("scripted", title))
        case {"bug": text}:
            raise RuntimeError(text)
        case _:
            raise ValueError(f"no such item: {item}")
