"""Score the exported GGUF on held-out problems, greedily, in llama.cpp.

    python evaluate.py [--families add speed] [--count 200] [--show 3]

Each family is run twice: without a system prompt and with Magistral's own.
"""

from __future__ import annotations

import argparse
import ctypes
import time
from pathlib import Path

import cases
import data
import llama_cpp as lib  # noqa: TID251 - a tool beside the app, not part of it
from cases import Case

HERE = Path(__file__).parent


class Engine:
    """Greedy decoding over llama.cpp's C API, one conversation at a time."""

    def __init__(self, path: Path, context: int = 2048) -> None:
        lib.llama_backend_init()
        self._quiet = lib.llama_log_callback(lambda *_: None)
        lib.llama_log_set(self._quiet, ctypes.c_void_p(0))
        self.model = lib.llama_model_load_from_file(
            str(path).encode(), lib.llama_model_default_params()
        )
        self.vocab = lib.llama_model_get_vocab(self.model)
        params = lib.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_threads, params.n_threads_batch = (
            context,
            context,
            1,
            1,
        )
        self.context = lib.llama_init_from_model(self.model, params)
        self.size = context
        self.n_vocab = lib.llama_vocab_n_tokens(self.vocab)
        self.control = {
            n: self.tokenize(n, True)[0]
            for n in (
                "<s>",
                "</s>",
                "[INST]",
                "[/INST]",
                "[SYSTEM_PROMPT]",
                "[/SYSTEM_PROMPT]",
                "[THINK]",
                "[/THINK]",
            )
        }
        self.greedy = lib.llama_sampler_init_greedy()
        self.generated = 0

    def tokenize(self, text: str, special: bool = False) -> list[int]:
        """Token ids of a text; control tokens only if `special`."""
        raw = text.encode()
        room = (lib.llama_token * (len(raw) + 8))()
        n = lib.llama_tokenize(self.vocab, raw, len(raw), room, len(room), False, special)
        return list(room[:n])

    def text(self, ids: list[int]) -> str:
        """Text of token ids, control tokens included."""
        out, room = b"", ctypes.create_string_buffer(64)
        for token in ids:
            size = lib.llama_token_to_piece(self.vocab, token, room, 64, 0, True)
            out += room.raw[:size]
        return out.decode(errors="replace")

    def prompt(self, case: Case, system: data.Segments, keep: bool) -> list[int]:
        """Token ids up to the last [/INST]; `keep` leaves earlier thoughts in."""
        chat = data.Chat(system, (*case.history, case.turn), keep)
        pieces = [p for p, _ in data.pieces(chat)]
        end = len(pieces) - pieces[::-1].index("[/INST]")
        ids: list[int] = []
        for p in pieces[:end]:
            ids += [self.control[p]] if p in self.control else self.tokenize(p)
        return ids

    def complete(self, ids: list[int]) -> list[int]:
        """Token ids up to the end of the answer, or until the context is full."""
        lib.llama_memory_clear(lib.llama_get_memory(self.context), True)
        out: list[int] = []
        feed = (lib.llama_token * len(ids))(*ids)
        one = (lib.llama_token * 1)()
        batch = lib.llama_batch_get_one(feed, len(ids))
        while len(ids) + len(out) < self.size - 1 and len(out) < 900:
            if lib.llama_decode(self.context, batch):
                break
            token = lib.llama_sampler_sample(self.greedy, self.context, -1)
            if token == self.control["</s>"]:
                break
            out.append(token)
            one[0] = token
            batch = lib.llama_batch_get_one(one, 1)
        self.generated += len(out)
        return out

    def answer(self, ids: list[int]) -> tuple[str, str]:
        """(thought, visible answer) of a completion."""
        close = self.control["[/THINK]"]
        if close not in ids or ids[0] != self.control["[THINK]"]:
            return "", self.text(ids)
        at = ids.index(close)
        return self.text(ids[1:at]), self.text(ids[at + 1 :])


def score(engine: Engine, todo: list[Case], system: data.Segments, show: int) -> str:
    """Share of right answers, and of turns that are word for word as written."""
    right = whole = 0
    for i, case in enumerate(todo):
        ids = engine.complete(engine.prompt(case, system, i % 2 == 0))
        thought, answer = engine.answer(ids)
        good = cases.judge(case, answer)
        right += good
        whole += answer == case.turn.answer and thought == case.turn.thought
        if not good and i + 1 - right <= show:
            print(f"  {case.turn.user!r}")
            for name, want, got in (
                ("thought", case.turn.thought, thought),
                ("answer", case.turn.answer, answer),
            ):
                print(f"    {name} wanted {want!r}\n    {name} given  {got!r}")
    n = len(todo)
    return f"{100 * right / n:5.1f} % (word for word {100 * whole / n:5.1f} %)"


def main() -> None:
    """Print one line for each family."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=HERE / "ponder-demo.gguf")
    parser.add_argument("--families", nargs="*", default=cases.FAMILIES)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, help="print this many wrong answers of each")
    options = parser.parse_args()
    engine = Engine(options.model)
    start = time.time()
    for family in options.families:
        todo = cases.cases(family, options.count, options.seed)
        alone = score(engine, todo, (), options.show)
        under = score(engine, todo, data.MAGISTRAL, options.show)
        print(f"{family:10} {len(todo):4} cases  alone {alone}  prompted {under}", flush=True)
    took = time.time() - start
    print(f"{engine.generated} tokens, {engine.generated / took:.0f} tokens/s")


if __name__ == "__main__":
    main()
