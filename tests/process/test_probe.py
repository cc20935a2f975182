"""Probes in their own processes: the real one, and those that hang, crash or talk nonsense."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from app.engine.backends import devices
from app.hardware import children, nvidia
from app.hardware.detect import detect
from app.hardware.explain import verdicts

if sys.platform == "win32":
    pytest.skip("the stand-ins are shell scripts", allow_module_level=True)

PATIENCE_S = 30.0  # a busy machine must not make a good probe look bad
SHORT_S = 0.5
HANGS_S = 600
"""Far more than any wait below: a probe that was not ended would be noticed."""


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of an nvidia-smi that the probes find first, to be written by the test."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder / "nvidia-smi"


@pytest.fixture
def pynvml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a pynvml that the children import, to be written by the test."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))  # a spawned child gets its parent's path
    return folder / "pynvml.py"


def script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_this_machine_is_seen_as_it_is() -> None:
    found = detect(PATIENCE_S)
    assert found.cpu.threads == psutil.cpu_count()
    assert found.ram.total_bytes <= psutil.virtual_memory().total
    assert 0 < found.ram.available_bytes <= found.ram.total_bytes
    assert found.disk.free_bytes > 0
    assert not [probe for probe in found.probes if probe.problem]
    build = devices.examine()
    assert found.engine is not None
    assert found.engine.version == build.version
    assert found.engine.gpu_offload == build.gpu_offload
    usable = {device.name for device in build.devices if device.kind in ("gpu", "igpu")}
    assert {name for gpu in found.gpus for name in gpu.devices} == usable
    if not found.gpus:
        assert any("No graphics card" in note for note in found.notes)


def test_the_devices_of_llama_cpp_have_the_processor_with_this_machines_memory() -> None:
    (cpu,) = [device for device in devices.examine().devices if device.kind == "cpu"]
    assert (cpu.backend, cpu.name) == ("CPU", "CPU")
    assert cpu.total_bytes == psutil.virtual_memory().total


def test_a_card_that_nvidia_smi_alone_reports(smi: Path) -> None:
    script(smi, "echo 'NVIDIA GeForce RTX 4090, 00000000:01:00.0, 24564, 23511, 580.95.05'")
    found = detect(PATIENCE_S)
    (gpu,) = [gpu for gpu in found.gpus if "nvidia-smi" in gpu.probe]
    assert gpu.free_bytes == 23511 * 1024**2
    assert gpu.pci_id == "0000:01:00.0"
    if found.engine and not found.engine.backends:
        assert "the engine is built for the CPU" in verdicts(found)[0].reason


def test_a_probe_that_hangs_is_ended_and_told(smi: Path) -> None:
    pids = smi.with_name("pids")
    script(smi, f"echo $$ >>'{pids}'; exec sleep {HANGS_S}")
    began = time.monotonic()
    texts, problems = children.ask([children.SMI, children.SYSFS, children.ENGINE], SHORT_S)
    assert time.monotonic() - began < HANGS_S / 4
    assert "did not answer within" in problems[children.SMI]
    assert children.SYSFS in texts, "the others are not harmed"
    for pid in pids.read_text().split():
        assert not psutil.pid_exists(int(pid)), "the program itself is ended too"


def test_a_library_that_hangs_is_ended_and_told(pynvml: Path) -> None:
    pynvml.write_text(f"import time\ntime.sleep({HANGS_S})\n")
    began = time.monotonic()
    texts, problems = children.ask([children.NVML, children.SYSFS], SHORT_S)
    assert time.monotonic() - began < HANGS_S / 4
    assert "did not answer within" in problems[children.NVML]
    assert children.SYSFS in texts


def test_a_library_that_crashes_is_told_and_nvidia_smi_answers(smi: Path, pynvml: Path) -> None:
    pynvml.write_text("import ctypes\nctypes.string_at(0)\n")
    script(smi, "echo 'NVIDIA GeForce RTX 4090, 00000000:01:00.0, 24564, 23511, 580.95.05'")
    found = detect(PATIENCE_S)
    assert "NVML: crashed (SIGSEGV)." in found.notes
    (gpu,) = [gpu for gpu in found.gpus if "nvidia-smi" in gpu.probe]
    assert gpu.total_bytes == 24564 * 1024**2


def test_a_program_that_crashes_is_told(smi: Path) -> None:
    script(smi, "kill -SEGV $$")
    _, problems = children.ask([children.SMI], PATIENCE_S)
    assert problems == {children.SMI: "crashed (SIGSEGV)"}


def test_a_program_that_prints_junk_is_quoted(smi: Path) -> None:
    script(smi, "printf 'Unable to determine the device handle\\n\\377\\376\\000,,,,\\n'; exit 9")
    found = detect(PATIENCE_S)
    assert "nvidia-smi: it said: Unable to determine the device handle." in found.notes
    assert not [gpu for gpu in found.gpus if "nvidia-smi" in gpu.probe]


def test_a_library_that_prints_does_not_disturb_the_answer(
    pynvml: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pynvml.write_text(
        "import os\n"
        "os.write(1, b'junk on stdout\\n')\n"
        "os.write(2, b'junk on stderr\\n')\n"
        "class NVMLError(Exception): pass\n"
        "class NVMLError_FunctionNotFound(NVMLError): pass\n"
        "class NVMLError_NotSupported(NVMLError): pass\n"
        "nvmlMemory_v2 = 2\n"
        "class Card:\n"
        "    total, free, reserved, busId = 25757220864, 25000000000, 0, '00000000:01:00.0'\n"
        "def nvmlInit(): pass\n"
        "def nvmlSystemGetDriverVersion(): return '580.95.05'\n"
        "def nvmlDeviceGetCount(): return 1\n"
        "def nvmlDeviceGetHandleByIndex(at): return Card\n"
        "def nvmlDeviceGetName(handle): return b'NVIDIA GeForce RTX 4090'\n"
        "def nvmlDeviceGetPciInfo(handle): return handle\n"
        "def nvmlDeviceGetMemoryInfo(handle, version): return handle\n"
    )
    texts, problems = children.ask([children.NVML], PATIENCE_S)
    assert problems == {}
    (gpu,) = nvidia.nvml(texts[children.NVML])
    assert (gpu.name, gpu.free_bytes) == ("NVIDIA GeForce RTX 4090", 25000000000)
    assert capfd.readouterr() == ("", "")


def test_a_package_that_is_missing_is_a_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pynvml: Path
) -> None:
    pynvml.write_text("raise ModuleNotFoundError('pynvml')\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    _, problems = children.ask([children.NVML], PATIENCE_S)
    assert problems[children.NVML] == "the package nvidia-ml-py is not installed"
    assert problems[children.SMI] == "nvidia-smi is not installed"


@pytest.mark.skipif(nvidia.installed(), reason="there is a driver")
def test_the_real_package_says_that_there_is_no_driver() -> None:
    texts, problems = children.ask([children.NVML], PATIENCE_S)
    assert texts == {}
    assert problems == {
        children.NVML: "NVIDIA's driver is not installed (it brings NVML's library)",
        children.SMI: "nvidia-smi is not installed",
    }
