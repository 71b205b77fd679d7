"""`edge-tagger bench`: latency and memory of models, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from edge_tagger.benchmarks.results import Result


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--device", default="local", show_default=True, help="Where to measure; this version knows local.")
@click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True)
@click.option("--num-runs", type=click.IntRange(1), default=50, show_default=True, help="Runs that are counted.")
@click.option("--warmup-runs", type=click.IntRange(0), default=5, show_default=True, help="Runs before them.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all samples and the context here.")
def command(
    models: tuple[Path, ...], device: str, threads: int, num_runs: int, warmup_runs: int, json_path: Path | None
) -> None:
    """Measure latency and memory of .tflite files, each in a process of its own, on random pixels."""
    from edge_tagger.benchmarks.runner import run

    results = run(
        models, device=device, threads=threads, num_runs=num_runs, warmup_runs=warmup_runs, json_path=json_path
    )
    click.echo("\n".join(_lines(results)))


def _lines(results: Sequence[Result]) -> list[str]:
    from edge_tagger.table import table

    head = ["model", "size kB", "init", "first", "p50", "p90", "p95", "p99", "mean", "stddev", "images/s", "peak MB"]
    names = [Path(result.path).name for result in results]
    if len(set(names)) < len(names):
        names = [result.path for result in results]
    rows = [[name, *_cells(result)] for name, result in zip(names, results, strict=True)]
    return [*table([head, *rows]), "", *_context(results[0])]


def _cells(result: Result) -> list[str]:
    s = result.summary
    times_ms = (result.init_ms, result.first_ms, s.p50_ms, s.p90_ms, s.p95_ms, s.p99_ms, s.mean_ms, s.stddev_ms)
    return [
        f"{result.size_bytes / 1e3:,.0f}",
        *(f"{time_ms:,.2f}" if time_ms >= 1 else f"{time_ms:.3f}" for time_ms in times_ms),
        f"{result.images_per_s:,.1f}",
        "-" if result.peak_memory_bytes is None else f"{result.peak_memory_bytes / 1e6:,.1f}",
    ]


def _context(result: Result) -> list[str]:
    plan, machine, runtime = result.plan, result.machine, result.runtime
    threads = "1 thread" if plan.threads == 1 else f"{plan.threads} threads"
    lines = [
        f"Times in ms, {plan.num_runs} runs after {plan.warmup_runs} to warm up, {threads}.",
        f"{result.device}: {machine['cpu']}, {machine['cores']} cores, {machine['os']} {machine['arch']}, "
        f"Python {machine['python']}, {runtime['name']} {runtime['version']}",
    ]
    if result.baseline_memory_bytes is not None:
        lines.append(
            f"Peak memory includes Python, numpy and the runtime: {result.baseline_memory_bytes / 1e6:,.1f} MB."
        )
    return lines
