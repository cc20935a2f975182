"""What a model is, as far as memory and speed are concerned."""

from dataclasses import dataclass, replace
from typing import Literal

EngineName = Literal["llama_cpp", "mlx"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer. bytes: of its weights, of which expert_bytes are experts'.

    kv_heads 0: no KV cache. window 0: all of the context is kept. state_bytes: of a recurrent
    layer, whatever the context.
    """

    kv_heads: int
    head_k: int
    head_v: int
    bytes: int
    expert_bytes: int = 0
    window: int = 0
    state_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Traits:
    """What an architecture's graph does that changes the compute buffer."""

    qk_norm: bool = False
    post_norms: bool = False
    fused_qkv: bool = False
    scaled_queries: bool = False
    gate: bool = True
    router_softmax_late: bool = False
    outputs_late: bool = False


@dataclass(frozen=True, slots=True)
class ModelShape:
    """A model's dimensions and the bytes of its parts.

    embedding_bytes stay in main memory; output_bytes are those of the output layer (of the
    embedding once more, on a device, where `tied`). mla: the KV cache holds one latent vector a
    token. weights_bytes: all tensors but those of the projector; projector_bytes: all that this
    takes, its working memory included. heads: the largest of any layer.
    merges: of the tokenizer, None where they are not told.
    """

    name: str
    architecture: str
    quantization: str
    engine: EngineName
    layers: tuple[Layer, ...]
    embedding: int
    heads: int
    head: int
    feed_forward: int
    vocabulary: int
    context_train: int
    weights_bytes: int
    embedding_bytes: int
    output_bytes: int
    file_bytes: int
    experts: int = 0
    experts_used: int = 0
    expert_feed_forward: int = 0
    shared_feed_forward: int = 0
    projector_bytes: int = 0
    tied: bool = False
    mla: bool = False
    traits: Traits = Traits()
    merges: int | None = None

    def scaled(self, weights_bytes: int) -> "ModelShape":
        """Return the same model with weights of another size, spread like these."""
        factor = weights_bytes / self.weights_bytes
        layers = tuple(
            replace(
                layer,
                bytes=round(layer.bytes * factor),
                expert_bytes=round(layer.expert_bytes * factor),
            )
            for layer in self.layers
        )
        return replace(
            self,
            layers=layers,
            weights_bytes=weights_bytes,
            embedding_bytes=round(self.embedding_bytes * factor),
            output_bytes=round(self.output_bytes * factor),
            file_bytes=weights_bytes,
        )
