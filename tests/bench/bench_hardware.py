"""What looking at the hardware costs, and what a probe costs that hangs or crashes.

    python tests/bench/bench_hardware.py [ROUNDS]

Bad probes are stand-ins: an nvidia-smi that sleeps, a pynvml that sleeps or reads address 0.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from app.hardware.detect import detect  # noqa: E402 - found through the line above

SLEEPS = "#!/bin/sh\nexec sleep 600\n"
CARD = "#!/bin/sh\necho 'NVIDIA GeForce RTX 4090, 00000000:01:00.0, 24564, 23511, 580.95.05'\n"
CASES = {
    "as it is": (None, None),
    "nvidia-smi answers": (CARD, None),
    "nvidia-smi hangs": (SLEEPS, None),
    "NVML hangs": (CARD, "import time\ntime.sleep(600)\n"),
    "NVML crashes": (CARD, "import ctypes\nctypes.string_at(0)\n"),
    "NVML crashes, nvidia-smi hangs": (SLEEPS, "import ctypes\nctypes.string_at(0)\n"),
}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    path, modules = os.environ["PATH"], sys.path[:]
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors, {rounds} rounds")
    detect()  # Python's files into memory
    for name, (smi, pynvml) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            os.environ["PATH"], sys.path[:] = path, modules
            if smi is not None:
                program = Path(folder) / "nvidia-smi"
                program.write_text(smi)
                program.chmod(0o755)
                os.environ["PATH"] = f"{folder}{os.pathsep}{path}"
            if pynvml is not None:
                (Path(folder) / "pynvml.py").write_text(pynvml)
                sys.path.insert(0, folder)
            times = []
            for _ in range(rounds):
                began = time.perf_counter()
                found = detect()
                times.append(time.perf_counter() - began)
        notes = [note for note in found.notes if "No graphics" not in note]
        print(f"{name}: {statistics.median(times):.2f} s, at most {max(times):.2f} s; {notes}")


if __name__ == "__main__":
    main()
