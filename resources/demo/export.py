"""Write a trained model as GGUF, as an MLX folder and as a tekken.json.

The GGUF looks like Magistral's official ones: tokenizer "gpt2" with the
"tekken" splitter, control tokens of type CONTROL, `add_bos_token` true, and
no chat template. llama.cpp pairs neighbouring numbers in its rotary
positions, so the rows of Q and K are reordered for it; MLX takes them as
they are. The output layer is the embedding, so it is left out.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
import tekken
import tokenizer as bpe
import torch
from model import Shape
from safetensors.numpy import save_file
from train import PHASES

NAME = "Ponder Demo"
HERE = Path(__file__).parent
MLX_NAMES = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "q": "self_attn.q_proj",
    "k": "self_attn.k_proj",
    "v": "self_attn.v_proj",
    "o": "self_attn.o_proj",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "down": "mlp.down_proj",
}
GGUF_NAMES = {
    "attn_norm": "attn_norm",
    "ffn_norm": "ffn_norm",
    "q": "attn_q",
    "k": "attn_k",
    "v": "attn_v",
    "o": "attn_output",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}


def neighbours(w: np.ndarray, heads: int) -> np.ndarray:
    """Rows of each head from (first half, second half) to pairs side by side."""
    rows, columns = w.shape
    return w.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def write_gguf(weights: dict[str, np.ndarray], tok: bpe.Tokenizer, path: Path, kind: str) -> None:
    """`kind` is "f16" or "q8_0"; norms stay in single precision."""
    shape = Shape()
    out = gguf.GGUFWriter(path, "llama")
    out.add_name(NAME)
    out.add_license("apache-2.0")
    out.add_description(
        "A tiny demonstration model trained on made-up exercises; not a real assistant."
    )
    out.add_file_type(
        gguf.LlamaFileType.MOSTLY_F16 if kind == "f16" else gguf.LlamaFileType.MOSTLY_Q8_0
    )
    out.add_context_length(shape.context)
    out.add_embedding_length(shape.width)
    out.add_block_count(shape.layers)
    out.add_feed_forward_length(shape.hidden)
    out.add_head_count(shape.heads)
    out.add_head_count_kv(shape.kv_heads)
    out.add_layer_norm_rms_eps(shape.eps)
    out.add_rope_freq_base(shape.rope_theta)
    out.add_rope_dimension_count(shape.head_dim)
    out.add_vocab_size(shape.vocab)
    # Greedy, as the model's own recommendation: it reckons, and chance makes it slip.
    out.add_float32("general.sampling.temp", 0.0)
    names = bpe.tokens(tok)
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("tekken")
    out.add_token_list(names)
    out.add_token_types(
        [gguf.TokenType.CONTROL if n in bpe.CONTROL else gguf.TokenType.NORMAL for n in names]
    )
    out.add_token_merges(bpe.merges(tok))
    out.add_bos_token_id(bpe.CONTROL["<s>"])
    out.add_eos_token_id(bpe.CONTROL["</s>"])
    out.add_unk_token_id(bpe.CONTROL["<unk>"])
    out.add_pad_token_id(bpe.CONTROL["<pad>"])
    out.add_add_bos_token(True)
    out.add_add_eos_token(False)
    for name, w in weights.items():
        if name == "embed.weight":
            target = "token_embd.weight"
        elif name == "norm.weight":
            target = "output_norm.weight"
        else:
            _, layer, part, _ = name.split(".")
            target = f"blk.{layer}.{GGUF_NAMES[part]}.weight"
            if part in "qk":
                w = neighbours(w, shape.heads if part == "q" else shape.kv_heads)
        if w.ndim == 1:
            out.add_tensor(target, w.astype(np.float32))
        elif kind == "f16":
            out.add_tensor(target, w.astype(np.float16))
        else:
            q8 = gguf.GGMLQuantizationType.Q8_0
            out.add_tensor(target, gguf.quants.quantize(w, q8), raw_dtype=q8)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def write_mlx(weights: dict[str, np.ndarray], tok: bpe.Tokenizer, folder: Path) -> None:
    """A folder that mlx-lm loads as a Llama."""
    shape = Shape()
    folder.mkdir(exist_ok=True)
    tensors = {}
    for name, w in weights.items():
        if name in ("embed.weight", "norm.weight"):
            target = {
                "embed.weight": "model.embed_tokens.weight",
                "norm.weight": "model.norm.weight",
            }[name]
        else:
            _, layer, part, _ = name.split(".")
            target = f"model.layers.{layer}.{MLX_NAMES[part]}.weight"
        tensors[target] = np.ascontiguousarray(w.astype(np.float16))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "mlx"})
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": shape.width,
        "intermediate_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "vocab_size": shape.vocab,
        "max_position_embeddings": shape.context,
        "rms_norm_eps": shape.eps,
        "rope_theta": shape.rope_theta,
        "rope_traditional": False,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "hidden_act": "silu",
        "bos_token_id": bpe.CONTROL["<s>"],
        "eos_token_id": bpe.CONTROL["</s>"],
        "pad_token_id": bpe.CONTROL["<pad>"],
        "torch_dtype": "float16",
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    tok.save(str(folder / "tokenizer.json"), pretty=False)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "<pad>",
        "add_bos_token": True,
        "add_eos_token": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": shape.context,
        "additional_special_tokens": [
            n for n in bpe.SPECIALS if n not in ("<s>", "</s>", "<unk>", "<pad>")
        ],
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    (folder / "generation_config.json").write_text(
        json.dumps({"bos_token_id": 1, "eos_token_id": 2}, indent=2) + "\n"
    )


def main() -> None:
    """Export the last weights of a training folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("build"), help="where train.py left its weights"
    )
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument(
        "--tekken", type=Path, help="also write the vocabulary as this tekken.json (v13)"
    )
    parser.add_argument("--kind", choices=("f16", "q8_0"), default="f16")
    options = parser.parse_args()
    saved = torch.load(options.folder / f"{PHASES[-1].name}.pt")["model"]
    weights = {name: w.float().numpy() for name, w in saved.items()}
    tok = bpe.Tokenizer.from_file(str(options.folder / "tokenizer.json"))
    options.out.mkdir(exist_ok=True)
    write_gguf(weights, tok, options.out / "ponder-demo.gguf", options.kind)
    write_mlx(weights, tok, options.out / "mlx")
    if options.tekken:
        tekken.write_tekken(bpe.tokens(tok), options.tekken)


if __name__ == "__main__":
    main()
