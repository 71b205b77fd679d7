"""`edge-tagger bench`: models on devices, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_tagger.cli.outputs import Output, check_outputs, overwrite_option, photos_of
from edge_tagger.temporary import temporary_folder
from edge_tagger.terminal import echo

if TYPE_CHECKING:
    from edge_tagger.benchmarks.accuracy import AccuracyBench
    from edge_tagger.benchmarks.plan import Plan
    from edge_tagger.benchmarks.results import Failure, Report

ALL = "all"
PRESETS = ("quick", "normal", "mlperf")
BACKENDS = ("auto", "ai-edge-litert", "tflite-runtime", "tensorflow")


def _threads(_: click.Context, __: click.Parameter, value: str) -> tuple[int, ...]:
    """1,2,4"""
    words = [word.strip() for word in value.split(",")]
    numbers = tuple(int(word) for word in words if word.isdigit())
    if len(numbers) < len(words) or len(set(numbers)) < len(words) or not all(1 <= n <= 256 for n in numbers):
        raise click.BadParameter(f"{value!r} are not different numbers from 1 to 256, as in 1,2,4")
    return numbers


def _path(**options: Any) -> click.Path:
    return click.Path(path_type=Path, **options)


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True, type=_path())
@click.option(
    "--device", "devices", multiple=True, default=("local",), show_default=True,
    help="local, ssh://[user@]host[:port], adb, adb:SERIAL, or a name in devices.toml; may be repeated.",
)  # fmt: skip
@click.option("--devices", "devices_file", type=_path(), help="Read this instead of devices.toml.")
@click.option("--threads", metavar="N,N..", callback=_threads, default="1", show_default=True, help="Each is a row.")
@click.option("--preset", type=click.Choice(PRESETS), default="normal", show_default=True, help="How long to measure.")
@click.option("--num-runs", type=click.IntRange(1), help="Count this many runs, whatever the time.")
@click.option("--warmup-runs", type=click.IntRange(0), help="Make this many runs before them, stable or not.")
@click.option("--rounds", type=click.IntRange(1), help="In so many processes, the models in turn.")
@click.option("--photos", type=_path(), help="Labelled photos, a CSV or folder: accuracy there, time from JPEG.")
@click.option("--split", default=ALL, show_default=True, help="A value of the split column of --photos.")
@click.option("--split-column", default="split", show_default=True)
@click.option("--image-column", default="image", show_default=True)
@click.option("--max-photos", type=click.IntRange(1), help="Take the first of them only; for slow devices.")
@click.option("--profile", is_flag=True, help="Tell where the time goes, by type of operator.")
@click.option("--backend", type=click.Choice(BACKENDS), default="auto", show_default=True, help="The runtime there.")
@click.option("--delegate", help="A delegate's shared library there, such as libedgetpu.so.1.")
@click.option("--provision", is_flag=True, help="Put LiteRT into the bench's folder on devices that have none.")
@click.option("--benchmark-binary", type=_path(), help="LiteRT's benchmark_model, for phones without Python.")
@click.option("--json", "json_path", type=_path(), help="Write all samples and facts here, after every step.")
@click.option("--csv", "csv_path", type=_path(), help="Write the figures here.")
@click.option("--markdown", "markdown_path", type=_path(), help="Write the tables here.")
@click.option("--chart", "chart_path", type=_path(), help="Draw latency against accuracy here, as PNG; with --photos.")
@click.option("--resume", is_flag=True, help="Go on with the file of --json: measure only what it lacks.")
@overwrite_option
@click.pass_context
def command(ctx: click.Context, /, models: tuple[Path, ...], **options: Any) -> None:
    """Measure latency, memory, accuracy and heat of .tflite files where they will run.

    Models are measured in turn, each in a process of its own on the device; one that fails is told, and the others go
    on. docs/bench.md explains the figures. Exit code 9: a device failed; 5: a model could not be measured there.
    """
    from edge_tagger.benchmarks.tables import format_csv, format_markdown, format_report
    from edge_tagger.files import write_text

    outputs = {options["csv_path"]: format_csv, options["markdown_path"]: format_markdown}
    if options["resume"] and options["json_path"] is None:
        raise click.UsageError("--resume goes on with a file: name it with --json")
    _check_outputs(models, options)
    _check_chart(options)
    with temporary_folder() as folder:
        report = _run(models, options, folder=folder)
    if report.results or report.extras:
        echo(*format_report(report).split("\n"))
        for path, written in outputs.items():
            if path is not None:
                write_text(path, written(report))
    if options["chart_path"] is not None:
        _draw(report, options["chart_path"])
    ctx.exit(max((failure.exit_code for failure in report.failures), default=0))


def _run(models: tuple[Path, ...], options: dict[str, Any], *, folder: Path) -> Report:
    from edge_tagger.benchmarks.device_bench import Job
    from edge_tagger.benchmarks.runner import run

    job = Job(
        plan=_plan(options),
        accuracy=_accuracy(options, folder) if options["photos"] else None,
        binary=options["benchmark_binary"],
        **{name: options[name] for name in ("threads", "backend", "delegate", "profile", "provision")},
    )
    return run(
        models,
        job,
        **{name: options[name] for name in ("devices", "devices_file", "json_path", "resume")},
        tell=_tell,
    )


def _plan(options: dict[str, Any]) -> Plan:
    from edge_tagger.benchmarks.plan import make_plan

    try:
        return make_plan(options["preset"], **{name: options[name] for name in ("num_runs", "warmup_runs", "rounds")})
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _accuracy(options: dict[str, Any], folder: Path) -> AccuracyBench:
    from edge_tagger.benchmarks.accuracy import AccuracyBench
    from edge_tagger.benchmarks.photos import PhotoSet
    from edge_tagger.catalogue.source import Catalogue, read_catalogue

    catalogue = read_catalogue(options["photos"], image_column=options["image_column"])
    split, column = options["split"], options["split_column"]
    if split != ALL or split in catalogue.values(column):
        catalogue = catalogue.where(column, split)
    kept = Catalogue(catalogue.source, catalogue.columns, catalogue.photos[: options["max_photos"]])
    return AccuracyBench(PhotoSet(kept, folder, tell=lambda line: echo(line, err=True)))


def _check_chart(options: dict[str, Any]) -> None:
    """Before anything is measured."""
    from edge_tagger.charts import require_matplotlib

    if options["chart_path"] is None:
        return
    if not options["photos"]:
        raise click.UsageError("--chart shows accuracy too: give labelled photos with --photos")
    require_matplotlib("--chart")


def _draw(report: Report, path: Path) -> None:
    from edge_tagger.benchmarks.chart import points_of, write_chart

    if points := points_of(report):
        write_chart(points, path)
    else:
        echo(f"Warning: no model has figures for these photos; {path} was not drawn", err=True)


def _check_outputs(models: tuple[Path, ...], options: dict[str, Any]) -> None:
    from edge_tagger.cli.ours import csv_with, json_with, marked

    check_outputs(
        [
            Output("--json", options["json_path"], json_with("format", "plan", "devices", "results")),
            Output("--csv", options["csv_path"], csv_with("model", "sha256", "device")),
            Output("--markdown", options["markdown_path"], marked),
            Output("--chart", options["chart_path"], marked),
        ],
        inputs={
            "a model": models,
            "--photos": [options["photos"]],
            "--devices": [options["devices_file"] or "devices.toml"],
            "--benchmark-binary": [options["benchmark_binary"]],
            "--delegate": [options["delegate"]],
        },
        photos=photos_of(options["photos"], options["image_column"]),
        overwrite=options["overwrite"],
    )


def _tell(failure: Failure) -> None:
    echo(f"Error: {failure.message}", err=True)
