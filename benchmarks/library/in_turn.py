"""A round of one contender, a round of the other, again and again: what slows the machine down slows both."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median


def in_turn(contenders: Sequence[Callable[[], float]], *, rounds: int) -> list[list[float]]:
    """The samples of each contender, one a round. The order turns round each time; a first round is not counted."""
    samples: list[list[float]] = [[] for _ in contenders]
    for number in range(rounds + 1):
        order = range(len(contenders)) if number % 2 else range(len(contenders) - 1, -1, -1)
        for place in order:
            sample = contenders[place]()
            if number:
                samples[place].append(sample)
    return samples


def block_ms(call: Callable[[], object], *, calls: int) -> Callable[[], float]:
    """A contender whose sample is the median of `calls` calls in ms, after two that are not counted.

    Two, because the threads of the contender before spin for a while.
    """

    def measure() -> float:
        call()
        call()
        return median(_timed_ms(call) for _ in range(calls))

    return measure


def _timed_ms(call: Callable[[], object]) -> float:
    started_ns = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - started_ns) / 1e6
