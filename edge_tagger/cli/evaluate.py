"""`edge-tagger evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from edge_tagger.catalogue.source import Photo
    from edge_tagger.errors import PhotoError

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
@click.option("--threads", type=click.IntRange(min=1), help="Default: every core, up to four.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write every figure here.")
@click.option("--report", type=click.Path(path_type=Path), help="Write index.html in this folder: a page to look at.")
def command(
    models: tuple[Path, ...],
    source: Path,
    split: str,
    split_column: str,
    run: Path | None,
    image_column: str,
    threads: int | None,
    json_path: Path | None,
    report: Path | None,
) -> None:
    """Measure models on labelled photos, side by side; differences are to the first.

    Each model's manifest says which CSV columns hold its facets. The figures are explained in
    edge_tagger.evaluate. The report shows the last model's tags and mistakes; it needs edge-tagger[train].
    """
    from edge_tagger.catalogue.run_split import where_run_split
    from edge_tagger.catalogue.source import read_catalogue
    from edge_tagger.errors import OutputError
    from edge_tagger.evaluate import figures
    from edge_tagger.evaluation_table import format_table
    from edge_tagger.files import write_json
    from edge_tagger.measure import measure
    from edge_tagger.progress import Progress

    if json_path is not None and not json_path.parent.is_dir():
        raise OutputError(f"cannot write {json_path}: its folder does not exist; make it first")
    catalogue = read_catalogue(source, image_column=image_column)
    if run is not None:
        catalogue = where_run_split(catalogue, run, split)
    elif split != ALL or split in catalogue.values(split_column):
        catalogue = catalogue.where(split_column, split)
    if report is not None:
        from edge_tagger.train.report.page import make_folder, write_report

        make_folder(report)
    with Progress(len(catalogue), "evaluate", unit="photos") as progress:
        measured = measure(models, catalogue, threads=threads, on_progress=progress.update, on_failure=_tell)
    result = figures(measured, failed=len(catalogue) - len(measured[0].photos))
    click.echo(format_table(result))
    if json_path is not None:
        write_json(json_path, result)
    if report is not None:
        page = write_report(report, measured, run=run, title=f"{source.name}, split {split}")
        click.echo(f"Report: {page}", err=True)


def _tell(photo: Photo, error: PhotoError) -> None:
    click.echo(f"{photo.place}: {error}", err=True)
