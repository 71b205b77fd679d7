"""How a benchmark measures."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_NUM_RUNS = 50
DEFAULT_WARMUP_RUNS = 5


@dataclass(frozen=True)
class Plan:
    """`warmup_runs` are made after the first run and not counted; `seed` draws the pixels that all runs are given."""

    threads: int = 1
    num_runs: int = DEFAULT_NUM_RUNS
    warmup_runs: int = DEFAULT_WARMUP_RUNS
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("threads", 1), ("num_runs", 1), ("warmup_runs", 0), ("seed", 0)):
            value = getattr(self, name)
            if value < least:
                raise ValueError(f"{name} is {value}; give {least} or more")
