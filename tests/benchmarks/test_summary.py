from __future__ import annotations

import statistics

import pytest

from edge_tagger.benchmarks.summary import Summary, merged, summarize


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


def test_reported_rounds_are_merged() -> None:
    rounds = [Summary(10, 1.0, 2.0, None, 4.0, None, 2.0, 0.1), Summary(30, 1.5, 3.0, None, 5.0, None, 4.0, 0.3)]
    assert merged(rounds) == Summary(40, 1.0, 2.5, None, 4.5, None, 3.5, 0.2)
    assert merged(rounds[:1]) == rounds[0]
