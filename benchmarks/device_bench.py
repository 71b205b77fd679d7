"""Everything that is measured on one device, in one session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

from edge_tagger.benchmarks.accuracy import AccuracyBench
from edge_tagger.benchmarks.devices.benchmark_binary import push_binary
from edge_tagger.benchmarks.devices.provision import provision
from edge_tagger.benchmarks.devices.session import Device, Session
from edge_tagger.benchmarks.facts import Facts, State, read_facts, read_state
from edge_tagger.benchmarks.meters import BinaryMeter, Meter, WorkerMeter
from edge_tagger.benchmarks.model_file import ModelFile
from edge_tagger.benchmarks.plan import PRESETS, Plan
from edge_tagger.benchmarks.results import DeviceRecord, Extra, Failure, Report, Result, Round
from edge_tagger.benchmarks.summary import Summary
from edge_tagger.benchmarks.worker_call import UnavailableError, WorkerCall, WorkerFailedError, reading
from edge_tagger.errors import ModelError

Item = TypeVar("Item")


@dataclass(frozen=True)
class Job:
    """What is measured on every device. Raises ValueError for threads that cannot be.

    `backend` is "auto" or a key of edge_tagger.runtimes.BACKENDS, `delegate` a shared library on the device.
    `accuracy` has labelled photos, which the timed runs get too; random pixels otherwise. `provision` lets a device
    without a runtime have one during the bench; `binary` is LiteRT's benchmark_model for devices without Python.
    """

    plan: Plan = PRESETS["normal"]
    threads: tuple[int, ...] = (1,)
    backend: str = "auto"
    delegate: str | None = None
    accuracy: AccuracyBench | None = None
    profile: bool = False
    provision: bool = False
    binary: Path | None = None

    def __post_init__(self) -> None:
        if not self.threads or min(self.threads) < 1 or len(set(self.threads)) < len(self.threads):
            raise ValueError(f"threads are {self.threads}; give different numbers from 1 on")

    @property
    def extras(self) -> tuple[str, ...]:
        """The kinds of what is measured once for each model."""
        return (*(("accuracy", "split") if self.accuracy else ()), *(("profile",) if self.profile else ()))

    def steps(self, models: int) -> int:
        """How many steps a device takes."""
        return models * (len(self.threads) * self.plan.rounds + len(self.extras))


class DeviceBench:
    """Fills `report`. `tell` gets what fails for one model, while the rest goes on; `step` is called after each step of
    Job.steps, `note` is told what is being done. Raises DeviceError where the device fails as a whole."""

    def __init__(
        self,
        device: Device,
        session: Session,
        job: Job,
        report: Report,
        *,
        folder: Path,
        tell: Callable[[Failure], object],
        step: Callable[[], object],
        note: Callable[[str], object],
    ) -> None:
        self._device, self._session, self._job, self._report = device, session, job, report
        self._tell, self._step, self._note = tell, step, note
        self._doing = ""
        self._failed: set[str] = set()
        session.env.setdefault("PYTHONDONTWRITEBYTECODE", "1")  # nothing outside of its folder is touched
        facts, state = read_facts(session)
        report.put(DeviceRecord(device.name, device.emulated, facts, state.load))
        self._meter = self._make_meter(facts, folder)

    def _make_meter(self, facts: Facts, folder: Path) -> Meter:
        name, session, job = self._device.name, self._session, self._job
        if session.python is None and job.binary is not None:
            push_binary(session, job.binary, name)
            return BinaryMeter(name, session, facts)
        if job.provision:
            provision(session, name)
        common = {"backend": job.backend, "delegate": job.delegate, "codes": None}
        call = WorkerCall(name, session, folder, common, on_line=lambda line: self._note(f"{self._doing}, {line}"))
        return WorkerMeter(call, job.accuracy)

    def measure(self, models: Sequence[ModelFile]) -> None:
        cells = [(model, threads) for model in models for threads in self._job.threads]
        for place in range(self._job.plan.rounds):
            for model, threads in rotated(cells, place, self._job.plan.rounds):
                with self._told(model, threads), self._shown(f"{model.path.name}, threads: {threads}"):
                    self._round(model, threads, place)
        for model in models:
            for kind in self._job.extras:
                with self._told(model, self._job.threads[0]), self._shown(f"{model.path.name}, {kind}"):
                    self._extra(kind, model)

    @contextmanager
    def _shown(self, doing: str) -> Iterator[None]:
        """One step of the progress."""
        self._doing = doing
        self._note(doing)
        try:
            yield
        finally:
            self._step()

    @contextmanager
    def _told(self, model: ModelFile, threads: int) -> Iterator[None]:
        """A model that fails is left alone from then on."""
        try:
            yield
        except (ModelError, WorkerFailedError) as error:
            self._failed.add(model.sha256)
            self._tell(Failure(self._device.name, str(model.path), threads, str(error), error.exit_code))

    def _round(self, model: ModelFile, threads: int, place: int) -> None:
        known = self._report.result((model.sha256, self._device.name, threads))
        if model.sha256 in self._failed or (known is not None and len(known.rounds) > place):
            return
        date = _now()
        before = read_state(self._session)
        document = self._meter.round(model, threads, self._job.plan, place)
        after = read_state(self._session)
        with reading(self._device.name):
            done = as_round(document, date=date, before=before, after=after)
            result = Result(
                path=str(model.path),
                sha256=model.sha256,
                size_bytes=model.size_bytes,
                device=self._device.name,
                emulated=self._device.emulated,
                threads=threads,
                plan=self._job.plan,
                runtime=document["runtime"],
                delegate=document["delegate"],
                machine=document["machine"],
                rounds=(*(known.rounds if known else ()), done),
            )
        self._report.put(result)

    def _extra(self, kind: str, model: ModelFile) -> None:
        if model.sha256 in self._failed or self._has_extra(kind, model):
            return
        unavailable, content, threads = None, {}, self._job.threads[0]
        try:
            content = self._meter.extra(kind, model, threads)
        except UnavailableError as error:
            unavailable = str(error)
        self._report.put(Extra(kind, self._device.name, str(model.path), model.sha256, threads, unavailable, content))

    def _has_extra(self, kind: str, model: ModelFile) -> bool:
        """Whether it was measured before, with these photos."""
        known = self._report.extra((kind, model.sha256, self._device.name))
        if known is None or known.unavailable is not None:
            return False
        accuracy, classifier = self._job.accuracy, model.classifier
        if kind == "profile" or accuracy is None or isinstance(classifier, ModelError):
            return True
        return bool(known.content["photos_sha256"] == accuracy.photos.at(classifier.input_size).sha256)


def rotated(cells: Sequence[Item], place: int, rounds: int) -> list[Item]:
    """The order of a round: each starts elsewhere, so that no cell is always the first, on a cold device."""
    start = place * len(cells) // rounds
    return [*cells[start:], *cells[:start]]


def as_round(document: dict[str, Any], *, date: str, before: State, after: State) -> Round:
    """Raises KeyError, TypeError or ValueError for a document that the worker of another version wrote."""
    samples_ns, memory, phase = document["samples_ns"], document["memory"], document.get("phase")
    return Round(
        date=date,
        init_ms=float(document["init_ms"]),
        first_ms=float(document["first_ms"]),
        warmup_ms=tuple(ns / 1e6 for ns in document["warmup_ns"] or ()),
        stable=document["stable"],
        samples_ms=tuple(ns / 1e6 for ns in samples_ns or ()),
        every=document.get("every", 1),
        overhead_us=document["overhead_us"],
        baseline_bytes=memory["baseline_bytes"],
        peak_bytes=memory["peak_bytes"],
        temperature_start_c=before.temperature_c,
        temperature_end_c=after.temperature_c,
        throttled=_throttled(before, after),
        under_voltage=after.under_voltage,
        reported=None if phase is None else _reported(phase),
    )


def _throttled(before: State, after: State) -> bool | None:
    """Now, or by a counter that went up meanwhile."""
    if before.throttle_count is not None and after.throttle_count is not None:
        return bool(after.throttled) or after.throttle_count > before.throttle_count
    return after.throttled


def _reported(phase: dict[str, Any]) -> Summary:
    return Summary(
        count=phase["count"],
        min_ms=phase["min_ms"],
        p50_ms=phase["p50_ms"],
        p90_ms=None,
        p95_ms=phase["p95_ms"],
        p99_ms=None,
        mean_ms=phase["mean_ms"],
        stddev_ms=phase["stddev_ms"],
    )


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
