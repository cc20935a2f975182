"""An MLX model's vocabulary: text and control tokens to ids, and ids to bytes.

The same as `vocabulary` is for llama.cpp, over the folder's own tokenizer: text is encoded with
special tokens switched off, control tokens come from `Control` segments only, by name.
"""

from app.engine.backends import mlx_tokenizer
from app.engine.backends.base import Token, unknown_control
from app.engine.backends.mlx_folder import Folder
from app.engine.backends.vocabulary import PROBED_CONTROLS
from app.errors import Problem, WorldError
from app.prompts.segments import Control, Prompt, Text

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


class MlxVocabulary:
    """The vocabulary of one folder. size: how many ids the model knows."""

    def __init__(self, folder: Folder, size: int) -> None:
        """Read the tokenizer. Raises WorldError where it is damaged or another model's."""
        self.size = size
        try:
            self._tokenizer = tokenizer = mlx_tokenizer.read(folder.path)
            # A token or two may be added for what only a larger model of the family can.
            if tokenizer.size > size:
                raise mlx_tokenizer.UnusableError("it has more tokens than the model knows")
            self._special = {number for number in tokenizer.special if number < size}
            self._controls = {tokenizer.added[number]: number for number in self._special}
            self._ends = self._found_ends(folder)
        except mlx_tokenizer.UnusableError as error:
            raise WorldError(_unusable(folder, error)) from error
        self._tokens: dict[int, Token] = {}

    def _found_ends(self, folder: Folder) -> set[int]:
        """Return the ids that end a text. Raises UnusableError where the folder's are unknown."""
        known = self._tokenizer.added
        said = [number for number in folder.ends if number in known or self._tokenizer.data(number)]
        named = folder.tokenizer.get("eos_token")
        name = named.get("content") if isinstance(named, dict) else named
        unknown = name is not None and self._tokenizer.find(str(name)) is None
        if unknown or (folder.ends and not said):
            raise mlx_tokenizer.UnusableError("it does not know how a text ends")
        names = {name for name in _ENDS if name in self._controls}
        if names >= _HARMONY:  # there one message of several ends with it
            names.discard("<|end|>")
        return {*said, *(self._controls[name] for name in names)}

    def encode(self, prompt: Prompt) -> list[int]:
        """Return the ids of a prompt. Raises WorldError for what the vocabulary has not."""
        ids: list[int] = []
        strips = False
        for segment in prompt:
            match segment:
                case Text(text=text):
                    # A lone surrogate (a broken paste) is no character that can be encoded.
                    sound = text.encode("utf-8", "replace").decode()
                    if sound := sound.lstrip() if strips else sound:
                        ids += self._tokenizer.encode(sound)
                        strips = False
                case Control(name=name):
                    if name not in self._controls:
                        raise unknown_control(name)
                    ids.append(self._controls[name])
                    strips = ids[-1] in self._tokenizer.strips
                case _:
                    raise WorldError(
                        Problem(
                            "no-vision",
                            "The MLX engine cannot show pictures to a model.",
                            "Send the message without the picture, or load a GGUF of this model.",
                        )
                    )
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
        if token_id in self._tokenizer.added:
            spelling = self._tokenizer.added[token_id]
            return Token(spelling.encode(), end, spelling if token_id in self._special else None)
        # The weights may have more rows than there are tokens: they are no text.
        return Token(self._tokenizer.data(token_id), end)


def _unusable(folder: Folder, error: mlx_tokenizer.UnusableError) -> Problem:
    what, *detail = error.args
    return Problem(
        "model-file",
        f"The tokenizer in {folder.path.name} cannot be used: {what}.",
        "Download the model again, or choose another conversion of it.",
        ", ".join(detail) or str(folder.path),
    )
