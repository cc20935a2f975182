"""The picker's table is the plan's, for machines that are not here."""

from dataclasses import replace

import pytest

from app.errors import WorldError
from app.fit.candidates import from_entry
from app.fit.devices import NAMES, named
from app.fit.plan import plan, with_eyes
from app.models import catalogue
from app.models.catalogue import Entry, File
from app.models.projectors import BESIDE
from app.picker import offer, table, words
from app.picker.listing import items, too_big


def entry(name: str = "magistral") -> Entry:
    found = catalogue.find(name)
    assert found is not None
    return found


@pytest.mark.parametrize("device", NAMES)
def test_the_best_line_is_the_plans_choice(device: str) -> None:
    machine, magistral = named(device), entry()
    candidates = from_entry(magistral)
    choice = plan(candidates, machine, 40_960).choice
    choice = choice and with_eyes(choice, machine, candidates)
    found = table.of_entry(magistral, machine, 40_960)
    best = [line for line in found.lines if line.best]
    assert [line.row for line in best] == ([choice] if choice else [])
    if best:
        assert found.lines[found.best] is best[0]


@pytest.mark.parametrize("device", NAMES)
def test_a_line_fills_its_bar_with_what_the_row_takes(device: str) -> None:
    machine = named(device)
    found = table.of_entry(entry(), machine, 40_960)
    assert found.free_bytes == table.free_bytes(machine)
    for line in found.lines:
        parts = line.weights_bytes + line.context_bytes + line.working_bytes
        assert parts == line.row.parts.total
        assert line.fits == (line.row.verdict != "no")
        if line.fits:
            assert parts <= line.free_bytes


def test_each_quantization_has_one_line_the_largest_first() -> None:
    found = table.of_entry(entry(), named("rtx4090"), 40_960)
    labels = [line.label for line in found.lines]
    assert len(labels) == len(set(labels))
    assert labels[:4] == ["BF16", "Q8_0", "Q6_K", "Q5_K_M"]
    assert found.lines[found.best].label == "Q6_K"
    assert found.lines[found.best].row.placement.kv == "q8_0"
    assert "kept in 8 bits (q8_0) to fit 40,960 tokens" in found.reason
    assert "measured on other models" in found.reason


def test_under_three_bits_is_shown_and_never_best() -> None:
    found = table.of_entry(entry(), named("rtx4060-8gb"), 40_960)
    line = next(line for line in found.lines if line.label == "Q2_K")
    assert "not advised" in line.verdict
    assert not line.best
    assert line.quality.dots == 1


def test_a_smaller_context_leaves_more_to_spare() -> None:
    small = table.of_entry(entry(), named("rtx4090"), 8192)
    large = table.of_entry(entry(), named("rtx4090"), 131_072)
    assert small.lines[0].context_bytes < large.lines[0].context_bytes
    assert small.steps == large.steps == (8192, 16384, 40960, 131072)
    assert small.advised == 40_960


@pytest.mark.parametrize(
    ("limit", "advised", "wanted"),
    [
        (131_072, 40_960, (8192, 16384, 40960, 131072)),
        (262_144, 32_768, (8192, 16384, 32768, 40960, 131072)),
        (4096, 4096, (4096,)),
        (0, 40_960, (8192, 16384, 40960, 131072)),
    ],
)
def test_the_contexts_to_choose_from(limit: int, advised: int, wanted: tuple[int, ...]) -> None:
    assert table.steps(limit, advised) == wanted


def test_a_file_that_is_here_is_not_downloaded() -> None:
    repository = "bartowski/mistralai_Magistral-Small-2509-GGUF"
    file = "mistralai_Magistral-Small-2509-Q6_K.gguf"
    here = {(repository, file): "models/q6.gguf"}
    found = table.of_entry(entry(), named("rtx4090"), 40_960, here=here)
    line = found.lines[found.best]
    assert line.source.path == "models/q6.gguf"
    assert line.download_bytes == 0
    assert found.lines[0].download_bytes > 4e10


def test_all_parts_of_a_split_file_are_wanted() -> None:
    split = File("Q8_0", "a/b", "b-00001-of-00003.gguf", "a", True, "llama_cpp", 10**9, "published")
    found = table.of_entry(replace(entry(), files=(split,)), named("cpu64"), 8192)
    assert found.lines[0].source.files == tuple(f"b-0000{n}-of-00003.gguf" for n in (1, 2, 3))


def test_an_mlx_folder_is_wanted_whole() -> None:
    found = table.of_entry(entry(), named("mac32"), 40_960)
    line = next(line for line in found.lines if line.label == "MLX 5bit")
    assert line.source.files == ()
    without = table.of_entry(entry(), named("mac32"), 40_960, engines=frozenset({"llama_cpp"}))
    assert not [line.label for line in without.lines if line.label.startswith("MLX")]


