"""The readers' corners: what drivers write when something is missing, odd or broken."""

import json
from pathlib import Path

import pytest

from app.hardware import engine, linux, macos, names, nvidia, windows
from app.hardware.bandwidth import bandwidth
from app.hardware.merge import merge
from app.hardware.sighting import ProbeError, Sighting

GIB = 1024**3


def test_nvidia_smi_keeps_what_the_driver_does_not_support_unknown() -> None:
    (gpu,) = nvidia.smi("NVIDIA Thor, 00000000:01:00.0, [N/A], [Not Supported], 580.00\n")
    assert (gpu.total_bytes, gpu.free_bytes, gpu.integrated) == (None, None, True)


def test_nvidia_smi_reads_a_table_with_a_warning_above_it() -> None:
    text = "WARNING: infoROM is corrupted\n\nTesla T4, 00000000:00:1E.0, 15360, 14928, 535.161.08\n"
    (gpu,) = nvidia.smi(text)
    assert (gpu.name, gpu.pci_id, gpu.free_bytes) == ("Tesla T4", "0000:00:1e.0", 14928 * 1024**2)


@pytest.mark.parametrize("text", ["", "No devices were found\n"])
def test_nvidia_smi_without_a_card_is_no_failure(text: str) -> None:
    assert nvidia.smi(text) == ()


def test_nvidia_smi_that_prints_junk_is_quoted() -> None:
    text = (
        "==============NVSMI LOG==============\n\n"
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure "
        "that the latest NVIDIA driver is installed and running.\n"
    )
    with pytest.raises(ProbeError, match="it said: NVIDIA-SMI has failed because it couldn't"):
        nvidia.smi(text)
    with pytest.raises(ProbeError, match="it said: xyzzy"):
        nvidia.smi("xyzzy\n\x00\x01,,,,\n")


def test_pci_addresses_are_written_one_way() -> None:
    assert nvidia.pci_id("00000000:0A:00.0") == "0000:0a:00.0"
    assert nvidia.pci_id("0000000F:01:00.0") == "000f:01:00.0"
    assert nvidia.pci_id("[N/A]") == ""


