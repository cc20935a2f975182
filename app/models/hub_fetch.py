"""What asks the hub, through its own client: only ever run in a child (app/models/hub_child.py)."""

import hashlib
import json
import os
import struct
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app import net, paths
from app.errors import Problem, WorldError
from app.models import tokens
from app.models.download_types import Agreed, Wanted, check_name, siblings
from app.models.gguf import Header, read_header
from app.models.hub import Address, EngineName, Repository
from app.models.hub_errors import told

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import ModelInfo

_ASK_S = 20.0
_FIRST_BYTES = 1 << 20
"""Small vocabularies end before this; one of 131,072 tokens ends at 5 to 10 MB."""
_MOST_BYTES = 1 << 27


def search(words: str, engine: EngineName | None, limit: int) -> tuple[Repository, ...]:
    """Return what matches, the most used first."""
    from app.models import hub_repository

    kinds = {"llama_cpp": ("gguf",), "mlx": ("mlx",), None: ("gguf", "mlx")}[engine]
    listed = [info for kind in kinds for info in _listed(words, kind, limit)]
    found = {info.id: hub_repository.read(info) for info in listed}
    runnable = [repository for repository in found.values() if repository.engine]
    return tuple(sorted(runnable, key=lambda repository: -repository.downloads))


def _listed(words: str, kind: str, limit: int) -> list["ModelInfo"]:
    """Return a page of a search.

    The client's own search tries for 25 s where there is no network: too long for one who types.
    """
    from huggingface_hub import ModelInfo, get_session, hf_raise_for_status

    asked: dict[str, str | int] = {"search": words, "filter": kind, "limit": limit}
    wished: dict[str, str | int] = {"full": True, "cardData": True, "config": True}
    with told(""):
        response = get_session().get(
            f"{net.endpoint()}/api/models",
            params={**asked, **wished, "sort": "downloads"},
            headers=headers(),
            timeout=_ASK_S,
        )
        hf_raise_for_status(response)
        listed = response.json()
    return [ModelInfo(**item) for item in listed]  # type: ignore[no-untyped-call]  # the hub's own


def resolve(address: Address) -> Repository:
    """Return a repository with its files; only the file that the address names, if it names one."""
    from app.models import hub_repository

    info = ask(address.repository, address.revision)
    repository = hub_repository.read(info)
    if not address.file:
        return repository
    files = tuple(file for file in repository.files if address.file in file.parts)
    if not files:
        hub_repository.agree(info, Wanted(info.id, files=(address.file,)))  # says if it is missing
        raise WorldError(
            Problem(
                "hub-no-model",
                f"{address.file} is not a model.",
                "Choose a .gguf file of the repository.",
            )
        )
    return replace(repository, files=files)


def agree(wanted: Wanted) -> Agreed:
    """Return what a download consists of at this moment."""
    from app.models import hub_repository

    return hub_repository.agree(ask(wanted.repository, wanted.revision), wanted)


def api() -> "HfApi":
    """Return the hub's client: with the user's token, or the one that it knows by itself."""
    from huggingface_hub import HfApi

    return HfApi(endpoint=net.endpoint(), token=tokens.known())


def ask(repository: str, revision: str) -> "ModelInfo":
    """Return what the hub says of a repository, with sizes and hashes. Raises WorldError."""
    with told(repository):
        return api().model_info(
            repository, revision=revision or None, files_metadata=True, timeout=_ASK_S
        )


def url_of(repository: str, name: str, revision: str) -> str:
    """Return the address of a file."""
    from huggingface_hub import hf_hub_url

    return hf_hub_url(repository, name, revision=revision, endpoint=net.endpoint())


def headers() -> dict[str, str]:
    """Return the headers of a request: the token, if there is one."""
    from huggingface_hub import get_token

    token = tokens.known() or get_token()
    return {"authorization": f"Bearer {token}"} if token else {}


# ------------------------------------------------------------ headers by range


def cached_header(repository: str, file: str, revision: str) -> Path | None:
    """Return a header that was fetched before, without asking anybody."""
    path = _cache_path(repository, file, revision)
    return path if path.exists() else None