def test_where_nothing_fits_the_reason_says_what_would() -> None:
    machine = named("rtx4060-8gb")
    host = replace(machine.host, free_bytes=0)
    found = table.of_entry(entry(), replace(machine, host=host), 131_072)
    assert not any(line.best for line in found.lines)
    assert found.best == 0
    assert found.reason.startswith("Nothing fits")
    assert all(line.verdict.startswith("Does not fit") for line in found.lines)


def test_what_needs_a_server_is_not_planned() -> None:
    with pytest.raises(WorldError):
        table.of_entry(entry("magistral-medium"), named("rtx4090"), 40_960)


# ---------------------------------------------------------------- the first screen's offer


@pytest.mark.parametrize(
    ("device", "title"),
    [
        ("rtx4090", "Magistral Small 1.2, Q6_K"),
        ("mac32", "Magistral Small 1.2, Q5_K_M"),
        ("rtx3060-12gb", "Ministral 3 14B Reasoning, Q4_K_M"),
        ("cpu16", "Ministral 3 14B Reasoning, Q4_K_M"),
    ],
)
def test_the_offer_is_the_best_that_runs_well(device: str, title: str) -> None:
    engines = frozenset({"llama_cpp"})
    found = offer.best(catalogue.entries(), named(device), engines=engines)
    assert found is not None
    assert found.title == title
    assert "with the full 40,960-token context" in found.facts
    assert found.facts.endswith("GB download")


def test_the_offer_is_bearable_on_every_machine() -> None:
    for device in NAMES:
        found = offer.best(catalogue.entries(), named(device))
        assert found is not None
        assert found.line.fits
        assert (found.line.row.tokens_per_s or 0) >= offer.BEARABLE_TOKENS_PER_S


def test_nothing_is_offered_where_nothing_fits() -> None:
    machine = named("cpu16")
    empty = replace(machine, host=replace(machine.host, free_bytes=0))
    assert offer.best(catalogue.entries(), empty) is None


# ---------------------------------------------------------------- the list


def test_the_list_has_its_groups_in_order() -> None:
    entries = catalogue.entries()
    big = too_big(entries, named("rtx4090"))
    listed = items(entries, (), too_big_ids=big)
    groups = [item.group for item in listed]
    assert groups == sorted(groups, key=("found", "recommended", "here", "bigger").index)
    assert listed[0].title == "Magistral Small 1.2"
    assert listed[0].subtitle == "24B · reasoning · Apache-2.0"
    bigger = {item.title: item for item in listed if item.group == "bigger"}
    assert {"Mistral Small 4", "Magistral Medium"} <= set(bigger)
    assert bigger["Magistral Medium"].dimmed
    assert bigger["Magistral Medium"].subtitle == "Mistral AI · API only"


def test_what_does_not_fit_at_all_needs_a_bigger_machine() -> None:
    machine = named("cpu16")
    little = replace(machine, host=replace(machine.host, free_bytes=6 << 30))
    big = too_big(catalogue.entries(), little)
    assert "magistral-small-1.2" in big
    assert "ministral-3-3b-reasoning" not in big
    listed = items(catalogue.entries(), (), too_big_ids=big)
    assert next(item for item in listed if item.id == "magistral-small-1.2").group == "bigger"


def test_a_title_line_has_publisher_and_scores() -> None:
    said = words.facts(entry())
    assert said == "Mistral AI · thinks before it answers · AIME24 86 % · AIME25 77 %"


def test_a_vision_part_is_downloaded_with_what_has_room_for_it_and_costs_no_quality() -> None:
    magistral = entry()
    assert magistral.projector_bytes
    found = table.of_entry(magistral, named("rtx4090"), 40_960)
    lines = {line.label: line for line in found.lines}
    # Six bits fill the card: the best stays the best, and cannot see.
    assert lines["Q6_K"].best
    assert not [name for name in lines["Q6_K"].source.files if "mmproj" in name]
    assert lines["Q6_K"].row.parts.projector == 0
    smaller = lines["Q4_K_M"]
    assert [name for name in smaller.source.files if "mmproj" in name]
    assert smaller.row.parts.projector > magistral.projector_bytes
    # The makers' own repository has none: the same quantization of one that has is taken.
    assert not smaller.row.candidate.official
    assert smaller.source.repository == smaller.row.candidate.repository
    assert smaller.download_bytes == smaller.row.shape.file_bytes + magistral.projector_bytes
    alone = next(one for one in from_entry(magistral) if one.shape.quantization == "Q4_K_M")
    assert alone.official
    # Where the makers' is here, it is that one, and none is counted with it.
    here = {(alone.repository, alone.file): "/models/Magistral.gguf"}
    found = table.of_entry(magistral, named("rtx4090"), 40_960, here=here)
    line = next(line for line in found.lines if line.label == "Q4_K_M")
    assert line.source.path
    assert line.row.candidate.official
    assert line.row.parts.projector == 0
    assert line.row.candidate.projector == BESIDE
