"""What a quantization costs a reasoning model, as far as anybody has measured it, on other models.

Points are of the mean of AIME, MATH500, GPQA Diamond and LiveCodeBench, on a scale of 100. Fixed
points: 4-bit weights cost R1-Distill-Qwen-32B 0.4 to 1.9, 3-bit 3.9, a 4-bit KV cache 0.3 to 1.1
("Quantization Hurts Reasoning?", arXiv 2504.04823, table 1). Between them the steps follow the KL
divergence that llama.cpp measured of Llama 3 8B (tools/perplexity): 0.0014 for Q8_0, 0.0055 Q6_K,
0.0108 Q5_K_M, 0.0282 Q4_K_M, 0.084 Q3_K_M. Nothing was measured on Magistral itself.
"""

EVIDENCE = "measured on other models"

RECOMMENDED_BITS = 4.0
"""Fewer bits a weight than this are not chosen for reasoning while anything else fits; fewer than
MINIMUM_BITS never."""
MINIMUM_BITS = 3.0

_POINTS = {
    "F32": 0.0,
    "BF16": 0.0,
    "F16": 0.0,
    "Q8_0": 0.03,
    "Q6_K_L": 0.14,
    "Q6_K": 0.14,
    "Q5_K_M": 0.27,
    "Q5_K_S": 0.41,
    "UD-Q5_K_XL": 0.27,
    "Q4_K_M": 0.75,
    "UD-Q4_K_XL": 0.72,
    "Q4_K_S": 0.85,
    "IQ4_XS": 0.95,
    "Q4_0": 1.7,
    # Trained in four bits: this is the model itself.
    "MXFP4": 0.0,
    "Q3_K_L": 2.0,
    "Q3_K_M": 2.6,
    "IQ3_M": 3.0,
    "Q3_K_S": 3.9,
    "UD-IQ3_XXS": 4.5,
    "IQ3_XXS": 4.5,
    "Q2_K": 9.0,
    # MLX: groups of 64 with a scale and an offset: between llama.cpp's plain and mixed types.
    "8bit": 0.05,
    "6bit": 0.18,
    "5bit": 0.4,
    "4bit": 1.1,
    "3bit": 3.9,
    "bf16": 0.0,
    "16bit": 0.0,
}
_BITS = {"Q2_K": 2.96, "3bit": 3.5, "UD-IQ3_XXS": 3.2, "IQ3_XXS": 3.1}
_KV_POINTS = {"f16": 0.0, "q8_0": 0.03, "q4_0": 0.7}
_UNKNOWN = 1.5


def points_lost(quantization: str, kv: str) -> float:
    """Return the points that weights and cache lose together; unknown weights rank below Q4_K_S."""
    return _POINTS.get(quantization, _UNKNOWN) + _KV_POINTS[kv]


def advisable(quantization: str) -> bool:
    """Return whether to choose it for reasoning: under three bits, never."""
    if quantization.startswith(
        ("IQ1", "IQ2", "Q1", "Q2", "2bit", "UD-IQ1", "UD-IQ2", "UD-Q2", "TQ")
    ):
        return False
    return _BITS.get(quantization, RECOMMENDED_BITS) >= MINIMUM_BITS


def in_words(quantization: str, kv: str) -> str:
    """Return what is known of the loss, in a few words."""
    lost = points_lost(quantization, kv)
    if not advisable(quantization):
        return "too few bits for reasoning"
    if lost < 0.1:
        words = "no measurable loss"
    elif lost < 0.35:
        words = "practically without loss"
    elif lost < 1.0:
        words = "a small loss"
    elif lost < 2.0:
        words = "a loss that hard tasks show"
    else:
        words = "a clear loss in reasoning"
    return f"{words} ({EVIDENCE})"