def header(repository: str, file: str, revision: str) -> Path:
    """Fetch the header of a GGUF file, or of an MLX repository, into the cache; return it.

    Of a split file the headers of all parts come, side by side: each tells its own tensors only.
    """
    path = _cache_path(repository, file, revision)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not file:
            unfinished = path.with_name(f"{path.name}.{os.getpid()}")
            _mlx_headers(unfinished, repository, revision)
            unfinished.replace(path)
        # The first one last: where it is, all are.
        for part in reversed(siblings(file) if file else ()):
            check_name(part)
            place = path.with_name(part.rpartition("/")[2])
            unfinished = place.with_name(f"{place.name}.{os.getpid()}")
            unfinished.unlink(missing_ok=True)
            try:
                _gguf_header(unfinished, repository, part, revision)
                unfinished.replace(place)
            finally:
                unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise WorldError(
            Problem(
                "cache-unwritable",
                "The dimensions of the model could not be kept.",
                f"Check that there is room on the disk and that you may write to {path.parent}.",
                str(error),
            )
        ) from error
    return path


def read_fetched(path: Path) -> Header:
    """Return a header that `header` has fetched: of all parts together, where it is split."""
    headers = [read_header(path.with_name(name)) for name in siblings(path.name)]
    tensors = tuple(tensor for each in headers for tensor in each.tensors)
    return replace(headers[0], tensors=tensors)


def _cache_path(repository: str, file: str, revision: str) -> Path:
    name = hashlib.sha256(f"{repository}\0{revision}\0{file}".encode()).hexdigest()[:24]
    # The last part is what people read in messages about this file.
    return paths.cache_dir() / "headers" / name / (file or repository).rpartition("/")[2]


def _gguf_header(path: Path, repository: str, file: str, revision: str) -> None:
    """Fetch as much as the header takes, each byte once."""
    wanted = _FIRST_BYTES
    here = 0
    while True:
        data = fetch(repository, file, revision, here, wanted)
        with path.open("ab") as part:
            part.write(data)
        here += len(data)
        try:
            found = read_header(path)
        except WorldError as error:
            inside = error.problem.detail.startswith("the file ends inside its header")
            if not inside or here < wanted or wanted >= _MOST_BYTES:
                raise
        else:
            if here >= found.data_start:
                os.truncate(path, found.data_start)
                return
        wanted *= 2


def _mlx_headers(folder: Path, repository: str, revision: str) -> None:
    """Fetch config.json and the beginnings of the safetensors files, which tell their tensors."""
    info = ask(repository, revision)
    names = [sibling.rfilename for sibling in info.siblings or ()]
    folder.mkdir()
    (folder / "config.json").write_bytes(fetch(repository, "config.json", revision, 0, 1 << 24))
    for name in names:
        if "/" in name or not name.endswith(".safetensors"):
            continue
        check_name(name)
        start = fetch(repository, name, revision, 0, _FIRST_BYTES)
        (length,) = struct.unpack_from("<Q", start.ljust(8, b"\0"))
        if length > _MOST_BYTES:
            raise WorldError(_damaged(name, f"a header of {length:,} bytes"))
        if length + 8 > len(start):
            start += fetch(repository, name, revision, len(start), length + 8)
        try:
            json.loads(start[8 : 8 + length])
        except ValueError as error:
            raise WorldError(_damaged(name, str(error))) from error
        (folder / name).write_bytes(start[: 8 + length])


def fetch(repository: str, file: str, revision: str, start: int, end: int) -> bytes:
    """Return the bytes of a file from start to end, or to where the file ends before."""
    from huggingface_hub import get_session, hf_raise_for_status

    wanted = {**headers(), "range": f"bytes={start}-{end - 1}", "accept-encoding": "identity"}
    with told(repository, file):
        url = url_of(repository, file, revision)
        with get_session().stream("GET", url, headers=wanted, timeout=_ASK_S) as response:
            hf_raise_for_status(response)
            # A server without ranges sends all of it: no more of that than needed is read.
            skip = 0 if response.status_code == 206 else start
            data = bytearray()
            for chunk in response.iter_bytes(1 << 18):
                data += chunk
                if len(data) >= skip + end - start:
                    break
            return bytes(data[skip : skip + end - start])


def _damaged(name: str, detail: str) -> Problem:
    return Problem(
        "model-file", f"{name} on the hub is damaged.", "Choose another repository.", detail
    )
