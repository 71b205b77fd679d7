from __future__ import annotations

import statistics

import pytest

from edge_tagger.benchmarks.summary import Summary, summarize


def test_percentiles_lie_between_the_two_nearest_samples() -> None:
    samples = [float(n) for n in range(100, 0, -1)]
    found = summarize(samples)
    assert (found.count, found.min_ms, found.mean_ms) == (100, 1, 50.5)
    # Place (n - 1) * q in the sorted samples, as numpy's "linear" method has it.
    assert found.p50_ms == pytest.approx(50.5)
    assert found.p90_ms == pytest.approx(90.1)
    assert found.p95_ms == pytest.approx(95.05)
    assert found.p99_ms == pytest.approx(99.01)
    assert found.stddev_ms == pytest.approx(statistics.stdev(samples))


def test_one_sample_is_every_figure_and_none_is_an_error() -> None:
    assert summarize([2.5]) == Summary(1, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5, 0.0)
    with pytest.raises(ValueError, match="no samples"):
        summarize([])
