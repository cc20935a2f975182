"""A child that makes an MLX model of random weights, or runs one, and tells what it took.

    python -m tests.support.mlx_child make FOLDER
    python -m tests.support.mlx_child run FOLDER TOKENS BITS

BITS of the KV cache: 8, 4, or 16 for a plain one. Through mlx_lm itself, on whatever MLX runs on
here. `run` prints JSON: bytes of weights, of the cache after TOKENS, held in all, and at the peak.
"""

import json
import sys
from pathlib import Path
from typing import Any

CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "intermediate_size": 256,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 64,
    "rms_norm_eps": 1e-5,
    "vocab_size": 1024,
    "max_position_embeddings": 8192,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
}
WRITTEN = 8
GROUP = 64


def make(folder: Path) -> None:
    import mlx.core as mx  # noqa: TID251 - a child that holds the plan against MLX itself
    from mlx.utils import tree_flatten  # noqa: TID251
    from mlx_lm.models import llama

    model = llama.Model(llama.ModelArgs.from_dict(CONFIG))
    model.set_dtype(mx.float16)
    folder.mkdir(parents=True, exist_ok=True)
    weights = dict(tree_flatten(model.parameters()))
    mx.save_safetensors(str(folder / "model.safetensors"), weights, metadata={"format": "mlx"})
    (folder / "config.json").write_text(json.dumps(CONFIG))


def run(folder: Path, tokens: int, bits: int) -> dict[str, int]:
    import mlx.core as mx  # noqa: TID251
    from mlx_lm.generate import generate_step
    from mlx_lm.models.cache import make_prompt_cache
    from mlx_lm.utils import load_model

    model, _ = load_model(folder)
    mx.eval(model.parameters())
    weights = mx.get_active_memory()
    cache = make_prompt_cache(model)
    prompt = mx.arange(tokens - WRITTEN) % 1000
    plain = bits == 16
    wanted: dict[str, Any] = (
        {} if plain else {"kv_bits": bits, "kv_group_size": GROUP, "quantized_kv_start": 0}
    )
    mx.reset_peak_memory()
    steps = generate_step(
        prompt, model, max_tokens=WRITTEN, prompt_cache=cache, prefill_step_size=256, **wanted
    )
    for _ in steps:
        pass
    mx.clear_cache()
    return {
        "weights": weights,
        "cache": sum(layer.nbytes for layer in cache),
        "active": mx.get_active_memory(),
        "peak": mx.get_peak_memory(),
    }


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    else:
        print(json.dumps(run(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))))
