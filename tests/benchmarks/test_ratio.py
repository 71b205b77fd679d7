from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_tagger.benchmarks.ratio import ratio_of_medians


def rounds(
    draw: np.random.Generator, *, count: int = 5, spread: float = 0.02, factor: float = 1.0
) -> list[list[float]]:
    """Of 20 samples whose neighbours are alike (AR(1), 0.8); processes differ by `spread`."""
    return [(factor * (1 + spread * draw.standard_normal()) * (10 + _walk(draw, 20))).tolist() for _ in range(count)]


def _walk(draw: np.random.Generator, count: int) -> NDArray[np.float64]:
    steps = 0.2 * draw.standard_normal(count)
    for place in range(1, count):
        steps[place] += 0.8 * steps[place - 1]
    return steps


def test_the_ratio_is_that_of_the_tables_p50() -> None:
    ratio = ratio_of_medians([[1.0, 2.0, 3.0], [5.0]], [[5.0], [5.0, 5.0]])
    assert ratio.value == 2.0 and ratio.rounds == 2
    assert ratio.low is not None and ratio.high is not None and ratio.low <= 2 <= ratio.high


def test_the_same_samples_give_the_same_interval() -> None:
    draw = np.random.default_rng(3)
    before, after = rounds(draw), rounds(draw)
    assert ratio_of_medians(before, after) == ratio_of_medians(before, after)
    assert ratio_of_medians(before, after) != ratio_of_medians(before, after, seed=1)


def test_noise_of_processes_and_neighbours_lies_inside_and_a_real_difference_outside() -> None:
    draw = np.random.default_rng(5)
    same = [ratio_of_medians(rounds(draw), rounds(draw)) for _ in range(20)]
    assert sum(ratio.differs for ratio in same) <= 3  # 1 of 20 is to be expected
    slower = [ratio_of_medians(rounds(draw), rounds(draw, factor=1.15)) for _ in range(5)]
    assert all(ratio.differs and ratio.low is not None and ratio.low > 1.05 for ratio in slower)


def test_without_regard_to_processes_it_would_be_too_narrow() -> None:
    """The samples of all rounds as one long round: what a plain bootstrap would say."""
    draw = np.random.default_rng(5)
    pairs = [(rounds(draw), rounds(draw)) for _ in range(10)]
    kept = [ratio_of_medians(*pair) for pair in pairs]
    plain = [ratio_of_medians([[*chain(*before)]], [[*chain(*after)]]) for before, after in pairs]
    width = [np.median([(r.high or 0) - (r.low or 0) for r in each]) for each in (kept, plain)]
    assert width[0] > 1.2 * width[1]


def test_very_long_rounds_are_thinned() -> None:
    long = np.random.default_rng(1).normal(10, 1, 50_000).tolist()
    ratio = ratio_of_medians([long], [long])
    assert ratio.value == 1 and ratio.low is not None and ratio.high is not None
    assert 0.9 < ratio.low < 1 < ratio.high < 1.1


def test_a_single_number_has_no_interval() -> None:
    ratio = ratio_of_medians([[2.0]], [[1.0], [1.0]])
    assert (ratio.value, ratio.low, ratio.high, ratio.differs) == (0.5, None, None, False)


@pytest.mark.parametrize("wrong", [[], [[]], [[1.0], []]])
def test_no_samples(wrong: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="without samples"):
        ratio_of_medians([[1.0, 2.0]], wrong)
