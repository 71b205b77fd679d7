"""Two benches side by side: only what is alike is compared, and what is not says why.

A cell is held to the one of the same model (by its SHA-256), device and number of threads, measured on the same machine
with the same runtime and delegate. `across` names what may differ on purpose: "model" (then models are matched by their
file's name, or as the only one of each side) or "runtime" (its name and version).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_tagger.benchmarks.ratio import Ratio, ratio_of_medians
from edge_tagger.benchmarks.results import Extra, Report, Result
from edge_tagger.errors import ComparisonError

ACROSS = ("model", "runtime")
_MACHINE = ("cpu", "cores", "arch")


@dataclass(frozen=True)
class Pair:
    """A cell before and after; `remarks` are what else was not the same."""

    before: Result
    after: Result
    latency: Ratio
    remarks: tuple[str, ...]

    def __str__(self) -> str:
        return _cell(self.after)


@dataclass(frozen=True)
class Quality:
    """A model's accuracy on a device before and after, on the same photos."""

    before: Extra
    after: Extra
    emulated: bool

    def figure(self, name: str) -> tuple[float | None, float | None]:
        """map_macro or map_micro, 0..1."""
        before, after = (extra.content["figures"].get(name) for extra in (self.before, self.after))
        return before, after

    def __str__(self) -> str:
        return f"{Path(self.after.path).name} on {self.after.device}"


@dataclass(frozen=True)
class Apart:
    """What could not be compared."""

    what: str
    why: str


@dataclass(frozen=True)
class Comparison:
    pairs: tuple[Pair, ...]
    qualities: tuple[Quality, ...]
    apart: tuple[Apart, ...]


def compare(before: Report, after: Report, *, across: Collection[str] = ()) -> Comparison:
    """Raises ComparisonError where nothing is alike, ValueError for another word in `across`."""
    if unknown := set(across) - set(ACROSS):
        raise ValueError(f"across is {sorted(unknown)}; give {', '.join(ACROSS)}")
    models = matched_models(before, after, by_name="model" in across)
    pairs: list[Pair] = []
    apart: list[Apart] = []
    for old in before.results:
        new = after.result((models.get(old.sha256, ""), old.device, old.threads))
        why = _missing(old, models, after, across) if new is None else _unlike(old, new, before, after, across)
        if new is not None and why is None:
            latency = ratio_of_medians(list(_samples(old)), list(_samples(new)))
            pairs.append(Pair(old, new, latency, tuple(_remarks(old, new, before, after))))
        else:
            apart.append(Apart(_cell(old), why or ""))
    known = {(models.get(old.sha256), old.device, old.threads) for old in before.results}
    apart += [Apart(_cell(new), "it was not measured before") for new in after.results if new.key not in known]
    if not pairs:
        first = f": {apart[0].what}: {apart[0].why}" if apart else ", for one of them has no results"
        raise ComparisonError(f"nothing in the two benches can be compared{first}")
    qualities, unlike = _qualities(pairs, before, after)
    return Comparison(tuple(pairs), tuple(qualities), (*apart, *unlike))


def matched_models(before: Report, after: Report, *, by_name: bool) -> dict[str, str]:
    """SHA-256 before -> after: of the same content, or by name where that tells them apart."""
    old, new = _models(before), _models(after)
    if by_name and len(old) == len(new) == 1:
        return dict(zip(old, new, strict=True))
    found = {sha256: sha256 for sha256 in old if sha256 in new}
    if not by_name:
        return found
    old, new = ({sha256: name for sha256, name in side.items() if sha256 not in found} for side in (old, new))
    for sha256, name in old.items():
        others = [other for other, its in new.items() if its == name]
        if len(others) == 1 and list(old.values()).count(name) == 1:
            found[sha256] = others[0]
    return found


def _models(report: Report) -> dict[str, str]:
    """SHA-256 -> the file's name."""
    return {result.sha256: Path(result.path).name for result in report.results}


