"""llama-cpp-python, which is published as source only: choose the GPU, compile, keep the wheel.

Compiling takes minutes, so it is done at most once per computer: the wheel is kept in the user's
cache under a name made from all it depends on (the source's hash, the flags, the compiler's
tools, the processor), where the next clone and the next Python find it. It is done by ninja in
`.setup/obj`, which stays until the wheel is there: a build cut short goes on where it was.

Not compiled: llama.cpp's programs, and the helper library for them, a quarter of the work, which
nothing in the wheel loads. mtmd (images) is: models of the Magistral family see.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import shutil
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

from installers.setup_common import (
    GIB,
    LOG,
    ROOT,
    SETUP,
    WINDOWS,
    Progress,
    TroubleError,
    remove,
    require_space,
    run,
    shown,
    write_whole,
)

BUILD_LOCK = ROOT / "requirements" / "build.txt"
BUILD_VENV = SETUP / "env"
SOURCE = SETUP / "src"
OBJECTS = SETUP / "obj"  # short names: Windows allows 260 characters and llama.cpp needs many
WHEELS = SETUP / "wheel"
NAMES = {"cpu": "the CPU", "cuda": "CUDA", "metal": "Metal", "vulkan": "Vulkan"}
# llama-cpp-python forces some cache variables; an ordinary variable of that name goes before them.
OPTIONS = """
set(LLAMA_BUILD_COMMON OFF)
set(LLAMA_OPENSSL OFF)
set(GGML_METAL OFF)
"""
KINDS = {
    "cpu": "",
    "cuda": "set(GGML_CUDA ON)\n",
    "metal": "set(GGML_METAL ON)\n",
    "vulkan": "set(GGML_VULKAN ON)\n",
}
# Measured for the CPU: source 0.2 GB, tools 0.1, objects 0.1. CUDA's kernels are many times that.
NEEDED_BYTES = {"cpu": GIB, "metal": GIB, "vulkan": 2 * GIB, "cuda": 5 * GIB}
JOB_BYTES = 3 * GIB // 2  # what one compiler process may take
BUILD = """
import sys
from scikit_build_core.build import build_wheel
wheels, objects, options = sys.argv[1:]
build_wheel(wheels, {
    "build-dir": objects,
    "build.targets": "llama;ggml;mtmd",
    "wheel.exclude": "bin/**;include/**;lib/**",
    "cmake.define.CMAKE_PROJECT_llama_cpp_INCLUDE_BEFORE": options,
})
"""
PROBE = """
import sys
import llama_cpp
llama_cpp.llama_backend_init()
if sys.argv[1:]:
    try:
        model = llama_cpp.Llama(sys.argv[1], n_ctx=256, n_gpu_layers=-1, verbose=False)
    except ValueError as error:  # the file is at fault, not the engine
        print(error)
    else:
        model.eval([1, 2, 3])
"""
RECIPE = "\0".join([OPTIONS, *KINDS.values(), BUILD])


def accelerator() -> str:
    """Return what to build for: "cuda", "metal", "vulkan" or "cpu".

    Looks at files only, because it is asked at every start.
    """
    if sys.platform == "darwin":
        return "metal" if os.uname().machine == "arm64" else "cpu"
    nvcc = shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")
    windows = os.environ.get("SYSTEMROOT", "C:\\Windows")
    drivers = ("/dev/nvidia0", "/usr/lib/wsl/lib/libcuda.so.1", f"{windows}/System32/nvcuda.dll")
    if nvcc and any(Path(driver).exists() for driver in drivers):
        return "cuda"
    kit = os.environ.get("VULKAN_SDK") or "/usr/include/vulkan/vulkan.h"
    loader = kit if WINDOWS else "/dev/dri/renderD128"
    if shutil.which("glslc") and Path(kit).exists() and Path(loader).exists():
        return "vulkan"
    return "cpu"


def cache_dir() -> Path:
    """Return the folder of finished wheels: the operating system's cache folder for Ponder."""
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "Ponder" / "engine"
    if WINDOWS:
        local = os.environ.get("LOCALAPPDATA") or str(home / "AppData" / "Local")
        return Path(local) / "Ponder" / "Cache" / "engine"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "Ponder" / "engine"


def name_of(kind: str, requirement: str) -> str:
    """Return the name under which the wheel for this accelerator and computer is kept.

    llama.cpp is compiled for the very processor it is compiled on, so that is part of it.
    """
    processor = platform.processor() + os.environ.get("PROCESSOR_IDENTIFIER", "")
    with contextlib.suppress(OSError):
        text = Path("/proc/cpuinfo").read_text()
        found = re.search(r"^(?:flags|Features)\s*:.*", text, re.MULTILINE)
        processor += found[0] if found else ""
    parts = [kind, requirement, BUILD_LOCK.read_text(), RECIPE, processor]
    parts += [sys.platform, platform.machine(), *platform.libc_ver()]
    parts.append(os.environ.get("CMAKE_ARGS", ""))  # scikit-build-core obeys it
    return f"{kind}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:20]}"


