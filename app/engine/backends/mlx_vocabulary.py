"""An MLX model's vocabulary: text and control tokens to ids, and ids to bytes.

The same as `vocabulary` is for llama.cpp, over the folder's tokenizer.json: text is encoded with
special tokens switched off, control tokens come from `Control` segments only, by name.

Many conversions of Mistral's models carry a wrong pattern for splitting text into words; it is
replaced by tekken's own, so that the ids are those that the model was trained on.
"""

import importlib
import json
from typing import Any

from app.engine.backends.base import Token, unknown_control
from app.engine.backends.mlx_folder import Folder
from app.engine.backends.vocabulary import PROBED_CONTROLS
from app.errors import Problem, WorldError
from app.prompts import tekken
from app.prompts.segments import Control, Prompt, Text

_TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

# What ends a text in some family of models, whether the folder says so or not.
_ENDS = (
    "</s>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<EOT>",
    "<eos>",
    "<｜end▁of▁sentence｜>",
)
_HARMONY = {"<|return|>", "<|call|>"}
_SPACE = "▁"


class MlxVocabulary:
    """The vocabulary of one folder. size: how many ids the model knows."""

    def __init__(self, folder: Folder, size: int) -> None:
        """Read tokenizer.json. Raises WorldError where it is damaged or another model's."""
        self.size = size
        self._library = importlib.import_module("tokenizers")
        self._tokenizer = self._read(folder)
        added = self._tokenizer.get_added_tokens_decoder()
        self._special = {
            number for number, token in added.items() if token.special and number < size
        }
        self._added = {number: token.content for number, token in added.items()}
        self._controls = {added[number].content: number for number in self._special}
        self._ends = self._found_ends(folder)
        self._tokens: dict[int, Token] = {}
        pieces = _parts(self._tokenizer.decoder)
        self._bytes_spelled = "ByteLevel" in pieces
        if not self._bytes_spelled and not {"ByteFallback", "Metaspace", "Replace"} & pieces:
            raise WorldError(_unusable(folder, "it is of a kind that is not known here", pieces))
        if self._bytes_spelled and "[INST]" in self._controls:
            self._split_as_tekken()

    def _read(self, folder: Folder) -> Any:
        path = folder.path / "tokenizer.json"
        try:
            tokenizer = self._library.Tokenizer.from_file(str(path))
        except BaseException as error:
            if type(error) is not Exception:  # the library raises the bare class, and only that
                raise
            raise WorldError(_unusable(folder, "it is damaged", {str(error)})) from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True
        # A token or two may be added for what only a larger model of the family can.
        if tokenizer.get_vocab_size(with_added_tokens=False) > self.size:
            raise WorldError(_unusable(folder, "it has more tokens than the model knows", set()))
        return tokenizer

    def _found_ends(self, folder: Folder) -> set[int]:
        """Return the ids that end a text. Raises WorldError where the folder's own are unknown."""
        said = [number for number in folder.ends if self._tokenizer.id_to_token(number)]
        named = folder.tokenizer.get("eos_token")
        name = named.get("content") if isinstance(named, dict) else named
        unknown = name is not None and self._tokenizer.token_to_id(name) is None
        if unknown or (folder.ends and not said):
            raise WorldError(_unusable(folder, "it does not know how a text ends", set()))
        names = {name for name in _ENDS if name in self._controls}
        if names >= _HARMONY:  # there one message of several ends with it
            names.discard("<|end|>")
        return {*said, *(self._controls[name] for name in names)}

    def _split_as_tekken(self) -> None:
        parts = self._library.pre_tokenizers
        self._tokenizer.pre_tokenizer = parts.Sequence(
            [
                parts.Split(self._library.Regex(_TEKKEN), "isolated"),
                parts.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )

    def encode(self, prompt: Prompt) -> list[int]:
        """Return the ids of a prompt. Raises WorldError for what the vocabulary has not."""
        ids: list[int] = []
        for segment in prompt:
            match segment:
                case Text(text=text):
                    ids += self._encode_text(text)
                case Control(name=name):
                    if name not in self._controls:
                        raise unknown_control(name)
                    ids.append(self._controls[name])
                case _:
                    raise WorldError(
                        Problem(
                            "no-vision",
                            "The MLX engine cannot show pictures to a model.",
                            "Send the message without the picture, or load a GGUF of this model.",
                        )
                    )
        return ids

    def _encode_text(self, text: str) -> list[int]:
        # A lone surrogate (a broken paste) is no character that can be encoded.
        sound = text.encode("utf-8", "replace").decode()
        ids: list[int] = self._tokenizer.encode(sound, add_special_tokens=False).ids
        return ids

    def controls(self) -> tuple[str, ...]:
        """Return the probed names that are control tokens here."""
        return tuple(name for name in PROBED_CONTROLS if name in self._controls)

    def token(self, token_id: int) -> Token:
        """Return a token; remembered, because it is asked for each generated token."""
        token = self._tokens.get(token_id)
        if token is None:
            token = self._tokens[token_id] = self._look_up(token_id)
        return token

    def _look_up(self, token_id: int) -> Token:
        end = token_id in self._ends
        if token_id in self._added:
            spelling = self._added[token_id]
            control = spelling if token_id in self._special else None
            return Token(spelling.encode(), end, control)
        # The weights may have more rows than there are tokens.
        spelling = self._tokenizer.id_to_token(token_id) or ""
        if self._bytes_spelled:
            return Token(tekken.spelled_bytes(spelling) or b"", end)
        if len(spelling) == 6 and spelling.startswith("<0x") and spelling.endswith(">"):
            return Token(bytes.fromhex(spelling[3:5]), end)
        return Token(spelling.replace(_SPACE, " ").encode(), end)


def _parts(decoder: Any) -> set[str]:
    """Return the kinds of the parts of a decoder."""
    if decoder is None:
        return set()
    # The only thing it tells of itself is what it pickles to.
    said = json.loads(decoder.__getstate__())
    return {str(part["type"]) for part in said.get("decoders", [said])}


def _unusable(folder: Folder, what: str, detail: set[str]) -> Problem:
    return Problem(
        "model-file",
        f"The tokenizer.json in {folder.path.name} cannot be used: {what}.",
        "Download the model again, or choose another conversion of it.",
        ", ".join(sorted(detail)) or str(folder.path),
    )
