"""A llama.cpp model's vocabulary: text and control tokens to ids, and ids to bytes.

Text is encoded with special tokens switched off, so that a typed "[THINK]" stays four ordinary
tokens; control tokens come from the prompt's own `Control` segments only, by name.
"""

import ctypes
from collections.abc import Iterator
from typing import Any

from app.engine.backends.base import Token, unknown_control
from app.errors import Problem, WorldError
from app.prompts import families, tekken
from app.prompts.segments import Control, Image, Prompt
from app.reasoning import formats

_MISTRAL = (
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[THINK]",
    "[/THINK]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_CALLS]",
    "[ARGS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[MODEL_SETTINGS]",
    "[/MODEL_SETTINGS]",
    "[CALL_ID]",
    "[IMG]",
    "[IMG_BREAK]",
    "[IMG_END]",
)
_OTHERS = ("<|begin_of_text|>", "<|endoftext|>", "<bos>", "<eos>")
_MARKERS = tuple(token for row in formats.FORMATS.values() for token in sorted(row.tokens))

PROBED_CONTROLS = tuple(dict.fromkeys((*_MISTRAL, *families.TOKENS, *_MARKERS, *_OTHERS)))
"""What prompt and reasoning formats ask for by name."""


class Vocabulary:
    """The vocabulary of one loaded model."""

    def __init__(self, api: Any, model: Any) -> None:
        self._api = api
        self._vocab = api.llama_model_get_vocab(model)
        self._tokens: dict[int, Token] = {}
        self._controls: dict[str, int | None] = {}
        self._tekken = _metadata(api, model, b"tokenizer.ggml.pre") == b"tekken"
        self._spelled: dict[bytes, int] | None = None
        # Some families' tokens (Phi 3) swallow the white space after them.
        self._rstrip: int = api.LLAMA_TOKEN_ATTR_RSTRIP
        self.size: int = api.llama_vocab_n_tokens(self._vocab)

    def encode(self, prompt: Prompt) -> list[int]:
        """Return the ids of a prompt. Raises WorldError for a control token that is not there."""
        ids: list[int] = []
        strips = False
        for segment in prompt:
            if isinstance(segment, Control):
                control = self._control(segment.name)
                if control is None:
                    raise unknown_control(segment.name)
                ids.append(control)
                strips = bool(self._api.llama_vocab_get_attr(self._vocab, control) & self._rstrip)
            elif isinstance(segment, Image):
                raise no_pictures()
            elif text := segment.text.lstrip() if strips else segment.text:
                ids += self._encode_text(text)
                strips = False
        return ids

    def _encode_text(self, text: str) -> list[int]:
        if self._tekken and tekken.needs_exact(text):
            if self._spelled is None:
                # Half a second at 131,072 tokens: only for who writes Hindi, Thai or the like.
                self._spelled = tekken.byte_ids(self._spellings())
            return tekken.encode(text, self._spelled, self._plain)
        return self._plain(text)

    def _plain(self, text: str) -> list[int]:
        # A lone surrogate (a broken paste) is no character that can be encoded.
        return self._tokenize(text.encode("utf-8", "replace"), special=False)

    def _spellings(self) -> Iterator[tuple[int, str]]:
        """Yield the tokens that are text, as the vocabulary spells them."""
        api, vocab = self._api, self._vocab
        for token_id in range(self.size):
            if not api.llama_vocab_is_control(vocab, token_id):
                spelled: bytes = api.llama_vocab_get_text(vocab, token_id)
                yield token_id, spelled.decode("utf-8", "replace")

    def ends(self) -> tuple[str, str, bool]:
        """Return the tokens that begin and end a text, and whether every text begins with one."""
        api, vocab = self._api, self._vocab
        spelled = [
            (api.llama_vocab_get_text(vocab, token) or b"").decode("utf-8", "replace")
            if token >= 0
            else ""
            for token in (api.llama_vocab_bos(vocab), api.llama_vocab_eos(vocab))
        ]
        return spelled[0], spelled[1], bool(api.llama_vocab_get_add_bos(vocab))

    def controls(self) -> tuple[str, ...]:
        """Return the probed names that are control tokens here."""
        return tuple(name for name in PROBED_CONTROLS if self._control(name) is not None)

    def token(self, token_id: int) -> Token:
        """Return a token; remembered, since asking the library costs 32 us at 131,072 entries."""
        token = self._tokens.get(token_id)
        if token is None:
            token = self._tokens[token_id] = self._look_up(token_id)
        return token

    def _look_up(self, token_id: int) -> Token:
        api, vocab = self._api, self._vocab
        end = bool(api.llama_vocab_is_eog(vocab, token_id))
        if api.llama_vocab_is_control(vocab, token_id):
            spelling: bytes = api.llama_vocab_get_text(vocab, token_id) or b""
            return Token(spelling, end, spelling.decode("utf-8", "replace"))
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            length: int = api.llama_token_to_piece(vocab, token_id, buffer, room, 0, False)
            if length >= 0:
                return Token(buffer.raw[:length], end)
            room = -length

    def _control(self, name: str) -> int | None:
        if name not in self._controls:
            self._controls[name] = self._find_control(name)
        return self._controls[name]

    def _find_control(self, name: str) -> int | None:
        """Return the id of a control token: exactly one id, a control token, of this very name."""
        ids = self._tokenize(name.encode(), special=True)
        if len(ids) != 1 or not self._api.llama_vocab_is_control(self._vocab, ids[0]):
            return None
        text: bytes | None = self._api.llama_vocab_get_text(self._vocab, ids[0])
        return ids[0] if text == name.encode() else None

    def _tokenize(self, text: bytes, *, special: bool) -> list[int]:
        # No tokenizer makes more tokens than bytes, but for a space that some put in front.
        room = len(text) + 8
        buffer = (ctypes.c_int32 * room)()
        count: int = self._api.llama_tokenize(
            self._vocab, text, len(text), buffer, room, False, special
        )
        if count < 0:
            raise RuntimeError(f"llama_tokenize wanted room for {-count} tokens, had {room}")
        return list(buffer[:count])


def _metadata(api: Any, model: Any, key: bytes) -> bytes:
    """Return a text of the file's metadata, b"" where it has none."""
    room = 64
    buffer = ctypes.create_string_buffer(room)
    found: int = api.llama_model_meta_val_str(model, key, buffer, room)
    return buffer.value if found >= 0 else b""


def no_pictures() -> WorldError:
    """Return the error that says this model was loaded without eyes."""
    return WorldError(
        Problem(
            "no-vision",
            "This model cannot see pictures.",
            "Send the message without the picture, or load a model with its vision part.",
        )
    )
