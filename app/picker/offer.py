"""What the first screen offers: the best reasoning model of the catalogue that runs well here."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.fit.devices import Machine
from app.fit.learned import Learned
from app.models.catalogue import Entry
from app.picker import table, words
from app.picker.table import Line

COMFORTABLE_TOKENS_PER_S = 8.0
"""A model that lies partly in main memory is offered first only if it writes as fast as one reads;
else a smaller one that fits whole comes before it."""
BEARABLE_TOKENS_PER_S = 5.0


@dataclass(frozen=True, slots=True)
class Offer:
    """A model and the way to load it."""

    entry: Entry
    line: Line
    context: int

    @property
    def total_bytes(self) -> int:
        """Return the memory it takes with its full context, wherever it lies."""
        found = self.line.row.estimate
        host = found.host.total if found.gpus and self.line.row.verdict == "partial" else 0
        return self.line.row.parts.total + host

    @property
    def title(self) -> str:
        """Return "Magistral Small 1.2, Q6_K"."""
        return f"{self.entry.name}, {self.line.label}"

    @property
    def facts(self) -> str:
        """Return the total at full context, the speed, and the size of the download."""
        row, said = self.line.row, [f"{words.memory(self.total_bytes)} with the full "]
        said[0] += f"{row.placement.context:,}-token context"
        if row.tokens_per_s is not None:
            about = "" if row.measured else "about "
            said.append(f"{about}{words.speed(row.tokens_per_s)} tokens a second")
        if self.line.download_bytes:
            said.append(f"{words.file_size(self.line.download_bytes)} download")
        return " · ".join(said)


def best(
    entries: Iterable[Entry],
    machine: Machine,
    *,
    here: dict[tuple[str, str], str] | None = None,
    learned: Learned | None = None,
    engines: frozenset[str] = table.ENGINES,
) -> Offer | None:
    """Return the offer for a machine, None where nothing fits.

    The catalogue's order is the order of preference; a licence that restricts use is not offered
    with one click.
    """
    offers: list[Offer] = []
    for entry in entries:
        if entry.where != "here" or entry.licence_terms or entry.dimensions is None:
            continue
        if entry.format in ("", "none"):
            continue
        context = entry.context_default
        found = table.of_entry(entry, machine, context, here=here, learned=learned, engines=engines)
        line = next((line for line in found.lines if line.best), None)
        if line is not None:
            offers.append(Offer(entry, line, found.context))
    for rule in (_runs_well, _runs_bearably):
        good = next((offer for offer in offers if rule(offer)), None)
        if good is not None:
            return good
    return max(offers, key=lambda offer: offer.line.row.tokens_per_s or 0.0, default=None)


def _runs_well(offer: Offer) -> bool:
    row = offer.line.row
    least = BEARABLE_TOKENS_PER_S if row.verdict == "fits" else COMFORTABLE_TOKENS_PER_S
    return row.tokens_per_s is None or row.tokens_per_s >= least


def _runs_bearably(offer: Offer) -> bool:
    return (offer.line.row.tokens_per_s or 0.0) >= BEARABLE_TOKENS_PER_S
