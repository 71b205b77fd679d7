"""How far apart benches of the same model are on this machine: what `compare --fail-on latency` can be set to.

    python -m edge_tagger.benchmarks.noise MODEL [--benches 6] [--preset normal] [--threads 1]

Measures the model several times and compares each bench with each: all differences are noise. Prints every ratio with
its interval, how many intervals leave 1 out, and the least limit that none of them would have broken.
"""

from __future__ import annotations

import argparse
import sys
from itertools import combinations
from pathlib import Path

from edge_tagger.benchmarks.compare import compare
from edge_tagger.benchmarks.device_bench import Job
from edge_tagger.benchmarks.plan import PRESETS
from edge_tagger.benchmarks.runner import run
from edge_tagger.terminal import echo


def main() -> int:
    parser = argparse.ArgumentParser(description="How far apart benches of the same model are on this machine.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--benches", type=int, default=6)
    parser.add_argument("--preset", choices=list(PRESETS), default="normal")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    reports = [
        run([asked.model], Job(plan=PRESETS[asked.preset], threads=(asked.threads,))) for _ in range(asked.benches)
    ]
    for report in reports:
        report.check()
    ratios = [compare(before, after).pairs[0].latency for before, after in combinations(reports, 2)]
    for ratio in ratios:
        echo(f"{ratio.value:.3f} ({ratio.low:.3f} to {ratio.high:.3f})")
    limit = max(0.0, *(bound - 1 for ratio in ratios for bound in (ratio.low or 1, 1 / (ratio.high or 1))))
    echo(
        f"{len(ratios)} comparisons of {asked.benches} benches: the furthest ratio is "
        f"{max(abs(ratio.value - 1) for ratio in ratios):.1%} from 1, "
        f"{sum(ratio.differs for ratio in ratios)} intervals leave 1 out, "
        f"and no --fail-on latency of {limit:.1%} or more would have failed, in either order"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