def find(kind: str, requirement: str) -> Path | None:
    """Return the finished wheel for this accelerator and computer, if there is one."""
    name = name_of(kind, requirement)
    for folder in (WHEELS / name, cache_dir() / name):
        for wheel in sorted(folder.glob("llama_cpp_python-*.whl")):
            return wheel
    return None


def forget(kind: str, requirement: str) -> None:
    """Throw the finished wheel away, wherever it is."""
    name = name_of(kind, requirement)
    for folder in (WHEELS / name, cache_dir() / name):
        remove(folder)


def build(kind: str, requirement: str, tools: Path, pip: Mapping[str, str]) -> Path:
    """Compile the wheel, keep it, and return its path.

    requirement: llama-cpp-python's entry in the lock, with its hashes. tools: the interpreter that
    has requirements/build.txt. pip: pip's environment. Raises TroubleError with the cause in words.
    """
    require_space(NEEDED_BYTES[kind], "building the engine")
    name = name_of(kind, requirement)
    source = _fetch(requirement, tools, pip)
    marker = OBJECTS / "of"
    if not marker.exists() or marker.read_text() != name:
        remove(OBJECTS)
    resumed = OBJECTS.exists()
    if not _compile(kind, name, source, tools, failed="" if resumed else _failure(kind)):
        # What an interrupted build left may be at fault: once more, from nothing.
        remove(OBJECTS)
        _compile(kind, name, source, tools, failed=_failure(kind))
    wheel = find(kind, requirement)
    if wheel is None:
        raise TroubleError(f"{_failure(kind)}: no wheel came out. See {shown(LOG)}.")
    with contextlib.suppress(OSError):  # a cache that cannot be written is no trouble
        kept = cache_dir() / name
        kept.mkdir(parents=True, exist_ok=True)
        draft = kept / (wheel.name + ".part")
        shutil.copyfile(wheel, draft)
        draft.replace(kept / wheel.name)
    remove(SOURCE)
    remove(OBJECTS)
    return wheel


def _failure(kind: str) -> str:
    return f"The engine (llama.cpp) could not be built for {NAMES[kind]}"


def _fetch(requirement: str, tools: Path, pip: Mapping[str, str]) -> Path:
    """Return the folder of the unpacked source, downloaded and checked by hash where need be."""
    ready = SOURCE / "of"
    if not ready.exists() or ready.read_text() != requirement:
        progress = Progress("Fetching the engine's source")
        remove(SOURCE)
        SOURCE.mkdir(parents=True)
        wanted = SOURCE / "requirement.txt"
        wanted.write_text(requirement)
        options = ["--no-deps", "--no-build-isolation", "--no-binary", ":all:", "--require-hashes"]
        run(
            [tools, "-I", "-u", "-m", "pip", "download", *options, "-r", wanted, "-d", SOURCE],
            env=pip,
            failed="The engine's source could not be fetched",
        )
        for archive in SOURCE.glob("*.tar.gz"):
            with tarfile.open(archive) as tar:
                if hasattr(tarfile, "data_filter"):  # from 3.11.4 on
                    tar.extraction_filter = tarfile.data_filter
                tar.extractall(SOURCE)
            archive.unlink()
        write_whole(ready, requirement)
        progress.end()
    return next(folder for folder in SOURCE.iterdir() if folder.is_dir())


def _compile(kind: str, name: str, source: Path, tools: Path, *, failed: str) -> bool:
    OBJECTS.mkdir(exist_ok=True)
    (OBJECTS / "of").write_text(name)
    options = OBJECTS / "options.cmake"
    options.write_text(OPTIONS + KINDS[kind])
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    env["CMAKE_BUILD_PARALLEL_LEVEL"] = str(jobs())
    draft = WHEELS / (name + ".part")
    remove(draft)
    progress = Progress(f"Building the engine (llama.cpp) for {NAMES[kind]}")
    worked = run(
        [tools, "-I", "-u", "-c", BUILD, draft, OBJECTS, options.as_posix()],
        env=env,
        cwd=source,
        on_line=lambda line: follow_ninja(progress, line),
        failed=failed,
    )
    if worked:
        remove(WHEELS / name)
        draft.rename(WHEELS / name)
    progress.end("done" if worked else "failed")
    return worked


def follow_ninja(progress: Progress, line: str) -> None:
    """Show how far a build is, from a line of ninja's such as "[12/193] g++ -O3 ..."."""
    step = re.match(r"\s*\[(\d+)/(\d+)\] ", line)
    if step:
        progress.part(int(step[1]), int(step[2]))


def jobs() -> int:
    """Return how many compilers may run at once: one a core, as far as the memory goes."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    memory = [float("inf")]
    with contextlib.suppress(OSError):
        text = Path("/proc/meminfo").read_text()
        memory += [int(kib) * 1024 for kib in re.findall(r"MemAvailable:\s*(\d+)", text)]
    with contextlib.suppress(OSError, ValueError):  # a container's limit; "max" is none
        memory.append(int(Path("/sys/fs/cgroup/memory.max").read_text()))
    with contextlib.suppress(AttributeError, ValueError, OSError):
        memory.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return int(max(1, min(cores or 1, min(memory) // JOB_BYTES)))
