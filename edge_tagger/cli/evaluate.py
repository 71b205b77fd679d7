"""`edge-tagger evaluate`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_tagger.cli.csv_options import encoding_option
from edge_tagger.cli.outputs import Output, check_outputs, overwrite_option, photos_of
from edge_tagger.terminal import echo

if TYPE_CHECKING:
    from edge_tagger.benchmarks.results import Report
    from edge_tagger.catalogue.source import Photo
    from edge_tagger.errors import PhotoError
    from edge_tagger.train.report.page import Latency

ALL = "all"


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...", type=click.Path(path_type=Path))
@click.option(
    "--data", "source", required=True, type=click.Path(path_type=Path), help="A CSV, or a folder with class folders."
)
@click.option("--split", required=True, help=f"A value of the split column; {ALL!r} takes every photo.")
@click.option("--split-column", default="split", show_default=True)
@click.option(
    "--run",
    type=click.Path(path_type=Path),
    help="Take the split that this training made instead; its curves and recipe go into the report.",
)
@click.option("--image-column", default="image", show_default=True)
@encoding_option
@click.option("--threads", type=click.IntRange(min=1), help="Default: every core, up to four.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write every figure here.")
@click.option("--bench", type=click.Path(path_type=Path), help="A file of bench --json: its times go into the report.")
@click.option("--report", type=click.Path(path_type=Path), help="Write index.html in this folder: a page to look at.")
@overwrite_option
def command(  # noqa: PLR0913  an option each
    *,
    models: tuple[Path, ...],
    source: Path,
    split: str,
    split_column: str,
    run: Path | None,
    image_column: str,
    encoding: str | None,
    threads: int | None,
    json_path: Path | None,
    bench: Path | None,
    report: Path | None,
    **options: Any,
) -> None:
    """Measure models on labelled photos, side by side; differences are to the first.

    Each model's manifest says which CSV columns hold its facets. A column that is not there, or whose labels the model
    does not know, is named and not measured. The figures are explained in edge_tagger.evaluate. The report shows the
    last model's tags and mistakes; it needs edge-tagger[train].
    """
    from edge_tagger.catalogue.run_split import where_run_split
    from edge_tagger.catalogue.source import read_catalogue
    from edge_tagger.cli.ours import json_with, marked
    from edge_tagger.evaluate import figures, label_notes
    from edge_tagger.evaluation_table import format_table
    from edge_tagger.files import write_json
    from edge_tagger.measure import measure
    from edge_tagger.progress import Progress

    check_outputs(
        [
            Output("--json", json_path, json_with("models", "failed", without="int8")),  # not a run's comparison.json
            Output("--report", report, is_folder=True),
            *([Output("--report", report / "index.html", marked)] if report is not None and _is_there(report) else []),
        ],
        inputs={
            "a model": models,
            "--data": [source] if source.is_file() else [],
            "--bench": [bench],
            "a file of --run": [] if run is None or not run.is_dir() else run.iterdir(),
        },
        photos=photos_of(source, image_column),
        overwrite=options["overwrite"],
    )
    if bench is not None and report is None:
        raise click.UsageError("--bench goes into the report: give --report DIR")
    measured_there = None if bench is None else _read_bench(bench, models)
    catalogue = read_catalogue(source, image_column=image_column, encoding=encoding)
    if run is not None:
        catalogue = where_run_split(catalogue, run, split)
    elif split != ALL or split in catalogue.values(split_column):
        catalogue = catalogue.where(split_column, split)
    if report is not None:
        from edge_tagger.train.report.page import make_folder, write_report
        from edge_tagger.train.report.run_facts import read_run

        make_folder(report)
        if run is not None:
            read_run(run)  # before the models are measured
    with Progress(len(catalogue), "evaluate", unit="photos") as progress:
        measured = measure(models, catalogue, threads=threads, on_progress=progress.update, on_failure=_tell)
    result = figures(measured, failed=len(catalogue) - len(measured[0].photos))
    echo(*format_table(result).split("\n"))
    for line in label_notes(measured):
        echo(f"Warning: {line}", err=True)
    if json_path is not None:
        write_json(json_path, result)
    if report is not None:
        latency = None if measured_there is None else _latency(measured_there, models, result["models"])
        page = write_report(report, measured, run=run, latency=latency, title=f"{source.name}, split {split}")
        echo(f"Report: {page}", err=True)


def _is_there(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110  which takes names of any length


def _read_bench(path: Path, models: tuple[Path, ...]) -> Report:
    """What the bench has of these models, by their content. Raises OutputError where it has nothing."""
    from edge_tagger.benchmarks.results_file import read_report
    from edge_tagger.errors import OutputError

    report, known = read_report(path), _sha256s(models)
    report.results = [result for result in report.results if result.sha256 in known]
    if not report.results:
        raise OutputError(f"{path} has measured none of these models (by their content); run bench on them again")
    return report


def _latency(bench: Report, models: tuple[Path, ...], rows: list[dict[str, Any]]) -> Latency:
    from edge_tagger.benchmarks.chart import draw, points_of
    from edge_tagger.benchmarks.tables import context_lines, result_rows
    from edge_tagger.charts import svg_of
    from edge_tagger.train.report.page import Latency

    accuracy = {sha256: row["map_macro"] for sha256, row in zip(_sha256s(models), rows, strict=True)}
    points = points_of(bench, {sha256: value for sha256, value in accuracy.items() if value is not None})
    chart = svg_of(draw(points), "latency") if points else ""
    return Latency(chart, result_rows(bench), context_lines(bench))


def _sha256s(models: tuple[Path, ...]) -> list[str]:
    from edge_tagger.benchmarks.model_file import ModelFile

    return [ModelFile.read(model).sha256 for model in models]


def _tell(photo: Photo, error: PhotoError) -> None:
    echo(f"{photo.place}: {error}", err=True)
