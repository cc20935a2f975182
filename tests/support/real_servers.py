"""Real servers with the demo model, each in a process: llama.cpp's (by xllamacpp) and mlx_lm's.

python -m tests.support.real_servers [KEY]      llama.cpp's; prints its address, then serves
"""

import importlib.util
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "resources" / "demo"
CONTEXT = 2048
PATIENCE_S = 120.0

HAS_LLAMA = importlib.util.find_spec("xllamacpp") is not None
HAS_MLX = importlib.util.find_spec("mlx_lm") is not None

TEMPLATE = """\
{{- bos_token }}
{%- for message in messages %}
{%- if message.role == 'system' %}
{{- '[SYSTEM_PROMPT]' + message.content + '[/SYSTEM_PROMPT]' }}
{%- elif message.role == 'user' %}
{{- '[INST]' + message.content + '[/INST]' }}
{%- else %}
{%- if message.reasoning_content %}
{{- '[THINK]' + message.reasoning_content + '[/THINK]' }}
{%- endif %}
{{- message.content + eos_token }}
{%- endif %}
{%- endfor %}
"""
"""The demo model's format. It is in neither of its files, which have no template."""


@dataclass(frozen=True)
class Running:
    """A server that answers. model: the name it knows its model by."""

    host: str
    model: str
    pid: int

    @property
    def path(self) -> str:
        """Return the path of its model."""
        return f"server:{self.host}/{self.model}"


@contextmanager
def llama(key: str = "") -> Iterator[Running]:
    """Run llama.cpp's server. key: the one it asks for, "" for none."""
    with _process([sys.executable, "-m", __name__, *([key] if key else [])]) as process:
        assert process.stdout is not None
        address = process.stdout.readline().decode().strip()
        # What it prints later must not fill the pipe.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        host = address.removeprefix("http://")
        _wait(f"{address}/health")
        yield Running(host, "demo", process.pid)


@contextmanager
def mlx() -> Iterator[Running]:
    """Run mlx_lm's server."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    model = DEMO / "mlx"
    command = [sys.executable, "-m", "mlx_lm.server", "--model", str(model)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--chat-template", TEMPLATE]
    with _process(command) as process:
        _wait(f"http://127.0.0.1:{port}/health")
        yield Running(f"127.0.0.1:{port}", "default_model", process.pid)


@contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    quiet = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=quiet, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _wait(url: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_S):
                return
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.1)


def main() -> None:
    """Serve the demo model with llama.cpp until this process is ended."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(DEMO / "ponder-demo.gguf")
    params.model_alias = {"demo"}
    params.chat_template = TEMPLATE
    params.use_jinja = True
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = 1
    params.warmup = False
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.verbosity = -1
    if len(sys.argv) > 1:
        params.api_keys = [sys.argv[1]]
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
