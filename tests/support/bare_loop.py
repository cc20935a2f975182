"""What the engine is measured against: the shortest loop over llama.cpp's functions, in a process.

Run as a module with a model's path and a number of threads. Reads lines "bare COUNT SEED" or "chat
COUNT SEED" and answers each with one JSON line: the seconds at which each token was there, from the
first sample on. "bare" does nothing but sample and decode; "chat" is what
create_chat_completion(stream=True) of llama-cpp-python does.
"""

import ctypes
import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

PROMPT_TOKENS = 16
CONTEXT = 24_576


def main() -> None:
    path, threads = sys.argv[1], int(sys.argv[2])
    # Not imported as app.engine.backends does: the high-level half is wanted too.
    llama_cpp = importlib.import_module("llama_cpp")
    api = importlib.import_module("llama_cpp.llama_cpp")

    quiet = api.llama_log_callback(lambda *_: None)
    api.llama_log_set(quiet, None)
    use_plain_buffers(api, llama_cpp)
    bare = chat = None
    print("ready", flush=True)
    for line in sys.stdin:
        what, count, seed = line.split()
        if what == "bare":
            bare = bare or Bare(api, path, threads)
            times = bare.run(int(count), int(seed))
        else:
            if chat is None:
                chat = llama_cpp.Llama(
                    path,
                    n_ctx=CONTEXT,
                    n_threads=threads,
                    n_threads_batch=threads,
                    flash_attn=True,
                    chat_format="chatml",
                    verbose=False,
                )
            times = run_chat(chat, int(count), int(seed))
        print(json.dumps(times), flush=True)


def use_plain_buffers(api: Any, *others: Any) -> None:
    """Have models loaded as the engine does, for the reason that llama_load tells."""
    defaults = api.llama_model_default_params

    def plain() -> Any:
        params = defaults()
        params.use_extra_bufts = b"AMX_INT8 = 1" not in api.llama_print_system_info()
        return params

    for module in (api, *others):
        module.llama_model_default_params = plain


class Bare:
    """A model, a context, and the loop."""

    def __init__(self, api: Any, path: str, threads: int) -> None:
        self.api = api
        model = api.llama_model_load_from_file(path.encode(), api.llama_model_default_params())
        params = api.llama_context_default_params()
        params.n_ctx = CONTEXT
        params.n_batch = params.n_ubatch = 512
        params.n_seq_max = params.n_outputs_max = 1
        params.n_threads = params.n_threads_batch = threads
        params.no_perf = True
        self.context = api.llama_init_from_model(model, params)

    def run(
        self, count: int, seed: int, clock: Callable[[], float] = time.perf_counter
    ) -> list[float]:
        api, context = self.api, self.context
        api.llama_memory_clear(api.llama_get_memory(context), True)
        chain = api.llama_sampler_chain_init(api.llama_sampler_chain_default_params())
        for sampler in (
            api.llama_sampler_init_top_k(40),
            api.llama_sampler_init_top_p(0.95, 1),
            api.llama_sampler_init_min_p(0.05, 1),
            api.llama_sampler_init_temp(0.7),
            api.llama_sampler_init_dist(seed),
        ):
            api.llama_sampler_chain_add(chain, sampler)
        prompt = (ctypes.c_int32 * PROMPT_TOKENS)(*range(300, 300 + PROMPT_TOKENS))
        assert api.llama_decode(context, api.llama_batch_get_one(prompt, PROMPT_TOKENS)) == 0
        token = (ctypes.c_int32 * 1)()
        batch = api.llama_batch_get_one(token, 1)
        times = []
        began = clock()
        for _ in range(count):
            token[0] = api.llama_sampler_sample(chain, context, -1)
            if api.llama_decode(context, batch):
                raise RuntimeError("llama_decode failed")
            times.append(clock() - began)
        api.llama_sampler_free(chain)
        return times


def run_chat(chat: Any, count: int, seed: int) -> list[float]:
    stream = chat.create_chat_completion(
        [{"role": "user", "content": "Go on."}],
        stream=True,
        max_tokens=count,
        seed=seed,
        temperature=0.7,
        top_k=40,
        top_p=0.95,
        min_p=0.05,
        logit_bias={2: -100.0},
    )
    times = []
    began = None
    for chunk in stream:
        if "content" not in chunk["choices"][0]["delta"]:
            continue
        now = time.perf_counter()
        if began is None:
            began = now
        times.append(now - began)
    return times


if __name__ == "__main__":
    main()
