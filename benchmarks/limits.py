"""How much worse a bench may be than another before a build fails.

latency=5%      p50: a regression where the whole interval of the ratio lies above 1.05, so that noise is none
memory=10%      peak memory above the interpreter's baseline
size=10%        of the file
map=0.5         points of macro mAP on the same photos, of 100
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edge_tagger.benchmarks.compare import Comparison, Pair, Quality

# Name -> its unit and an example.
LIMITS = {"latency": ("%", "5%"), "memory": ("%", "10%"), "size": ("%", "10%"), "map": ("", "0.5")}
_WITHOUT = dict.fromkeys(LIMITS, "there is nothing to compare")
_WITHOUT["map"] = "measure both with `bench --photos` and the same labelled photos"
FORMS = ", ".join(f"{name}={example}" for name, (_, example) in LIMITS.items())


@dataclass(frozen=True)
class Verdict:
    """One line each. `void` are the limits that nothing could be held to: a build must not pass for want of figures."""

    regressions: tuple[str, ...]
    unjudged: tuple[str, ...]
    void: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.regressions and not self.void


def parse_limits(text: str) -> dict[str, float]:
    """Name -> share, or points of 100 for map. Raises ValueError."""
    limits: dict[str, float] = {}
    for word in text.split(","):
        name, equals, value = word.strip().partition("=")
        if not equals or name not in LIMITS:
            raise ValueError(f"{word.strip()!r} is no limit; give {FORMS}")
        unit, example = LIMITS[name]
        if name in limits or not re.fullmatch(rf"\d+(\.\d+)?{unit}", value):
            raise ValueError(f"{name} is {'given twice' if name in limits else repr(value)}; give {name}={example}")
        limits[name] = float(value.removesuffix("%")) / (100 if unit else 1)
    return limits


def judge(comparison: Comparison, limits: Mapping[str, float]) -> Verdict:
    """Each pair or quality, held to each limit."""
    regressions: list[str] = []
    unjudged: list[str] = []
    void: list[str] = []
    for name, limit in limits.items():
        said = list(_judged(comparison, name, limit))
        regressions += [line for fine, line in said if fine is False]
        unjudged += [f"{name} of {line}" for fine, line in said if fine is None]
        if all(fine is None for fine, _ in said):
            void.append(f"{name} could not be judged: {said[0][1] if said else _WITHOUT[name]}")
    return Verdict(tuple(regressions), tuple(unjudged), tuple(void))


def _judged(comparison: Comparison, name: str, limit: float) -> Iterator[tuple[bool | None, str]]:
    if name == "map":
        yield from (_map(quality, limit) for quality in comparison.qualities)
    elif name == "latency":
        yield from (_latency(pair, limit) for pair in comparison.pairs)
    else:
        yield from (_bytes(pair, name, limit) for pair in comparison.pairs)


def _latency(pair: Pair, limit: float) -> tuple[bool | None, str]:
    ratio = pair.latency
    if ratio.low is None or ratio.high is None:
        return None, f"{pair}: a single number has no interval; measure in more rounds"
    if ratio.rounds == 1:
        return None, f"{pair}: one round does not tell how processes differ; measure with --preset normal"
    return ratio.low <= 1 + limit, (
        f"{pair}: p50 is {ratio.value:.3f} x what it was (95 % interval {ratio.low:.3f} to {ratio.high:.3f}), "
        f"and {1 + limit:g} x is allowed"
    )


def _bytes(pair: Pair, name: str, limit: float) -> tuple[bool | None, str]:
    before, after = (
        result.size_bytes if name == "size" else result.memory_bytes for result in (pair.before, pair.after)
    )
    if before is None or after is None:
        return None, f"{pair}: it is not known"
    return after <= before * (1 + limit), (
        f"{pair}: {name} is {after / 1e6:.2f} MB and was {before / 1e6:.2f} MB; {1 + limit:g} x is allowed"
    )


def _map(quality: Quality, limit: float) -> tuple[bool | None, str]:
    before, after = quality.figure("map_macro")
    if before is None or after is None:
        return None, f"{quality}: it is not known"
    lost = 100 * (before - after)
    return lost <= limit + 1e-9, (
        f"{quality}: macro mAP is {100 * after:.2f} and was {100 * before:.2f}: {lost:.2f} points lost, "
        f"and {limit:g} are allowed"
    )
