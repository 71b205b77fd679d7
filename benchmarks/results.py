"""What was measured, in memory; edge_tagger.benchmarks.results_file has it as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from edge_tagger.benchmarks.facts import Facts
from edge_tagger.benchmarks.plan import Plan
from edge_tagger.benchmarks.summary import Summary, merged, summarize
from edge_tagger.errors import DeviceError, ModelError


@dataclass(frozen=True)
class Round:
    """One process on the device. `samples_ms` are of all counted runs, or of each `every`-th where they are very many;
    `reported` stands in for them where the program keeps them to itself."""

    date: str
    init_ms: float
    first_ms: float
    warmup_ms: tuple[float, ...]
    stable: bool | None
    samples_ms: tuple[float, ...]
    every: int
    overhead_us: float | None
    baseline_bytes: int | None
    peak_bytes: int | None
    temperature_start_c: float | None = None
    temperature_end_c: float | None = None
    throttled: bool | None = None
    under_voltage: bool | None = None
    reported: Summary | None = None

    def __post_init__(self) -> None:
        if not self.samples_ms and self.reported is None:
            raise ValueError("a round without samples")

    @property
    def memory_bytes(self) -> int | None:
        """What the model took above the interpreter, numpy and the runtime."""
        if self.peak_bytes is None or self.baseline_bytes is None:
            return None
        return self.peak_bytes - self.baseline_bytes


@dataclass(frozen=True)
class Result:
    """One cell: a model on a device with a number of threads, in one or more rounds."""

    path: str
    sha256: str
    size_bytes: int
    device: str
    emulated: bool
    threads: int
    plan: Plan
    runtime: Mapping[str, str | None]
    delegate: str | None
    machine: Mapping[str, Any]
    rounds: tuple[Round, ...]

    @property
    def key(self) -> tuple[str, str, int]:
        return self.sha256, self.device, self.threads

    @property
    def runtime_name(self) -> str:
        """With its version, where the program tells it."""
        return " ".join(filter(None, (self.runtime["name"], self.runtime["version"])))

    @cached_property
    def samples_ms(self) -> tuple[float, ...]:
        """All counted runs in their order."""
        return tuple(sample for each in self.rounds for sample in each.samples_ms)

    @cached_property
    def summary(self) -> Summary:
        if self.samples_ms:
            return summarize(self.samples_ms)
        return merged([each.reported for each in self.rounds if each.reported is not None])

    @property
    def images_per_s(self) -> float:
        """One photo after another: the inverse of the mean."""
        return 1000 / self.summary.mean_ms

    @property
    def init_ms(self) -> float:
        return statistics.median(each.init_ms for each in self.rounds)

    @property
    def first_ms(self) -> float:
        return statistics.median(each.first_ms for each in self.rounds)

    @property
    def memory_bytes(self) -> int | None:
        """The largest of the rounds'."""
        return max((each.memory_bytes for each in self.rounds if each.memory_bytes is not None), default=None)

    @property
    def temperatures_c(self) -> tuple[float | None, float | None]:
        """At the start of the first round and at the end of the last."""
        return self.rounds[0].temperature_start_c, self.rounds[-1].temperature_end_c

    @property
    def throttled(self) -> bool | None:
        told = [each.throttled for each in self.rounds if each.throttled is not None]
        return any(told) if told else None


@dataclass(frozen=True)
class DeviceRecord:
    name: str
    emulated: bool
    facts: Facts
    load: float | None


@dataclass(frozen=True)
class Extra:
    """What is measured once for a model on a device: "accuracy", "split" or "profile"; or why it is unavailable."""

    kind: str
    device: str
    path: str
    sha256: str
    threads: int
    unavailable: str | None
    content: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind, self.sha256, self.device


@dataclass(frozen=True)
class Failure:
    """`model` and `threads` are None where the whole device failed."""

    device: str
    model: str | None
    threads: int | None
    message: str
    exit_code: int


@dataclass
class Report:
    """Everything of one bench, as far as it went."""

    plan: Plan
    backend: str = "auto"
    delegate: str | None = None
    devices: list[DeviceRecord] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    extras: list[Extra] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def device(self, name: str) -> DeviceRecord:
        """What is known of it; a file that somebody shortened may say nothing."""
        unknown = DeviceRecord(name, emulated=False, facts=Facts(), load=None)
        return next((device for device in self.devices if device.name == name), unknown)

    def result(self, key: tuple[str, str, int]) -> Result | None:
        return next((result for result in self.results if result.key == key), None)

    def extra(self, key: tuple[str, str, str]) -> Extra | None:
        return next((extra for extra in self.extras if extra.key == key), None)

    def of_kind(self, kind: str) -> list[Extra]:
        return [extra for extra in self.extras if extra.kind == kind]

    def check(self) -> None:
        """Raises DeviceError or ModelError for the first failure."""
        for failure in self.failures:
            raise (ModelError if failure.exit_code == ModelError.exit_code else DeviceError)(failure.message)

    def put(self, new: Result | Extra | DeviceRecord) -> None:
        """Add it, or set it in the place of the one with its key."""
        if isinstance(new, Result):
            _put(self.results, new, [result.key for result in self.results], new.key)
        elif isinstance(new, Extra):
            _put(self.extras, new, [extra.key for extra in self.extras], new.key)
        else:
            _put(self.devices, new, [device.name for device in self.devices], new.name)


def _put(items: list[Any], new: Any, keys: Sequence[object], key: object) -> None:
    if key in keys:
        items[keys.index(key)] = new
    else:
        items.append(new)
