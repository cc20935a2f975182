"""Which ggml type llama_model_quantize gives each tensor: so that a size is known beforehand.

The rules are those of src/llama-quant.cpp in the llama.cpp that llama-cpp-python 0.3.36 holds, for
quantizing without an importance matrix; a test holds them against llama.cpp's own dry run, tensor
by tensor. They depend on the order in which llama.cpp walks through the tensors: those outside of
layers first, then layer by layer, by name.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from app.errors import Problem, WorldError
from app.models import quantize_types as t
from app.models.gguf import BLOCKS, Header, Tensor

_TINY_IQ = ("IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M", "IQ1_S", "IQ1_M")
_IQ2_SM = ("IQ2_S", "IQ2_M")
_NOT_QUANTIZED = re.compile(
    r"_norm\.weight|ffn_gate_inp\.weight|ffn_gate_tid2eid\.weight|altup|laurel"
    r"|per_layer_model_proj|ssm_conv1d|shortconv\.conv\.weight|indexer\.[kq]_proj\.weight"
    r"|time_mix_(first|[wva][012]|g[12]|decay_w[12]|lerp_fused)\.weight|attn_rel_b\.weight"
    r"|\.position_embd|sam\.(pos_embd|neck\.|net_)|\.rel_pos|\.patch_embd|\.patch_merger"
    r"|a\.rvq\.codebook|mm\.a\.code_embd"
)
_NOT_QUANTIZED_GLM5 = re.compile(
    r"hc_|indexer\.(attn_q_b|attn_k|proj)|indexer_compressor_(gate|ape)|ssm_[fg]_[ab]\.weight"
    r"|ssm_beta\.weight|attn_(kv_a_mqa|k_b|v_b)\.weight"
)
_NEVER = ("position_embd.weight", "token_types.weight")
# Where a row is no whole number of blocks.
_FALLBACKS = {
    **dict.fromkeys(
        (t.IQ1_S, t.IQ1_M, t.IQ2_XXS, t.IQ2_XS, t.IQ2_S, t.IQ3_XXS, t.IQ3_S, t.IQ4_XS), t.IQ4_NL
    ),
    **dict.fromkeys((t.Q2_0, t.Q2_K, t.Q3_K, t.TQ1_0, t.TQ2_0), t.Q4_0),
    t.Q4_K: t.Q5_0,
    t.Q5_K: t.Q5_1,
    t.Q6_K: t.Q8_0,
}
_NEED_IMATRIX = (t.IQ3_XXS, t.IQ2_XXS, t.IQ2_XS, t.IQ2_S, t.IQ1_M, t.IQ1_S)
_PLAIN = (t.F32, t.F16, t.BF16)
# Architectures and layers of what llama.cpp calls a 70B.
_SEVENTY = {("llama", 80), ("deci", 80), ("olmo", 80), ("qwen2", 80), ("jais2", 68)}

_EMBEDDING = {
    **dict.fromkeys(("IQ2_XXS", "IQ2_XS", "IQ1_S", "IQ1_M"), t.Q2_K),
    **dict.fromkeys(("IQ2_S", "IQ2_M", "IQ3_XXS"), t.IQ3_S),
    **dict.fromkeys(("TQ1_0", "TQ2_0", "Q2_0"), t.Q4_K),
}
_ATTN_OUTPUT = {
    "Q2_K": t.Q3_K,
    "IQ3_XXS": t.IQ3_S,
    "Q3_K_M": t.Q4_K,
    "Q3_K_L": t.Q5_K,
    "IQ3_M": t.Q4_K,
}
_ATTN_OUTPUT_8_EXPERTS = re.compile("Q2_K|IQ3_(XS|XXS|S|M)|Q3_K_[SM]|IQ4_(NL|XS)|Q4_K_[SM]")
_ATTN_V_SHARED = {  # where four or more heads share one
    **dict.fromkeys(("Q2_K", "Q2_K_S", "IQ3_XXS", "IQ3_XS", "IQ3_S"), t.Q4_K),
    **dict.fromkeys(("IQ4_NL", "IQ4_XS"), t.Q5_K),
}
_ATTN_V_OWN = {"Q2_K": t.Q3_K, "IQ3_XXS": t.IQ3_S}


@dataclass(frozen=True, slots=True)
class Target:
    """What becomes of a tensor. type: its ggml type then; needs_imatrix: or llama.cpp refuses."""

    tensor: Tensor
    type: int
    needs_imatrix: bool = False

    @property
    def bytes(self) -> int:
        """Return its size then."""
        return nbytes(self.tensor.shape, self.type)

    @property
    def changed(self) -> bool:
        """Return whether it is another type then."""
        return self.type != self.tensor.type


def nbytes(shape: tuple[int, ...], kind: int) -> int:
    """Return the bytes of a tensor of a known ggml type."""
    elements = 1
    for side in shape:
        elements *= side
    per_block, block_bytes = BLOCKS[kind]
    return -(-elements // per_block) * block_bytes


def targets(header: Header, tensors: Iterable[Tensor], quantization: str) -> tuple[Target, ...]:
    """Return what becomes of each tensor, in the order in which llama.cpp does them.

    header: of the file, or of the first of a split one; tensors: all. Raises WorldError where
    llama.cpp has no type for the width of a row.
    """
    ordered = sorted(tensors, key=lambda tensor: (_layer(tensor.name), tensor.name.encode()))
    mix = _Mix(header, ordered, quantization)
    return tuple(mix.target(tensor) for tensor in ordered)


def _layer(name: str) -> int:
    parts = name.split(".", 2)
    return int(parts[1]) if parts[0] == "blk" and len(parts) == 3 and parts[1].isdigit() else -1


def _category(name: str) -> str:
    if name == "output.weight":
        return "output"
    if name in ("token_embd.weight", "per_layer_token_embd.weight"):
        return "token_embd"
    for part in ("attn_qkv", "attn_kv_b", "attn_v", "attn_k", "attn_q", "attn_output"):
        if f"{part}.weight" in name:
            return "attn_v" if part in ("attn_qkv", "attn_kv_b") else part
    return next((part for part in ("ffn_up", "ffn_gate", "ffn_down") if part in name), "")


class _Mix:
    """One walk through the tensors, with the counters that the rules depend on."""

    def __init__(self, header: Header, tensors: list[Tensor], quantization: str) -> None:
        self._quantization = quantization
        self._base = t.FILE_TYPES[quantization].base
        self._architecture = header.architecture
        self._layers = header.number("{arch}.block_count") or 0
        heads, kv_heads = _first(header, "head_count"), _first(header, "head_count_kv")
        kv_heads = heads if kv_heads is None else kv_heads
        self._shared = (heads or 0) // kv_heads if kv_heads else 0
        self._experts = header.number("{arch}.expert_count") or 0
        self._seventy = (self._architecture, self._layers) in _SEVENTY and not (
            self._architecture == "llama" and (heads == kv_heads or self._experts == 8)
        )
        categories = [_category(tensor.name) for tensor in tensors]
        self._tied = "output" not in categories
        self._of_attn_v = categories.count("attn_v")
        self._count = {"attn_v": 0, "ffn_down": 0, "ffn_gate": 0, "ffn_up": 0}

    def target(self, tensor: Tensor) -> Target:
        """Return what becomes of the next tensor."""
        if not self._allowed(tensor):
            return Target(tensor, tensor.type)
        if self._base in _PLAIN:
            return Target(tensor, self._base)
        category = _category(tensor.name)
        kind = self._fallback(tensor, self._standard(tensor, category))
        needs = category not in ("output", "token_embd") and (
            kind in _NEED_IMATRIX or (kind == t.Q2_K and self._quantization == "Q2_K_S")
        )
        return Target(tensor, kind, needs)

    def _allowed(self, tensor: Tensor) -> bool:
        name, shape = tensor.name, tensor.shape
        if not any(side > 1 for side in shape[1:]) or not name.endswith("weight"):
            return False
        if name in _NEVER or _NOT_QUANTIZED.search(name):
            return False
        return self._architecture != "glm5-next" or not _NOT_QUANTIZED_GLM5.search(name)

    def _standard(self, tensor: Tensor, category: str) -> int:
        name, quantization = tensor.name, self._quantization
        if self._architecture == "glm5-next" and any(
            part in name for part in ("attn_q_a", "attn_q_b", "nextn.eh_proj")
        ):
            return t.Q8_0
        if category == "output" or (category == "token_embd" and self._tied):
            return self._output(tensor)
        if quantization == "MXFP4_MOE":
            return t.MXFP4 if self._expert(tensor, category) else t.Q8_0
        if category == "token_embd":
            return _EMBEDDING.get(quantization, self._base)
        if not category:
            return self._base
        at = self._at(name, category)
        if quantization in _TINY_IQ:
            return self._tiny(category)
        rule = {
            "attn_v": self._attn_v,
            "attn_k": self._attn_k,
            "attn_q": self._attn_q,
            "attn_output": self._attn_output,
            "ffn_down": self._ffn_down,
        }.get(category, self._ffn_in)
        return rule(at)

    def _expert(self, tensor: Tensor, category: str) -> bool:
        several = len(tensor.shape) > 2 and tensor.shape[2] > 1
        return several and (self._architecture != "bailingmoe3" or category.startswith("ffn_"))

    def _at(self, name: str, category: str) -> int:
        """Return which one of its category this is: the layer, where there are experts."""
        counted = self._count.get(category, 0)
        if category in self._count:
            self._count[category] += 1
        tiny = self._quantization in _TINY_IQ
        if category.startswith("ffn_") and self._experts > 1 and not tiny:
            return _layer(name)
        return counted

    def _output(self, tensor: Tensor) -> int:
        if self._quantization == "MXFP4_MOE" or self._architecture == "falcon":
            return t.Q8_0
        if tensor.shape[0] % BLOCKS[self._base][0]:
            return t.Q8_0
        if self._quantization in (*_TINY_IQ, "IQ3_XXS"):
            return t.Q5_K
        return t.Q8_0 if self._base == t.Q8_0 else t.Q6_K

    def _tiny(self, category: str) -> int:
        """Return the type in a mix of two bits or fewer."""
        better = t.IQ3_S if self._quantization in _IQ2_SM else t.Q2_K
        if category == "attn_v":
            return t.Q4_K if self._shared >= 4 or self._experts >= 4 else better
        if category == "attn_k" and self._experts == 8:
            return t.Q4_K
        if category == "ffn_down":
            first = self._count["ffn_down"] - 1 < self._layers // 8
            return better if first else self._base
        if category == "attn_output":
            if self._experts == 8:
                return t.Q5_K
            if self._quantization in ("IQ1_S", "IQ1_M"):
                return t.IQ2_XXS
            return t.IQ3_S if self._quantization in _IQ2_SM else self._base
        return self._base

    def _attn_v(self, at: int) -> int:
        if self._experts == 8:
            return t.Q8_0
        kind = self._attn_v_mixed(at)
        return t.Q5_K if self._seventy and kind in (t.Q3_K, t.Q4_K) else kind

    def _attn_v_mixed(self, at: int) -> int:
        quantization = self._quantization
        fixed = {
            "IQ3_M": t.Q4_K,
            "Q3_K_M": t.Q5_K if at < 2 else t.Q4_K,
            "Q3_K_L": t.Q5_K,
        }.get(quantization)
        if fixed is not None:
            return fixed
        if quantization in ("Q4_K_M", "Q5_K_M"):
            return t.Q6_K if _more_bits(at, self._of_attn_v) else self._base
        if quantization == "Q4_K_S" and at < 4:
            return t.Q5_K
        table = _ATTN_V_SHARED if self._shared >= 4 else _ATTN_V_OWN
        return table.get(quantization, self._base)

    def _attn_k(self, at: int) -> int:
        return t.Q8_0 if self._experts == 8 else self._attn_q(at)

    def _attn_q(self, at: int) -> int:
        return {"IQ3_XS": t.IQ3_XXS, "IQ3_XXS": t.IQ2_S}.get(self._quantization, self._base)

    def _attn_output(self, at: int) -> int:
        quantization = self._quantization
        if self._architecture == "falcon":
            return t.Q4_K if quantization == "Q3_K_L" else self._base
        if self._experts == 8:
            return t.Q5_K if _ATTN_OUTPUT_8_EXPERTS.fullmatch(quantization) else self._base
        return _ATTN_OUTPUT.get(quantization, self._base)

    def _ffn_in(self, at: int) -> int:
        middle = self._layers // 8 <= at < 7 * self._layers // 8
        return t.IQ3_XXS if self._quantization == "IQ3_XS" and middle else self._base

    def _ffn_down(self, at: int) -> int:
        quantization, layers = self._quantization, self._layers
        if self._architecture == "falcon":
            return self._ffn_down_falcon(at)
        fixed = {"Q2_K": t.Q3_K, "Q3_K_L": t.Q5_K}.get(quantization)
        if fixed is not None:
            return fixed
        if quantization == "Q3_K_M":
            return t.Q5_K if at < layers // 16 else t.Q4_K
        if quantization in ("Q4_K_M", "Q5_K_M"):
            return t.Q6_K if _more_bits(at, layers) else self._base
        if quantization == "IQ3_M" and self._experts == 8 and _more_bits(at, layers):
            return t.Q4_K
        first, rest = {
            "Q2_K_S": (t.Q4_K, t.Q2_K),
            "IQ3_XXS": (t.Q4_K, t.Q3_K),
            "IQ3_M": (t.Q4_K, t.IQ3_S),
            "IQ4_NL": (t.Q5_K, t.IQ4_NL),
            "IQ4_XS": (t.Q5_K, t.IQ4_XS),
            "Q4_K_S": (t.Q5_K, t.Q4_K),
        }.get(quantization, (self._base, self._base))
        return first if at < layers // 8 else rest

    def _ffn_down_falcon(self, at: int) -> int:
        quantization, layers = self._quantization, self._layers
        more = _more_bits(at, layers)
        if quantization == "Q3_K_M":
            return t.Q5_K if at < layers // 16 else t.Q4_K if more else t.Q3_K
        if quantization == "Q4_K_M":
            return t.Q6_K if at < layers // 16 else t.Q5_K if more else t.Q4_K
        if quantization == "Q5_K_M":
            return t.Q6_K if more else self._base
        first, rest = {
            "Q2_K": (t.Q3_K, t.Q3_K),
            "Q3_K_L": (t.Q4_K, t.Q4_K),
            "Q2_K_S": (t.Q4_K, t.Q2_K),
            "IQ3_XXS": (t.Q4_K, t.Q3_K),
            "IQ3_M": (t.Q4_K, t.IQ3_S),
            "IQ4_NL": (t.Q5_K, t.IQ4_NL),
            "IQ4_XS": (t.Q5_K, t.IQ4_XS),
        }.get(quantization, (self._base, self._base))
        return first if at < layers // 8 else rest

    def _fallback(self, tensor: Tensor, kind: int) -> int:
        """Return a type whose blocks fit into a row."""
        row, block = tensor.shape[0], BLOCKS[kind][0]
        if not row % block:
            return kind
        if kind not in _FALLBACKS and block > 32:
            raise WorldError(
                Problem(
                    "quantize-shape",
                    f"This model cannot be made {self._quantization}: "
                    f"its rows of {row:,} are no whole number of blocks of {block}.",
                    "Choose another type.",
                    tensor.name,
                )
            )
        kind = _FALLBACKS.get(kind, kind)
        return t.F16 if row % BLOCKS[kind][0] else kind


def _first(header: Header, key: str) -> int | None:
    """Return a figure of the attention, of the first layer where each has its own."""
    value = header.metadata.get(f"{header.architecture}.attention.{key}")
    if isinstance(value, tuple):
        value = value[0] if value else None
    return value if isinstance(value, int) else None


def _more_bits(at: int, of: int) -> bool:
    return at < of // 8 or at >= 7 * of // 8 or (at - of // 8) % 3 == 2
