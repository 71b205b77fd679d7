"""Models on devices, one device after another."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from edge_tagger.benchmarks.device_bench import DeviceBench, Job
from edge_tagger.benchmarks.devices.names import find_device
from edge_tagger.benchmarks.devices.session import Device
from edge_tagger.benchmarks.model_file import ModelFile
from edge_tagger.benchmarks.results import Failure, Report
from edge_tagger.benchmarks.results_file import read_report, write_report
from edge_tagger.destination import is_regular
from edge_tagger.errors import DeviceError, ModelError, OutputError
from edge_tagger.progress import Progress
from edge_tagger.temporary import temporary_folder


def run(
    models: Sequence[str | os.PathLike[str]],
    job: Job | None = None,
    *,
    devices: Sequence[str | Device] = ("local",),
    devices_file: Path | None = None,
    json_path: Path | None = None,
    resume: bool = False,
    tell: Callable[[Failure], object] | None = None,
) -> Report:
    """Measure each model on each device. `json_path` is written anew after each step, so that nothing is lost.

    A device or a model that fails is in the report's `failures` and goes to `tell` at once, and the others go on.
    `resume` leaves out what `json_path` has already: the same model by its content, device, threads and plan. Raises
    ModelError, DeviceError (a name that stands for no device), CatalogueError or OutputError before anything is
    measured.
    """
    job = job or Job()
    files = _read_models(models)
    places = [find_device(device, devices_file) if isinstance(device, str) else device for device in devices]
    if len({place.name for place in places}) < len(places):
        raise DeviceError("a device is named twice; name each once")
    if json_path is not None and not json_path.resolve().parent.is_dir():
        raise OutputError(f"cannot write {json_path}: its folder does not exist; make it first")
    report = _started(job, json_path if resume else None)
    _read_photos(files, job)

    def keep(*, last: bool = False) -> None:
        if json_path is not None and (report.results or report.extras) and (last or is_regular(json_path)):
            write_report(json_path, report)  # a device or pipe gets it once

    def failed(failure: Failure) -> None:
        report.failures.append(failure)
        if tell is not None:
            tell(failure)

    for place in places:
        try:
            _measure_on(place, files, job, report, tell=failed, keep=keep)
        except DeviceError as error:
            failed(Failure(place.name, None, None, str(error), error.exit_code))
        keep(last=place is places[-1])
    return report


def _measure_on(
    place: Device,
    files: Sequence[ModelFile],
    job: Job,
    report: Report,
    *,
    tell: Callable[[Failure], object],
    keep: Callable[[], object],
) -> None:
    with Progress(job.steps(len(files)), f"measuring on {place.name}", unit="steps") as progress:

        def step() -> None:
            keep()
            progress.update()

        def note(doing: str) -> None:
            progress.update(0, now=doing)

        with temporary_folder() as folder, place.open() as session:
            bench = DeviceBench(place, session, job, report, folder=folder, tell=tell, step=step, note=note)
            bench.measure(files)


def _read_models(models: Sequence[str | os.PathLike[str]]) -> list[ModelFile]:
    """Raises ModelError for a file that cannot be read, or two of the same content: one cell would hide the other."""
    files = [ModelFile.read(model) for model in models]
    first: dict[str, ModelFile] = {}
    for file in files:
        other = first.setdefault(file.sha256, file)
        if other is not file:
            raise ModelError(f"{file.path} and {other.path} are the same model; name one of them")
    return files


def _read_photos(files: Sequence[ModelFile], job: Job) -> None:
    """Before any device is asked, so that a wrong catalogue is told at once."""
    if job.accuracy is None:
        return
    for file in files:
        if not isinstance(file.classifier, ModelError):
            job.accuracy.photos.at(file.classifier.input_size)


def _started(job: Job, resumed: Path | None) -> Report:
    """A new report, or the one to go on with, without its failures. Raises OutputError where that was another bench."""
    fresh = Report(job.plan, job.backend, job.delegate)
    if resumed is None or not resumed.exists():
        return fresh
    known = read_report(resumed)
    for name in ("plan", "backend", "delegate"):
        if getattr(known, name) != getattr(fresh, name):
            raise OutputError(
                f"{resumed} was measured with another {name} ({getattr(known, name)}, now {getattr(fresh, name)}); "
                "resume with the same, or name another file"
            )
    known.failures.clear()
    return known