def tree(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_sysfs_is_read_as_the_kernel_lays_it_out(tmp_path: Path) -> None:
    pci = tmp_path / "devices/pci0000:00/0000:03:00.0"
    tree(
        pci,
        {
            "vendor": "0x1002\n",
            "device": "0x744c\n",
            "mem_info_vram_total": "25753026560\n",
            "mem_info_vram_used": "1073741824\n",
            "mem_busy_percent": "0\n",
        },
    )
    (tmp_path / "bus/drivers/amdgpu").mkdir(parents=True)
    (pci / "driver").symlink_to(tmp_path / "bus/drivers/amdgpu")
    drm = tmp_path / "class/drm"
    for name in ("card1", "card1-HDMI-A-1"):
        (drm / name).mkdir(parents=True)
        (drm / name / "device").symlink_to(pci)
    (gpu,) = linux.sysfs(linux.ask_sysfs(drm))
    assert gpu.pci_id == "0000:03:00.0"
    assert (gpu.vendor, gpu.driver, gpu.integrated) == ("AMD", "amdgpu", False)
    assert (gpu.total_bytes, gpu.free_bytes) == (25753026560, 25753026560 - 1073741824)


def test_no_drm_at_all_is_no_card(tmp_path: Path) -> None:
    assert linux.sysfs(linux.ask_sysfs(tmp_path / "none")) == ()


def test_a_vega_10_card_is_not_taken_for_a_part_of_the_processor() -> None:
    card = {"vendor": "0x1002", "device": "0x687f", "pci": "0000:03:00.0", "driver": "amdgpu"}
    (gpu,) = linux.sysfs(json.dumps([card]))
    assert gpu.integrated is False


def test_the_limit_of_a_container_binds(tmp_path: Path) -> None:
    own, root = tmp_path / "cgroup", tmp_path / "fs"
    own.write_text("0::/kubepods/pod1\n")
    tree(
        root,
        {
            "memory.stat": "inactive_file 0\n",
            "kubepods/memory.max": "max\n",
            "kubepods/memory.current": "9000\n",
            "kubepods/pod1/memory.max": "8000\n",
            "kubepods/pod1/memory.current": "5000\n",
            "kubepods/pod1/memory.stat": "anon 3000\ninactive_file 1500\nactive_file 500\n",
        },
    )
    assert linux.within_limits(100_000, 60_000, linux.ask_cgroups(own, root)) == (8000, 4500)


def test_the_limit_of_an_old_container_binds_at_the_top_of_its_own_folder(tmp_path: Path) -> None:
    own, root = tmp_path / "cgroup", tmp_path / "fs"
    own.write_text("5:cpu,cpuacct:/docker/ab\n4:memory:/docker/ab\n")
    tree(
        root / "memory",
        {
            "memory.limit_in_bytes": "8000\n",
            "memory.usage_in_bytes": "5000\n",
            "memory.stat": "inactive_file 7\ntotal_inactive_file 1000\n",
        },
    )
    groups = linux.ask_cgroups(own, root)
    assert groups == [{"limit": "8000", "used": "5000", "inactive_file": "1000"}]
    assert linux.within_limits(100_000, 60_000, groups) == (8000, 4000)


def test_no_limit_is_none() -> None:
    groups = [
        {"limit": "max", "used": "5", "inactive_file": "0"},
        {"limit": "9223372036854771712", "used": "5", "inactive_file": "0"},
    ]
    assert linux.within_limits(1000, 600, groups) == (1000, 600)


def test_cpu_name_is_one_line_of_words() -> None:
    assert linux.cpu_name("model name\t: AMD  Ryzen 9\t7950X\n") == "AMD Ryzen 9 7950X"
    assert linux.cpu_name("CPU implementer : 0x41\n") == ""


def test_the_registry_of_an_old_driver_has_its_size_as_bytes() -> None:
    values = {
        "DriverDesc": "NVIDIA GeForce GTX 1080",
        "MatchingDeviceId": "PCI\\VEN_10DE&DEV_1B80",
        "HardwareInformation.MemorySize": "hex:0000f07f",
    }
    (gpu,) = windows.registry(json.dumps({"0000": values}))
    assert gpu.total_bytes == 0x7FF00000


def test_apples_share_of_memory_and_the_users_own() -> None:
    gib_of = {16: 10.667, 24: 16.0, 32: 21.333, 36: 27.0, 64: 48.0, 128: 96.0}
    for memory, share in gib_of.items():
        assert macos.working_set(memory * GIB, 0) / GIB == pytest.approx(share, abs=0.001)
    assert macos.working_set(32 * GIB, 28_000) == 28_000 * 1024**2


def test_a_mac_with_an_intel_processor_has_its_card_from_system_profiler() -> None:
    assert macos.sysctl("hw.memsize: 1\nmachdep.cpu.brand_string: Intel(R) Core(TM) i9\n") == ()
    card = {"sppci_model": "AMD Radeon Pro 5500M", "spdisplays_vram": "8 GB"}
    (gpu,) = macos.profiler(json.dumps({"SPDisplaysDataType": [card]}))
    assert (gpu.vendor, gpu.total_bytes, gpu.integrated) == ("AMD", 8 * GIB, False)


@pytest.mark.parametrize("text", ["", "junk", "[]", '{"SPHardwareDataType": []}'])
def test_junk_of_a_macs_programs_is_a_failure_with_its_words(text: str) -> None:
    with pytest.raises(ProbeError, match="it said"):
        macos.profiler(text)
    with pytest.raises(ProbeError, match="it said"):
        macos.sysctl(text)


def test_a_painter_in_software_is_no_card() -> None:
    device = {
        "backend": "Vulkan",
        "name": "Vulkan0",
        "description": "llvmpipe (LLVM 19.1.7, 256 bits)",
        "kind": "gpu",
        "pci_id": "",
        "free_bytes": 1,
        "total_bytes": 1,
    }
    assert engine.devices(json.dumps({"devices": [device]})) == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Intel(R) UHD Graphics 770", True),
        ("Intel(R) Iris(R) Xe Graphics", True),
        ("Intel(R) Arc(TM) Graphics", True),
        ("Intel(R) Arc(TM) 140V GPU (16GB)", True),
        ("AMD Radeon(TM) Graphics", True),
        ("AMD Radeon 780M Graphics", True),
        ("AMD Radeon RX 7900 XTX", False),
        ("Intel(R) Arc(TM) A770 Graphics", False),
        ("Intel(R) Arc(TM) Pro B60 Graphics", False),
        ("AMD Radeon VII", False),
        ("NVIDIA GeForce RTX 4090", False),
        ("NVIDIA H200", None),
    ],
)
def test_a_name_tells_whether_it_is_part_of_the_processor(name: str, expected: bool) -> None:
    assert names.integrated(name) is expected


