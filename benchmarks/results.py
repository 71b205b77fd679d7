"""What was measured, with everything needed to compare it later, as JSON."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from edge_tagger.benchmarks.plan import Plan
from edge_tagger.benchmarks.summary import Summary, summarize
from edge_tagger.errors import DeviceError
from edge_tagger.files import write_json
from edge_tagger.manifest import read_model

FORMAT = 1


@dataclass(frozen=True)
class Result:
    """One model on one device. `samples_ms` are all counted runs in their order; memory is None where unknown.

    `baseline_memory_bytes` is the worker's peak before it opened the model (Python, numpy, the runtime) and
    `peak_memory_bytes` its peak at the end. `date` is ISO 8601 in UTC. `runtime` has name and version, `machine` cpu,
    cores, os, arch and python.
    """

    path: str
    sha256: str
    size_bytes: int
    device: str
    date: str
    plan: Plan
    init_ms: float
    first_ms: float
    samples_ms: tuple[float, ...]
    baseline_memory_bytes: int | None
    peak_memory_bytes: int | None
    runtime: Mapping[str, str]
    machine: Mapping[str, Any]

    @cached_property
    def summary(self) -> Summary:
        return summarize(self.samples_ms)

    @property
    def images_per_s(self) -> float:
        """One photo after another: the inverse of the mean."""
        return 1000 / self.summary.mean_ms


def read_result(model: Path, document: Mapping[str, Any], *, device: str, date: str, plan: Plan) -> Result:
    """The result in a worker's document. Raises ModelError where `model` cannot be read, DeviceError for a document
    that another version's worker wrote."""
    data = read_model(model)
    try:
        return Result(
            path=str(model),
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=len(data),
            device=device,
            date=date,
            plan=plan,
            init_ms=float(document["init_ms"]),
            first_ms=float(document["first_ms"]),
            samples_ms=tuple(float(sample) for sample in document["samples_ms"]),
            baseline_memory_bytes=document["memory"]["baseline_bytes"],
            peak_memory_bytes=document["memory"]["peak_bytes"],
            runtime=document["runtime"],
            machine=document["machine"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DeviceError(f"the worker on {device} gave a document that cannot be read: {error!r}") from error


def as_json(results: Sequence[Result]) -> dict[str, Any]:
    """The results as plain JSON values.

    {"format", "results": [{"model": {"path", "sha256", "size_bytes"}, "device", "date", "threads", "num_runs",
    "warmup_runs", "seed", "init_ms", "first_ms", "samples_ms": [..], "summary": {"min_ms", "p50_ms", "p90_ms",
    "p95_ms", "p99_ms", "mean_ms", "stddev_ms"}, "images_per_s", "memory": {"baseline_bytes", "peak_bytes"},
    "runtime": {"name", "version"}, "machine": {"cpu", "cores", "os", "arch", "python"}}]}
    """
    return {"format": FORMAT, "results": [_result_json(result) for result in results]}


def write_results(path: Path, results: Sequence[Result]) -> None:
    """Write all results, wholly or not at all. Raises OutputError."""
    write_json(path, as_json(results))


def _result_json(result: Result) -> dict[str, Any]:
    return {
        "model": {"path": result.path, "sha256": result.sha256, "size_bytes": result.size_bytes},
        "device": result.device,
        "date": result.date,
        **dataclasses.asdict(result.plan),
        "init_ms": result.init_ms,
        "first_ms": result.first_ms,
        "samples_ms": list(result.samples_ms),
        "summary": dataclasses.asdict(result.summary),
        "images_per_s": result.images_per_s,
        "memory": {"baseline_bytes": result.baseline_memory_bytes, "peak_bytes": result.peak_memory_bytes},
        "runtime": dict(result.runtime),
        "machine": dict(result.machine),
    }
