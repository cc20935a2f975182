"""Detection's readers on texts of machines that are not here."""

from app.hardware import parse
from app.hardware.detect import detect


def test_nvidia_smi_reads_each_card_in_mib() -> None:
    text = (
        "NVIDIA GeForce RTX 4090, 24564, 22911, 580.95.05\n"
        "NVIDIA GeForce RTX 3090, 24576, 1, 580.95.05\n"
    )
    first, second = parse.nvidia_smi(text)
    assert first.name == "NVIDIA GeForce RTX 4090"
    assert first.total_bytes == 24564 * 1024 * 1024
    assert first.free_bytes == 22911 * 1024 * 1024
    assert first.driver == "580.95.05"
    assert second.free_bytes == 1024 * 1024


def test_nvidia_smi_keeps_what_the_driver_does_not_support_unknown() -> None:
    (gpu,) = parse.nvidia_smi("NVIDIA Thor, [N/A], [N/A], 580.00\nUnable to talk to the driver\n")
    assert gpu.total_bytes is None
    assert gpu.free_bytes is None


def test_drm_card_of_amd_reports_memory() -> None:
    gpu = parse.drm_card(
        {
            "vendor": "0x1002\n",
            "device": "0x744c\n",
            "mem_info_vram_total": "25753026560\n",
            "mem_info_vram_used": "1073741824\n",
            "driver": "amdgpu",
        }
    )
    assert gpu is not None
    assert (gpu.vendor, gpu.total_bytes) == ("AMD", 25753026560)
    assert gpu.free_bytes == 25753026560 - 1073741824


def test_drm_card_of_a_virtual_display_is_none() -> None:
    assert parse.drm_card({"vendor": "0x1234\n"}) is None


def test_apple_shares_memory_and_honours_the_users_limit() -> None:
    default = parse.apple("Apple M2 Max", 32 * 1024**3, 0)
    assert default.total_bytes == 32 * 1024**3 * 2 // 3
    assert default.unified
    assert parse.apple("Apple M2 Max", 32 * 1024**3, 28_000).total_bytes == 28_000 * 1024**2


def test_cpu_model_is_one_line_of_words() -> None:
    assert (
        parse.cpu_model("processor\t: 0\nmodel name\t: AMD  Ryzen 9\t7950X\n")
        == "AMD Ryzen 9 7950X"
    )
    assert parse.cpu_model("CPU implementer : 0x41\n") == ""


def test_detect_answers_on_this_machine() -> None:
    found = detect()
    assert found.ram.total_bytes >= found.ram.available_bytes > 0
    assert found.cpu.threads >= found.cpu.cores >= 1
    assert found.disk.free_bytes > 0
    assert found.gpus or found.notes