def _missing(old: Result, models: dict[str, str], after: Report, across: Collection[str]) -> str:
    """Why there is no such cell after."""
    sha256, name = models.get(old.sha256), Path(old.path).name
    if sha256 is None:
        namesakes = [other for other, its in _models(after).items() if its == name]
        if not namesakes:
            return "there is no such model after"
        if "model" in across:
            return "several models have that name; name them apart"
        return (
            f"another model has that name after (SHA-256 {old.sha256[:8]}, then {namesakes[0][:8]}); "
            "--across model compares them"
        )
    for failure in after.failures:
        if failure.device == old.device and (failure.model is None or Path(failure.model).name == name):
            return f"it failed after: {failure.message}"
    threads = [each.threads for each in after.results if (each.sha256, each.device) == (sha256, old.device)]
    if threads:
        return f"after it was measured with {', '.join(map(str, threads))} threads"
    return f"it was not measured on {old.device} after"


def _unlike(old: Result, new: Result, before: Report, after: Report, across: Collection[str]) -> str | None:
    """What forbids to compare them."""
    if old.emulated != new.emulated:
        return "only one of them is emulated"
    for name in _MACHINE:
        if old.machine.get(name) != new.machine.get(name):
            return f"another machine: its {name} was {old.machine.get(name)}, then {new.machine.get(name)}"
    if before.delegate != after.delegate:
        return f"another delegate was asked for: {before.delegate or 'none'}, then {after.delegate or 'none'}"
    if old.runtime != new.runtime and "runtime" not in across:
        return f"another runtime: {old.runtime_name}, then {new.runtime_name}; --across runtime compares them"
    return None


def _remarks(old: Result, new: Result, before: Report, after: Report) -> Iterator[str]:
    """What may have made a difference and does not forbid to compare."""
    if old.runtime != new.runtime:
        yield f"{old.runtime_name}, then {new.runtime_name}"
    if old.delegate != new.delegate:
        yield f"run by {old.delegate or 'an unknown delegate'}, then by {new.delegate or 'an unknown delegate'}"
    for name in ("os", "python"):
        if old.machine.get(name) != new.machine.get(name):
            yield f"its {name} was {old.machine.get(name)}, then {new.machine.get(name)}"
    if before.plan != after.plan:
        yield f"measured by another plan: {before.plan.preset} ({before.plan}), then {after.plan.preset} ({after.plan})"
    for result, when in ((old, "before"), (new, "after")):
        if result.throttled:
            yield f"throttled {when}"
        if not result.samples_ms:
            yield f"without single runs {when}: the p50 of each round stands in for them"


def _samples(result: Result) -> Iterator[tuple[float, ...]]:
    """Of each round; its p50 alone where the program keeps its samples to itself."""
    for each in result.rounds:
        if each.reported is None:
            yield each.samples_ms
        else:
            yield (each.reported.mean_ms if each.reported.p50_ms is None else each.reported.p50_ms,)


def _qualities(pairs: Collection[Pair], before: Report, after: Report) -> tuple[list[Quality], list[Apart]]:
    """Of the models and devices of `pairs`, where both sides have figures for the same photos."""
    qualities, apart = [], []
    for pair in {(pair.before.sha256, pair.after.sha256, pair.after.device): pair for pair in pairs}.values():
        device = pair.after.device
        old, new = (
            report.extra(("accuracy", result.sha256, device))
            for report, result in ((before, pair.before), (after, pair.after))
        )
        if old is None or new is None or not (old.content.get("figures") and new.content.get("figures")):
            if old is not None or new is not None:
                apart.append(Apart(f"accuracy of {Path(pair.after.path).name} on {device}", "only one of them has it"))
        elif old.content["photos_sha256"] != new.content["photos_sha256"]:
            counts = f"{old.content['photos']}, then {new.content['photos']}"
            apart.append(Apart(f"accuracy of {Path(new.path).name} on {device}", f"other photos or labels ({counts})"))
        else:
            qualities.append(Quality(old, new, pair.after.emulated))
    return qualities, apart


def _cell(result: Result) -> str:
    return f"{Path(result.path).name} on {result.device}, threads {result.threads}"