def test_bandwidth_is_that_of_the_very_card_or_none() -> None:
    assert bandwidth("NVIDIA GeForce RTX 4090", 24564 * 1024**2) == 1_008_000_000_000
    assert bandwidth("NVIDIA GeForce RTX 4090 Laptop GPU", 16 * GIB) == 576_000_000_000
    assert bandwidth("NVIDIA GeForce RTX 3080", 12 * GIB) == 912_000_000_000
    assert bandwidth("NVIDIA GeForce RTX 3080", 10 * GIB) == 760_000_000_000
    assert bandwidth("NVIDIA A100-SXM4-80GB", 80 * GIB) == 2_039_000_000_000
    assert bandwidth("Apple M4 Max", None, 40) == 546_000_000_000
    assert bandwidth("Apple M4 Max", None) is None
    assert bandwidth("NVIDIA GeForce RTX 9999", 24 * GIB) is None


def card(probe: str, total_gib: float, free_gib: float, **more: str) -> Sighting:
    sizes = {"total_bytes": int(total_gib * GIB), "free_bytes": int(free_gib * GIB)}
    return Sighting(probe, "NVIDIA", "NVIDIA GeForce RTX 4090", **sizes, **more)  # type: ignore[arg-type]  # two kinds of field


def test_probes_that_disagree_are_told() -> None:
    place = {"pci_id": "0000:01:00.0"}
    seen = [card("NVML", 24, 23, **place), card("llama.cpp", 16, 12, device="CUDA0", **place)]
    (gpu,), notes = merge(seen, 0)
    assert (gpu.total_bytes, gpu.free_bytes) == (24 * GIB, 23 * GIB)
    assert notes == [
        (
            "NVIDIA GeForce RTX 4090: NVML says 24.0 GB of memory, llama.cpp 16.0 GB; "
            "the first is used."
        ),
        (
            "NVIDIA GeForce RTX 4090: NVML says 23.0 GB of free memory, llama.cpp 12.0 GB; "
            "the first is used."
        ),
    ]


def test_two_cards_of_one_name_stay_two_where_a_probe_knows_no_places() -> None:
    seen = [
        card("NVML", 24, 20, pci_id="0000:01:00.0"),
        card("NVML", 24, 23, pci_id="0000:02:00.0"),
        card("llama.cpp", 24, 20, device="CUDA0"),
        card("llama.cpp", 24, 23, device="CUDA1"),
    ]
    gpus, notes = merge(seen, 0)
    assert [(gpu.pci_id, gpu.devices) for gpu in gpus] == [
        ("0000:01:00.0", ("CUDA0",)),
        ("0000:02:00.0", ("CUDA1",)),
    ]
    assert notes == []


def test_a_card_that_two_back_ends_can_use_is_one() -> None:
    seen = [
        card("llama.cpp", 24, 20, device="CUDA0", pci_id="0000:01:00.0"),
        card("llama.cpp", 24.2, 20, device="Vulkan0", pci_id="0000:01:00.0"),
    ]
    (gpu,), notes = merge(seen, 0)
    assert gpu.devices == ("CUDA0", "Vulkan0")
    assert (gpu.probe, notes) == ("llama.cpp", [])
