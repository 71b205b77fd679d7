"""What takes the time on a device: the worker where there is Python, else LiteRT's benchmark_model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from edge_tagger.benchmarks.accuracy import AccuracyBench
from edge_tagger.benchmarks.devices import benchmark_binary as binary
from edge_tagger.benchmarks.devices.session import Session
from edge_tagger.benchmarks.facts import Facts
from edge_tagger.benchmarks.model_file import ModelFile
from edge_tagger.benchmarks.operator_profile import profile
from edge_tagger.benchmarks.plan import Plan
from edge_tagger.benchmarks.split import measure_split
from edge_tagger.benchmarks.worker_call import TIMEOUT_S, UnavailableError, WorkerCall
from edge_tagger.errors import ModelError


class Meter(Protocol):
    """Raises ModelError or WorkerFailedError for one model, DeviceError for the device."""

    def round(self, model: ModelFile, threads: int, plan: Plan, place: int) -> dict[str, Any]:
        """The document of a round of the plan, as the worker's "measure" gives it."""
        ...

    def extra(self, kind: str, model: ModelFile, threads: int) -> dict[str, Any]:
        """The content of an Extra. Raises UnavailableError where the device has not what it takes."""
        ...


class WorkerMeter:
    """With `accuracy` the timed runs get its photos; random pixels otherwise."""

    def __init__(self, call: WorkerCall, accuracy: AccuracyBench | None) -> None:
        self._call, self._accuracy = call, accuracy

    def round(self, model: ModelFile, threads: int, plan: Plan, place: int) -> dict[str, Any]:
        fields: dict[str, Any] = {"photos": None}
        if self._accuracy is not None and not isinstance(model.classifier, ModelError):
            photos = self._accuracy.photos.at(model.classifier.input_size)
            fields = {"photos": self._call.push(photos.file), "codes": model.classifier.codes.tolist()}
        return self._call.ask(
            model,
            "measure",
            threads,
            num_runs=plan.runs_of(place),
            min_duration_s=plan.min_duration_s / plan.rounds,
            **{name: getattr(plan, name) for name in ("warmup_runs", "max_warmup_s", "window", "tolerance", "seed")},
            **fields,
        )

    def extra(self, kind: str, model: ModelFile, threads: int) -> dict[str, Any]:
        if kind == "profile":
            return profile(self._call, model, threads)
        assert self._accuracy is not None  # what else is asked for needs photos
        if kind == "accuracy":
            return self._accuracy.measure(self._call, model, threads)
        return measure_split(self._call, model, self._accuracy.photos, threads)


class BinaryMeter:
    """It draws its own input and tells no single runs."""

    def __init__(self, device: str, session: Session, facts: Facts) -> None:
        self._device, self._session, self._facts = device, session, facts

    def round(self, model: ModelFile, threads: int, plan: Plan, place: int) -> dict[str, Any]:
        report = self._run(
            model,
            threads=threads,
            num_runs=plan.runs_of(place),
            min_duration_s=plan.min_duration_s / plan.rounds,
            warmup_runs=plan.warmup_runs,
            min_warmup_s=plan.max_warmup_s,
        )
        return binary.as_document(report, threads=threads, machine=self._machine())

    def extra(self, kind: str, model: ModelFile, threads: int) -> dict[str, Any]:
        if kind != "profile":
            raise UnavailableError(f"{self._device} has no Python")
        report = self._run(
            model, threads=threads, num_runs=20, min_duration_s=0.0, warmup_runs=1, min_warmup_s=0.0, profile=True
        )
        if not report.operators:
            raise UnavailableError("this benchmark_model prints no summary by node type")
        return {
            "operators": [
                {"type": operator.name, "count": operator.count, "mean_ms": operator.mean_ms, "share": operator.share}
                for operator in report.operators
            ]
        }

    def _run(self, model: ModelFile, **options: Any) -> binary.Report:
        self._session.push(model.path, model.remote_name)
        return binary.run_binary(self._session, model.remote_name, self._device, timeout_s=TIMEOUT_S, **options)

    def _machine(self) -> Mapping[str, Any]:
        facts = self._facts
        return {
            "cpu": facts.cpu,
            "cores": facts.num_cores,
            "os": facts.os or facts.kernel,
            "arch": facts.arch,
            "python": None,
        }
