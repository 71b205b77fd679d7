"""How much slower one cell is than another, and how sure that is.

The interval is a bootstrap of two levels, since samples are not independent: runs of one process share its memory and
its clocks, and runs that follow each other share what else happened on the machine.

1. Of the n rounds (processes) n - 1 are drawn with replacement. One fewer than there are, for with n the spread between
   few rounds comes out too small: by 1 - 1/n (Rao and Wu, "Resampling Inference with Complex Survey Data", Journal of
   the American Statistical Association 83, 1988).
2. In each of them, blocks of the square root of its length are drawn, so that neighbours stay together (the moving
   blocks of Künsch, "The Jackknife and the Bootstrap for General Stationary Observations", Annals of Statistics 17,
   1989).
3. The p50 of all that was drawn, after over before; the middle 95 % of them are the interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
_REPLICATES = 1000
_MOST_SAMPLES = 2000  # of a round; of more, every k-th is as good and faster


@dataclass(frozen=True)
class Ratio:
    """p50 after over p50 before, and where 95 % of its replicates lie; None where a side has a single number.

    `rounds` is the smaller number of them: with one, the interval knows nothing of how processes differ.
    """

    value: float
    low: float | None
    high: float | None
    rounds: int

    @property
    def differs(self) -> bool:
        """Whether 1 lies outside of the interval."""
        return self.low is not None and self.high is not None and not self.low <= 1 <= self.high


def ratio_of_medians(before: Sequence[Sequence[float]], after: Sequence[Sequence[float]], *, seed: int = 0) -> Ratio:
    """Of the samples of each round; the same samples give the same interval. Raises ValueError without samples."""
    sides = [[np.asarray(samples, np.float64) for samples in rounds] for rounds in (before, after)]
    if not all(rounds and all(len(samples) for samples in rounds) for rounds in sides):
        raise ValueError("there are rounds without samples to compare")
    fewest = min(len(rounds) for rounds in sides)
    value = float(np.median(np.concatenate(sides[1])) / np.median(np.concatenate(sides[0])))
    sides = [[samples[:: -(-len(samples) // _MOST_SAMPLES)] for samples in rounds] for rounds in sides]
    if any(sum(map(len, rounds)) == 1 for rounds in sides):
        return Ratio(value, None, None, fewest)
    draw = np.random.default_rng(seed)
    medians = [_replicates(rounds, draw) for rounds in sides]
    low, high = np.quantile(medians[1] / medians[0], ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)).tolist()
    return Ratio(value, low, high, fewest)


def _replicates(rounds: Sequence[NDArray[np.float64]], draw: np.random.Generator) -> NDArray[np.float64]:
    """Medians [_REPLICATES]."""
    drawn = draw.integers(len(rounds), size=(_REPLICATES, max(len(rounds) - 1, 1)))
    times = np.bincount(drawn.ravel(), minlength=len(rounds))
    resampled = [iter(_blocks(samples, count, draw)) for samples, count in zip(rounds, times, strict=True)]
    return np.array([np.median(np.concatenate([next(resampled[place]) for place in row])) for row in drawn])


def _blocks(samples: NDArray[np.float64], count: int, draw: np.random.Generator) -> NDArray[np.float64]:
    """[count, as many samples], in blocks that lie anywhere."""
    length = math.isqrt(len(samples))
    starts = draw.integers(len(samples) - length + 1, size=(count, -(-len(samples) // length), 1))
    places: NDArray[np.int64] = (starts + np.arange(length)).reshape(count, -1)[:, : len(samples)]
    return np.take(samples, places)
