"""Our p50 against that of LiteRT's own benchmark script, on this machine, in turn.

    python -m edge_tagger.benchmarks.against_litert MODEL [--threads 1] [--num-runs 50] [--warmup-runs 10] [--blocks 8]

LiteRT's script is ai_edge_litert.tools.benchmark_litert_model of its wheel (the command `litert-benchmark`), with the
same model, threads and runs. Each block is one process of it and one of ours, and every second block starts with the
other, so that what else runs meets both. It runs CompiledModel, we the Interpreter, both with XNNPACK. Prints both p50
of each block and the median of their ratios; more than 3 % apart ends with exit code 1.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from edge_tagger.benchmarks.device_bench import Job
from edge_tagger.benchmarks.plan import make_plan
from edge_tagger.benchmarks.runner import run
from edge_tagger.terminal import echo

SCRIPT = "ai_edge_litert.tools.benchmark_litert_model"
MOST_APART = 0.03


def litert_p50_ms(model: Path, *, threads: int, num_runs: int, warmup_runs: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "result.json")
        options = {
            "model": model, "num_threads": threads, "num_runs": num_runs, "warmup_runs": warmup_runs,
            "result_json": result,
        }  # fmt: skip
        words = [sys.executable, "-m", SCRIPT, *(f"--{name}={value}" for name, value in options.items())]
        subprocess.run(words, capture_output=True, check=True)
        return float(json.loads(result.read_text())["latency"]["median_ms"])


def our_p50_ms(model: Path, *, threads: int, num_runs: int, warmup_runs: int) -> float:
    plan = make_plan("quick", num_runs=num_runs, warmup_runs=warmup_runs)
    report = run([model], Job(plan=plan, threads=(threads,)))
    report.check()
    return statistics.median(report.results[0].samples_ms)


def main() -> int:
    parser = argparse.ArgumentParser(description="Our p50 against that of LiteRT's own benchmark script.")
    parser.add_argument("model", type=Path)
    for name, default in (("threads", 1), ("num-runs", 50), ("warmup-runs", 10), ("blocks", 8)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = vars(parser.parse_args())
    blocks = asked.pop("blocks")
    if find_spec(SCRIPT.rpartition(".")[0]) is None or find_spec(SCRIPT) is None:
        parser.error("LiteRT's script is not installed; pip install 'ai-edge-litert>=2.3'")
    ratios = []
    for block in range(blocks):
        if block % 2:
            ours_ms, litert_ms = our_p50_ms(**asked), litert_p50_ms(**asked)
        else:
            litert_ms, ours_ms = litert_p50_ms(**asked), our_p50_ms(**asked)
        ratios.append(ours_ms / litert_ms)
        echo(f"LiteRT's {litert_ms:.3f} ms, ours {ours_ms:.3f} ms: {ratios[-1]:.4f}")
    middle = statistics.median(ratios)
    echo(f"ours / LiteRT's, median of {blocks} blocks: {middle:.4f} ({min(ratios):.4f} to {max(ratios):.4f})")
    return int(abs(middle - 1) > MOST_APART)


if __name__ == "__main__":
    sys.exit(main())
