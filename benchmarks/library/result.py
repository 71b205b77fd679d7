"""What was measured of two contenders in turn, and whether it is good enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

import numpy as np

Unit = Literal["ms", "s", "MB"]


@dataclass(frozen=True)
class Goal:
    """`at most` bounds ours / other's; `at least` bounds other's / ours, that is how many times faster we are."""

    kind: Literal["at most", "at least"]
    limit: float

    def ratios(self, ours: Sequence[float], others: Sequence[float]) -> list[float]:
        """One ratio for each round, whose two samples lie next to each other in time."""
        pairs = zip(ours, others, strict=True)
        return [mine / its if self.kind == "at most" else its / mine for mine, its in pairs]

    def is_met(self, ratio: float) -> bool:
        return ratio <= self.limit if self.kind == "at most" else ratio >= self.limit

    def __str__(self) -> str:
        return f"{'≤' if self.kind == 'at most' else '≥'} {self.limit:g} x"


@dataclass(frozen=True)
class Result:
    """`ours` and `others` have one sample for each round, in `unit`; both are empty where `missing` says why."""

    what: str
    against: str
    goal: Goal
    unit: Unit
    ours: tuple[float, ...] = ()
    others: tuple[float, ...] = ()
    missing: str = ""

    def __post_init__(self) -> None:
        if len(self.ours) != len(self.others):
            raise ValueError(f"{self.what}: {len(self.ours)} samples of ours against {len(self.others)}")
        if bool(self.ours) == bool(self.missing):
            raise ValueError(f"{self.what}: give samples, or say why there are none")

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios."""
        return median(self.goal.ratios(self.ours, self.others))

    @property
    def ratio_quartiles(self) -> tuple[float, float]:
        low, high = np.percentile(self.goal.ratios(self.ours, self.others), (25, 75)).tolist()
        return low, high

    @property
    def met(self) -> bool | None:
        """None where nothing was measured."""
        return None if self.missing else self.goal.is_met(self.ratio)


@dataclass(frozen=True)
class Section:
    """What one scenario found: lines of the table, and facts that are no ratio."""

    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()
