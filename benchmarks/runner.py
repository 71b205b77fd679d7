"""Models, one after another, on one device."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from edge_tagger.benchmarks.devices.device import Device, find_device
from edge_tagger.benchmarks.plan import DEFAULT_NUM_RUNS, DEFAULT_WARMUP_RUNS, Plan
from edge_tagger.benchmarks.results import Result, read_result, write_results
from edge_tagger.errors import OutputError
from edge_tagger.manifest import read_model
from edge_tagger.progress import Progress


def run(
    models: Sequence[str | os.PathLike[str]],
    *,
    device: str | Device = "local",
    threads: int = 1,
    num_runs: int = DEFAULT_NUM_RUNS,
    warmup_runs: int = DEFAULT_WARMUP_RUNS,
    json_path: Path | None = None,
) -> list[Result]:
    """Measure each model; `json_path` is written anew after each, so that what was measured is kept.

    Raises ModelError, DeviceError or OutputError; models that cannot be read and a folder that is not there are
    found before anything is measured.
    """
    plan = Plan(threads=threads, num_runs=num_runs, warmup_runs=warmup_runs)
    place = find_device(device) if isinstance(device, str) else device
    paths = [Path(model) for model in models]
    for path in paths:
        read_model(path)
    if json_path is not None and not json_path.resolve().parent.is_dir():
        raise OutputError(f"cannot write {json_path}: its folder does not exist; make it first")
    results: list[Result] = []
    with Progress(len(paths), f"measuring on {place.name}", unit="model") as progress:
        for path in paths:
            date = datetime.now(timezone.utc).isoformat(timespec="seconds")
            document = place.measure(path, plan)
            results.append(read_result(path, document, device=place.name, date=date, plan=plan))
            if json_path is not None:
                write_results(json_path, results)
            progress.update()
    return results
