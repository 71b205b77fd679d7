"""A few figures for many samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Summary:
    """`count` samples, in milliseconds. `stddev_ms` is the sample standard deviation (n - 1), 0 for one sample.

    None stands for what a program that keeps its samples to itself does not tell.
    """

    count: int
    min_ms: float
    p50_ms: float | None
    p90_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    mean_ms: float
    stddev_ms: float


def summarize(samples_ms: Sequence[float]) -> Summary:
    """Percentiles by linear interpolation between the two nearest samples. Raises ValueError for no samples."""
    if not samples_ms:
        raise ValueError("there are no samples to summarize")
    values = np.asarray(samples_ms, dtype=np.float64)
    p50, p90, p95, p99 = np.percentile(values, (50, 90, 95, 99)).tolist()
    return Summary(
        count=len(values),
        min_ms=float(values.min()),
        p50_ms=p50,
        p90_ms=p90,
        p95_ms=p95,
        p99_ms=p99,
        mean_ms=float(values.mean()),
        stddev_ms=float(values.std(ddof=1)) if len(values) > 1 else 0.0,
    )
