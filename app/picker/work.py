"""What the picker does off the window's thread: look at the machine, plan a table, ask the hub.

Each function is one job; they start processes and read files, and raise WorldError.
"""

import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.chat.load_plan import held
from app.errors import Problem, WorldError
from app.fit.candidates import Candidate, from_path
from app.fit.devices import Machine, from_hardware
from app.fit.learned import Learned
from app.hardware import detect
from app.hardware.types import Hardware
from app.models import catalogue, hub, library, quantize, servers
from app.models.catalogue import Entry
from app.models.servers import Server
from app.picker import listing, offer, remote, table
from app.picker.listing import Item
from app.picker.offer import Offer
from app.picker.remote import Remote
from app.picker.table import Table
from app.server.address import is_server

if TYPE_CHECKING:
    from app.engine.protocol import ModelInfo
    from app.models.hub import Repository
    from app.models.library import LocalModel


NO_MLX = Problem(
    "no-mlx-engine",
    "This Ponder has no engine for MLX models.",
    "Choose a GGUF of the same model.",
)


SOURCES = ("F32", "F16", "BF16", "Q8_0")
"""Types that smaller ones are made of; of others too much is lost already."""
TARGETS = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M")


def engines() -> frozenset[str]:
    """Return the engines that this Ponder has: a model that none of them runs is not offered.

    MLX comes with it on Macs with Apple silicon only. Elsewhere it is for tests: it has no GPU.
    """
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    return table.ENGINES if apple else table.ENGINES - {"mlx"}


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen: the machine with what the loaded model would give back, and the models here.

    too_big: ids of the catalogue's entries of which nothing runs here. offer: what to begin with.
    servers: those that the user connected to.
    """

    hardware: Hardware
    machine: Machine
    entries: tuple[Entry, ...]
    local: tuple["LocalModel", ...]
    too_big: frozenset[str]
    offer: Offer | None
    servers: tuple[Server, ...] = ()

    @property
    def here(self) -> dict[tuple[str, str], str]:
        """Return the paths of the files that are here, by repository and name in it."""
        found: dict[tuple[str, str], str] = {}
        for model in self.local:
            if model.repository:
                folder = model.engine == "mlx"
                name = model.repository if folder else Path(model.path).name
                found[model.repository, name] = str(model.path)
        return found


def look(info: "ModelInfo | None" = None, opened: Sequence[str] = ()) -> Look:
    """Look at the machine and at what is on it. 0.3 to 3 s.

    info: of the loaded model, whose memory counts as free. opened: paths that the user opened
    lately, wherever they are.
    """
    hardware = detect.detect()
    machine = from_hardware(hardware).given_back(*held(info))
    entries = catalogue.entries()
    local = _with_opened(library.found(), [path for path in opened if not is_server(path)])
    too_big = listing.too_big(entries, machine)
    seen = Look(hardware, machine, entries, local, too_big, None, servers.known())
    best = offer.best(entries, machine, here=seen.here, learned=Learned(), engines=engines())
    return replace(seen, offer=best)


def _with_opened(
    found: tuple["LocalModel", ...], opened: Sequence[str]
) -> tuple["LocalModel", ...]:
    known = {str(model.path) for model in found}
    others = [
        model
        for path in dict.fromkeys(opened)
        if path not in known and (model := library.at(Path(path))) is not None
    ]
    return (*found, *others)


def plan_item(
    item: Item, context: int, seen: Look, fetched: Remote | None = None
) -> tuple[Table, Remote | None]:
    """Return the table of any item, and what was fetched of it, to be given again the next time."""
    if item.repository is None:
        return plan_table(item, context, seen), None
    fetched = fetched or remote.fetch(item.id)
    return plan_remote(fetched, context, seen), fetched


def plan_table(item: Item, context: int, seen: Look) -> Table:
    """Return the table of an item for a context in tokens, 0 for the advised one.

    Raises WorldError where it cannot be planned, and with the advice for what needs a server.
    """
    learned = Learned()
    if item.entry is not None:
        entry = item.entry
        wanted = context or table.advised_context(entry.context, entry.context_default)
        return table.of_entry(
            entry, seen.machine, wanted, here=seen.here, learned=learned, engines=engines()
        )
    if item.local is not None:
        if item.local.engine not in engines():
            raise WorldError(NO_MLX)
        path = str(item.local.path)
        candidate = from_path(Path(path))
        makeable = () if item.local.source == "demo" else _makeable(Path(path), candidate)
        return table.of_file(
            candidate, path, seen.machine, context, makeable=makeable, learned=learned
        )
    raise ValueError(f"{item.id} is on the hub: plan what was fetched of it")


def _makeable(path: Path, candidate: Candidate) -> tuple[Candidate, ...]:
    """Return what can be quantized from a file here: of the usual types, the smaller ones."""
    if candidate.shape.quantization not in SOURCES:
        return ()
    found: list[Candidate] = []
    for quantization in TARGETS:
        try:
            planned = quantize.plan(path, quantization)
        except WorldError:
            continue  # it is this type already, or cannot be made of it
        if planned.bytes < candidate.shape.file_bytes:
            name = quantize.default_out(path, quantization).name
            found.append(replace(planned.candidate, file=name, repository="", here=False))
    return tuple(found)


def find(words: str) -> tuple["Repository", ...]:
    """Return what the hub has for words, or the one repository of an address. Raises WorldError."""
    return (hub.resolve(words),) if hub.is_address(words) else hub.search(words)


def plan_remote(fetched: Remote, context: int, seen: Look) -> Table:
    """Return the table of a repository of the hub. Raises WorldError where no engine runs it."""
    if fetched.repository.engine not in engines():
        raise WorldError(NO_MLX)
    advised = table.advised_context(fetched.context, table.STEPS[2])
    return table.of_candidates(
        fetched.candidates,
        seen.machine,
        context or advised,
        table.steps(fetched.context, advised),
        advised,
        sizes=fetched.sizes,
        here=seen.here,
        revision=fetched.repository.revision,
        learned=Learned(),
    )
