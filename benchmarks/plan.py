"""How a benchmark measures."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from edge_tagger.strict_toml import section, table_of


@dataclass(frozen=True)
class Plan:
    """Every cell (a model on a device with a number of threads) is measured in `rounds`, each in a new process there.

    A round makes at least `warmup_runs` runs that are not counted, and more until they are stable or `max_warmup_s`
    are over; 0 takes `warmup_runs` alone. Then it counts its share of `num_runs`, and goes on until its share of
    `min_duration_s` is over too. Stable: the medians of the last two windows of `window` runs differ by at most
    `tolerance`. `percentile` is the one that tables show first; `seed` draws the pixels.
    """

    preset: str = "normal"
    num_runs: int = 100
    min_duration_s: float = 3.0
    warmup_runs: int = 5
    max_warmup_s: float = 3.0
    window: int = 5
    tolerance: float = 0.03
    rounds: int = 5
    percentile: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        least: tuple[tuple[str, float], ...] = (
            ("num_runs", 1), ("min_duration_s", 0), ("warmup_runs", 0), ("max_warmup_s", 0), ("window", 1),
            ("tolerance", 0), ("rounds", 1), ("percentile", 1), ("seed", 0),
        )  # fmt: skip
        for name, bound in least:
            value = getattr(self, name)
            if not value >= bound:
                raise ValueError(f"{name} is {value}; give {bound} or more")
        if self.rounds > self.num_runs:
            raise ValueError(f"{self.rounds} rounds cannot share {self.num_runs} runs")

    def runs_of(self, place: int) -> int:
        """The share of `num_runs` of a round, from 0 on."""
        return self.num_runs // self.rounds + (place < self.num_runs % self.rounds)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> Plan:
        """Raises ValueError for what is no plan."""
        plan: Plan = section(cls, table_of(value, "plan"), "plan")
        return plan

    def __str__(self) -> str:
        runs = f"{self.num_runs} runs"
        if self.min_duration_s:
            runs = f"at least {runs} and {self.min_duration_s:g} s"
        warmup = f"{self.warmup_runs} to warm up"
        if self.max_warmup_s:
            warmup = f"at least {warmup}, until stable or {self.max_warmup_s:g} s"
        rounds = f", in {self.rounds} rounds" if self.rounds > 1 else ""
        return f"{runs}{rounds}; before them {warmup}"


# mlperf: the single-stream scenario of MLPerf Inference for mobile devices, 1,024 samples and 60 s, 90th percentile of
# measured latency (section 3, "Scenarios", of https://github.com/mlcommons/mobile_open/blob/main/rules/
# mobile_inference_rules.adoc). It asks for one uninterrupted run, hence one round. LoadGen itself is not used.
PRESETS = {
    "quick": Plan("quick", num_runs=20, min_duration_s=0.5, warmup_runs=3, max_warmup_s=1.0, rounds=3),
    "normal": Plan(),
    "mlperf": Plan("mlperf", num_runs=1024, min_duration_s=60.0, max_warmup_s=10.0, rounds=1, percentile=90),
}


def make_plan(
    preset: str = "normal", *, num_runs: int | None = None, warmup_runs: int | None = None, rounds: int | None = None
) -> Plan:
    """A preset; a number of runs that is given stands alone, without a least time. Raises ValueError."""
    if preset not in PRESETS:
        raise ValueError(f"the preset is {preset!r}; give {', '.join(PRESETS)}")
    plan = PRESETS[preset]
    if num_runs is not None:
        plan = replace(plan, num_runs=num_runs, min_duration_s=0.0, rounds=max(1, min(plan.rounds, num_runs)))
    if warmup_runs is not None:
        plan = replace(plan, warmup_runs=warmup_runs, max_warmup_s=0.0)
    return plan if rounds is None else replace(plan, rounds=rounds)
