"""Is a promise kept? `python -m tests.bench.bench_honest [--pairs N] [--seed N]`.

Random pairs of a model's shape and a budget of memory; each is loaded for real in a child that may
have no more (tests.support.honesty says how). Exit status 1 where a verdict was wrong.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.support.honesty import SPARE, Outcome, judge, pairs

MB = 1e6


def line(number: int, outcome: Outcome) -> str:
    pair = outcome.pair
    verdict = "fits" if outcome.fits else "no"
    loaded = "refused" if outcome.used_bytes is None else f"{outcome.used_bytes / MB:7.1f}"
    return (
        f"{number:>4} {pair.dimensions.architecture:<9} {pair.quantization:<7} "
        f"{pair.context:>6} {pair.kv:<5} promised {outcome.promised_bytes / MB:7.1f} budget "
        f"{outcome.budget_bytes / MB:7.1f} {verdict:<5} used {loaded:>7}"
        f"{'  WRONG' if outcome.wrong else ''}"
        f"{'  ' + outcome.why[-200:] if outcome.inconclusive else ''}"
    )


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=2026)
    parsed = parser.parse_args(arguments)
    began = time.monotonic()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, pair in enumerate(pairs(parsed.pairs, parsed.seed), 1):
            outcomes.append(judge(pair, Path(folder)))
            print(line(number, outcomes[-1]), flush=True)
    broken = [outcome for outcome in outcomes if outcome.fits and outcome.wrong]
    timid = [outcome for outcome in outcomes if not outcome.fits and outcome.wrong]
    unclear = [outcome for outcome in outcomes if outcome.inconclusive]
    errors = [o.promised_bytes / o.used_bytes - 1 for o in outcomes if o.used_bytes]
    verdicts = Counter(outcome.fits for outcome in outcomes)
    print(
        f"\n{len(outcomes)} pairs in {time.monotonic() - began:.0f} s: {verdicts[True]} fit, "
        f"{verdicts[False]} do not\n"
        f"fits that failed: {len(broken)}; does not fit, but would have with more than "
        f"{SPARE:.0%} to spare: {len(timid)}; failed for another reason: {len(unclear)}"
    )
    if errors:
        print(
            f"promised against used, {len(errors)} loads: {min(errors):+.2%} to "
            f"{max(errors):+.2%}, median {statistics.median(errors):+.2%}"
        )
    return 1 if broken or timid or unclear else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
