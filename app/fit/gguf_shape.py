"""A model's shape from the header of its GGUF file."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import Problem, WorldError
from app.fit.shape import Layer, ModelShape, Traits
from app.models.gguf import Header, read_header

# Architectures whose pattern of sliding windows is in llama.cpp's source, not in the file: every
# n-th layer keeps all of the context.
_WINDOW_PERIOD = {"gemma2": 2, "gemma3": 6, "gemma3n": 5, "gpt-oss": 2, "cohere2": 4, "exaone4": 4}
# Architectures without windows in llama.cpp, whatever their files say.
_NO_WINDOW = {"llama", "mistral3", "qwen2", "qwen3", "qwen3moe", "phi3"}
# general.file_type of llama.h.
_FILE_TYPES = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4",
    40: "Q1_0",
    41: "Q2_0",
}


@dataclass(slots=True)
class _Tensors:
    """What a layer's tensors are called, and their bytes."""

    names: set[str] = field(default_factory=set)
    bytes: int = 0
    expert_bytes: int = 0


def read(path: Path) -> ModelShape:
    """Return the shape of the model in a GGUF file. Raises WorldError."""
    header = read_header(path)
    header.check()
    return from_header(header)


def from_header(header: Header, quantization: str = "") -> ModelShape:
    """Return the shape that a header tells of. Raises WorldError where it lacks a dimension.

    quantization: its name where the header does not say it.
    """
    layers, outside = _sorted(header)
    names = set().union(*(layer.names for layer in layers.values()))
    count = _need(header, "block_count")
    embedding = _need(header, "embedding_length")
    heads = max(_per_layer(header, "attention.head_count", count, 0)) or 1
    head = header.number("{arch}.attention.key_length") or embedding // heads
    vocabulary = header.lengths.get("tokenizer.ggml.tokens") or header.number("{arch}.vocab_size")
    tied = "output" not in outside
    return ModelShape(
        name=str(header.metadata.get("general.name") or header.path.stem),
        architecture=header.architecture,
        quantization=quantization or _quantization(header),
        engine="llama_cpp",
        layers=_layers(header, count, head, layers),
        embedding=embedding,
        heads=heads,
        head=head,
        feed_forward=max(_per_layer(header, "feed_forward_length", count, 0)),
        vocabulary=vocabulary or 0,
        context_train=header.number("{arch}.context_length") or 0,
        weights_bytes=sum(layer.bytes for layer in layers.values()) + sum(outside.values()),
        embedding_bytes=outside["token_embd"],
        output_bytes=outside["token_embd"] if tied else outside["output"],
        file_bytes=max(header.file_bytes, header.data_end),
        experts=header.number("{arch}.expert_count") or 0,
        experts_used=header.number("{arch}.expert_used_count") or 0,
        expert_feed_forward=header.number("{arch}.expert_feed_forward_length") or 0,
        shared_feed_forward=_shared(header),
        tied=tied,
        mla=header.number("{arch}.attention.key_length_mla") is not None,
        traits=_traits(header, names),
        merges=_merges(header),
    )


def _sorted(header: Header) -> tuple[dict[int, _Tensors], dict[str, int]]:
    """Return the tensors of each layer, and the bytes of those outside of layers by name."""
    layers: dict[int, _Tensors] = defaultdict(_Tensors)
    outside: dict[str, int] = defaultdict(int)
    for tensor in header.tensors:
        size = tensor.bytes or 0
        parts = tensor.name.split(".", 2)
        if parts[0] == "blk" and len(parts) == 3:
            layer = layers[int(parts[1])]
            layer.bytes += size
            layer.names.add(parts[2])
            if "_exps." in parts[2]:
                layer.expert_bytes += size
        else:
            outside[parts[0]] += size
    return layers, outside


def _need(header: Header, key: str) -> int:
    value = header.number(f"{{arch}}.{key}")
    if value is None or value <= 0:
        name = header.path.name or "This model"
        raise WorldError(
            Problem(
                "model-file",
                f"{name} does not tell its dimensions.",
                "It may be a part of a model, such as a vision projector: choose the model itself.",
                f"{header.architecture}.{key} is missing",
            )
        )
    return value


