"""A tekken-style tokenizer: byte-level BPE with Magistral's control tokens.

The id layout is tekken's: special tokens first, then the 256 bytes in byte
order, then merges by rank. Tekken merges by the rank of the merged token
alone, Hugging Face and llama.cpp by a list of pairs; listing every split of
each token into two earlier ones makes the two agree.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from tekken import CONTROL, PATTERN, SPECIALS, byte_letters
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers


def _splitter() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def train(texts: Iterable[str], size: int) -> Tokenizer:
    """Learn merges from `texts`, then lay the vocabulary out as tekken does."""
    rough = Tokenizer(models.BPE())
    rough.pre_tokenizer = _splitter()
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(SPECIALS),
        initial_alphabet=byte_letters(),
        show_progress=False,
        max_token_length=16,
    )
    rough.train_from_iterator(texts, trainer)
    merged = ["".join(pair) for pair in json.loads(rough.to_str())["model"]["merges"]]
    return build(list(dict.fromkeys(merged)))


def build(merged: list[str]) -> Tokenizer:
    """The tokenizer whose merged tokens are `merged`, in rank order."""
    vocab = dict(CONTROL)
    for token in [*byte_letters(), *merged]:
        vocab[token] = len(vocab)
    pairs = []
    for token in merged:
        for cut in range(1, len(token)):
            left, right = token[:cut], token[cut:]
            if (
                vocab.get(left, len(vocab)) < vocab[token]
                and vocab.get(right, len(vocab)) < vocab[token]
            ):
                pairs.append((left, right))
    out = Tokenizer(models.BPE(vocab=vocab, merges=pairs, ignore_merges=True))
    out.pre_tokenizer = _splitter()
    out.decoder = decoders.ByteLevel()
    out.add_special_tokens(list(SPECIALS))
    return out


def merges(tokenizer: Tokenizer) -> list[str]:
    """The merge list as GGUF wants it: 'left right'."""
    return [" ".join(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]


def tokens(tokenizer: Tokenizer) -> list[str]:
    """All tokens in id order, control tokens first."""
    vocab = tokenizer.get_vocab(with_added_tokens=True)
    return sorted(vocab, key=vocab.__getitem__)
