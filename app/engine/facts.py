"""What is known of a model that is loaded, and how its next token is drawn: values of both sides.

Part of what crosses the pipe (`app.engine.protocol`, which names them too), and kept with answers.
"""

from dataclasses import dataclass
from typing import Literal

BackendName = Literal["llama_cpp", "mlx", "scripted", "openai"]
KVType = Literal["f16", "q8_0", "q4_0"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is drawn. temperature 0 is greedy.

    top_k runs first: at a vocabulary of 131,072 top_p without it costs nine times as much.
    top_k 0, top_p 1, min_p 0 and repetition 1 switch their step off. repetition: what was written
    lately (app.engine.backends.base.REPETITION_TOKENS) becomes less likely by this factor.
    """

    temperature: float = 0.7
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.0
    seed: int = 0
    repetition: float = 1.0


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """Where a model answers that does not run here.

    host: as the user typed it ("gpu-box:8000"). kind: what answers there ("vLLM"). here: it is this
    very machine, so that nothing leaves it. limits: what it cannot do, each a sentence. ignores:
    the fields of `Sampling` that it is not sent.
    """

    host: str
    kind: str
    here: bool
    limits: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """What a load took of one device. card: it is a graphics device, not main memory.

    bytes: of the engine's buffers, of which mapped_bytes are the model's file itself.
    beside_bytes: what the process took beside them, None where that cannot be measured.
    """

    device: str
    card: bool
    bytes: int
    mapped_bytes: int = 0
    beside_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the engine knows of the loaded model.

    controls: the control tokens it has, of those that prompts and reasoning formats ask for.
    template: the chat template in the file, if any. bos, eos: the tokens that begin and end a text,
    as they are spelled, if it has any; adds_bos: every text begins with bos.
    sampling: the file's own recommendation (general.sampling.*), if any.
    device: where it runs, in words ("CPU", "NVIDIA GeForce RTX 4090").
    build: the engine's version, such as "llama-cpp-python 0.3.36".
    gpu_layers: of `layers`, how many are on graphics devices. allocated: what the load took.
    sees: it takes pictures, as it was loaded. projector: the file of its vision part, if any, of
    projector_bytes;
    blind: why what lies beside it as one is not (a sentence), "" where nothing does.
    server: where it answers, if not here; figures that a server does not tell are 0.
    threads, batch: of the computation; the tokens of a prompt are read so many at a time.
    flash_attention: whether it is computed so; None where the engine does not say.
    """

    name: str
    path: str
    size_bytes: int
    architecture: str
    quantization: str
    parameters: int
    layers: int
    vocabulary: int
    context: int
    context_train: int
    controls: tuple[str, ...]
    template: str | None
    sampling: Sampling | None
    backend: BackendName
    device: str
    build: str
    kv_type: KVType = "f16"
    gpu_layers: int = 0
    cpu_experts: bool = False
    allocated: tuple[DeviceMemory, ...] = ()
    sees: bool = False
    server: ServerFacts | None = None
    bos: str = ""
    eos: str = ""
    adds_bos: bool = False
    threads: int = 0
    batch: int = 0
    projector: str = ""
    projector_bytes: int = 0
    blind: str = ""
    flash_attention: bool | None = None