def _per_layer(header: Header, key: str, count: int, default: int) -> tuple[int, ...]:
    """Return a figure for each layer: files give one for all, or a list."""
    value = header.metadata.get(f"{header.architecture}.{key}")
    if isinstance(value, tuple):
        figures = tuple(int(item) for item in value if isinstance(item, int | bool))
        return (figures + (default,) * count)[:count]
    return (value if isinstance(value, int) else default,) * count


def _layers(
    header: Header, count: int, head: int, tensors: dict[int, _Tensors]
) -> tuple[Layer, ...]:
    kv_heads = _per_layer(header, "attention.head_count_kv", count, 0)
    if not any(kv_heads):
        kv_heads = _per_layer(header, "attention.head_count", count, 1)
    windows = _windows(header, count)
    head_v = header.number("{arch}.attention.value_length") or head
    head_swa = header.number("{arch}.attention.key_length_swa")
    state = _state_bytes(header)
    # A layer that only predicts further tokens (MTP) has weights, but no KV cache here.
    decoding = count - (header.number("{arch}.nextn_predict_layers") or 0)
    found: list[Layer] = []
    for number in range(count):
        mine = tensors[number]
        recurrent = any(name.startswith("ssm_") for name in mine.names)
        kv = 0 if recurrent or number >= decoding else kv_heads[number]
        small = head_swa if windows[number] else None
        found.append(
            Layer(
                kv_heads=kv,
                head_k=small or head,
                head_v=small or head_v,
                bytes=mine.bytes,
                expert_bytes=mine.expert_bytes,
                window=windows[number],
                state_bytes=state if recurrent else 0,
            )
        )
    return tuple(found)


def _windows(header: Header, count: int) -> tuple[int, ...]:
    """Return each layer's sliding window in tokens, 0 where it keeps everything."""
    size = header.number("{arch}.attention.sliding_window") or 0
    architecture = header.architecture
    if not size or architecture in _NO_WINDOW:
        return (0,) * count
    pattern = header.metadata.get(f"{architecture}.attention.sliding_window_pattern")
    if isinstance(pattern, tuple):
        flags = (tuple(bool(flag) for flag in pattern) + (False,) * count)[:count]
        return tuple(size if flag else 0 for flag in flags)
    period = pattern if isinstance(pattern, int) else _WINDOW_PERIOD.get(architecture, 0)
    if period <= 0:
        return (0,) * count
    return tuple(size if number % period < period - 1 else 0 for number in range(count))


def _state_bytes(header: Header) -> int:
    """Return the bytes of a recurrent layer's state: the convolution's and the memory's, in f32."""
    inner = header.number("{arch}.ssm.inner_size") or 0
    state = header.number("{arch}.ssm.state_size") or 0
    groups = header.number("{arch}.ssm.group_count") or 0
    kernel = header.number("{arch}.ssm.conv_kernel") or 1
    return 4 * ((kernel - 1) * (inner + 2 * groups * state) + state * inner)


def _shared(header: Header) -> int:
    """Return the width of the experts that every token uses."""
    width = header.number("{arch}.expert_shared_feed_forward_length")
    if width is not None:
        return width
    shared = header.number("{arch}.expert_shared_count") or 0
    return shared * (header.number("{arch}.expert_feed_forward_length") or 0)


def _merges(header: Header) -> int | None:
    """Return the merges of the tokenizer: none in one that has other rules."""
    known = "tokenizer.ggml.tokens" in header.lengths
    return header.lengths.get("tokenizer.ggml.merges", 0) if known else None


def _traits(header: Header, names: set[str]) -> Traits:
    architecture = header.architecture
    return Traits(
        qk_norm="attn_q_norm.weight" in names,
        post_norms="post_ffw_norm.weight" in names,
        fused_qkv="attn_qkv.weight" in names and "attn_q.weight" not in names,
        scaled_queries=architecture.startswith("gemma"),
        gate=bool({"ffn_gate.weight", "ffn_gate_exps.weight"} & names),
        router_softmax_late=architecture == "gpt-oss",
        outputs_late=architecture == "gpt-oss",
    )


def _quantization(header: Header) -> str:
    number = header.metadata.get("general.file_type")
    return _FILE_TYPES.get(number, "") if isinstance(number, int) else ""
