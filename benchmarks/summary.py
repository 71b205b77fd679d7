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


def merged(parts: Sequence[Summary]) -> Summary:
    """Of rounds whose samples nobody kept: percentiles and deviation are medians of theirs, the mean is exact."""
    counts = [part.count for part in parts]
    return Summary(
        count=sum(counts),
        min_ms=min(part.min_ms for part in parts),
        p50_ms=_median([part.p50_ms for part in parts]),
        p90_ms=_median([part.p90_ms for part in parts]),
        p95_ms=_median([part.p95_ms for part in parts]),
        p99_ms=_median([part.p99_ms for part in parts]),
        mean_ms=float(np.average([part.mean_ms for part in parts], weights=counts)),
        stddev_ms=float(np.median([part.stddev_ms for part in parts])),
    )


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None
