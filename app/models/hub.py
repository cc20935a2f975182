"""The hub of models (Hugging Face, or the mirror that HF_ENDPOINT names), as the app sees it.

Values, addresses, and the calls that the window's jobs and the command line make: each runs in a
child process (app/models/hub_child.py), blocks until it answers and raises WorldError.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app import net
from app.errors import Problem, WorldError
from app.models import hub_child

EngineName = Literal["llama_cpp", "mlx"]
Cancelled = Callable[[], bool]

_OWNER_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+$")
_QUANTIZATION = re.compile(
    r"(?:^|[-_.])((?:UD-)?(?:I?Q\d+(?:_\d|_[KSMLXN]+)*(?:_[A-Z]+)*|TQ\d_\d|MXFP4(?:_MOE)?|NVFP4|BF16|F16|F32))"
    r"(?=[-_.]|$)",
    re.IGNORECASE,
)
_MLX_BITS = re.compile(r"(?:^|[-_])(\d)-?bit(?=[-_.]|$)|(bf16|mxfp4|nvfp4)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A model in a repository that can be downloaded.

    name: the file, the first of them where it is split, "" for the whole repository (MLX). parts:
    all files that belong to it. bytes: of all of them, 0 while only a search has named it.
    """

    name: str
    quantization: str
    bytes: int = 0
    sha256: str = ""
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as the hub tells of it. revision: the commit, "" after a search.

    engine: None where neither can run it; why_not says why, and why_not_advice the ways that can.
    projectors: the parts that let a GGUF model see pictures. base: what it was made from. updated:
    a date, "" where unknown.
    """

    id: str
    publisher: str
    revision: str
    licence: str
    gated: bool
    files: tuple[RemoteFile, ...]
    engine: EngineName | None
    why_not: str = ""
    why_not_advice: str = ""
    projectors: tuple[RemoteFile, ...] = ()
    base: str = ""
    downloads: int = 0
    likes: int = 0
    updated: str = ""

    @property
    def page(self) -> str:
        """Return the address of its page."""
        return f"{net.endpoint()}/{self.id}"


@dataclass(frozen=True, slots=True)
class Address:
    """What the user typed. file: "" is all of the repository. revision: "" is the latest."""

    repository: str
    file: str = ""
    revision: str = ""


def is_address(text: str) -> bool:
    """Return whether a text is an address on the hub rather than words to search for."""
    text = text.strip()
    hosts = tuple(f"{host}/" for host in (net.DEFAULT_ENDPOINT, net.endpoint()))
    if text.startswith(("hf://", *hosts)):
        return True
    return bool(_OWNER_NAME.match(text)) and not text.endswith(".gguf")  # that is a path


def parse(text: str) -> Address:
    """Return what an address names: hf://owner/name[/file][@revision], owner/name, or its page.

    Raises WorldError.
    """
    rest = text.strip()
    revision = ""
    if rest.startswith(("http://", "https://")):
        host = next((h for h in (net.endpoint(), net.DEFAULT_ENDPOINT) if rest.startswith(h)), None)
        if host is None:
            raise WorldError(_no_address(text))
        rest = rest.removeprefix(host).strip("/").partition("?")[0]
        parts = rest.split("/")
        # A page of a file: owner/name/blob/main/folder/file.gguf
        if len(parts) > 3 and parts[2] in ("blob", "resolve", "tree", "raw"):
            revision = "" if parts[3] == "main" else parts[3]
            parts = parts[:2] + parts[4:]
        rest = "/".join(parts)
    else:
        rest, _, revision = rest.removeprefix("hf://").strip("/").partition("@")
    parts = rest.split("/", 2)
    if len(parts) < 2 or not _OWNER_NAME.match("/".join(parts[:2])):
        raise WorldError(_no_address(text))
    return Address("/".join(parts[:2]), parts[2] if len(parts) == 3 else "", revision)


def search(
    words: str,
    *,
    engine: EngineName | None = None,
    limit: int = 20,
    cancelled: Cancelled | None = None,
) -> tuple[Repository, ...]:
    """Return the GGUF and MLX repositories that match, the most used first; without file sizes."""
    from app.models import hub_fetch

    net.check_allowed()
    return hub_child.call(
        hub_fetch.search, "Search for models", cancelled, words.strip(), engine, limit
    )


def resolve(address: str | Address, *, cancelled: Cancelled | None = None) -> Repository:
    """Return the repository of an address with its files and their sizes, at one commit."""
    from app.models import hub_fetch

    found = parse(address) if isinstance(address, str) else address
    net.check_allowed()
    return hub_child.call(hub_fetch.resolve, "Look at a model", cancelled, found)


def header(
    repository: str, file: str, revision: str, *, cancelled: Cancelled | None = None
) -> Path:
    """Return a file with the header of a GGUF that is on the hub, fetched by range requests.

    file "": a folder with config.json and the headers of the safetensors files (MLX). Kept in the
    cache by commit, so only the first call asks the hub. revision: a commit.
    """
    from app.models import hub_fetch

    known = hub_fetch.cached_header(repository, file, revision)
    if known is not None:
        return known
    net.check_allowed()
    return hub_child.call(
        hub_fetch.header, "Read a model's dimensions", cancelled, repository, file, revision
    )


def quantization_of(name: str) -> str:
    """Return the quantization in a GGUF file's name, as llama.cpp writes it; "" where none is."""
    found = _QUANTIZATION.findall(name.rpartition("/")[2].removesuffix(".gguf"))
    return str(found[-1]).upper() if found else ""


def mlx_quantization(name: str) -> str:
    """Return "4bit" and the like from an MLX repository's name, "" where it does not say."""
    found = _MLX_BITS.search(name)
    if not found:
        return ""
    return f"{found.group(1)}bit" if found.group(1) else found.group(2).lower()


def _no_address(text: str) -> Problem:
    return Problem(
        "hub-address",
        f'"{text}" is no address of a model on the hub.',
        "Write it as hf://owner/name, or copy the address of its page.",
    )
