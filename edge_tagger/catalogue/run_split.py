"""The split that a training made, for sources that have no split column of their own."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import replace
from pathlib import Path

from edge_tagger.catalogue.source import Catalogue
from edge_tagger.errors import RunError
from edge_tagger.reading import read_bytes, reason


def where_run_split(catalogue: Catalogue, run: Path, split: str) -> Catalogue:
    """The photos that stood in `split` ("train", "val", "test") when `run` was trained from this source.

    Raises RunError where the folder is not a run, or none of its photos of that split are in the catalogue.
    """
    splits = dict(run_photos(run))
    photos = tuple(photo for photo in catalogue.photos if splits.get(Path(os.path.realpath(photo.path))) == split)
    if not photos:
        raise RunError(
            f"no photo of {catalogue.source} stood in split {split!r} of {run}; "
            f"its splits are {', '.join(sorted(set(splits.values())))}"
        )
    return replace(catalogue, photos=photos)


def run_photos(run: Path) -> list[tuple[Path, str]]:
    """(path, split) of each photo of a run, in the order of its targets. Raises RunError where it is none."""
    try:
        return [(Path(row["path"]), row["split"]) for row in run_rows(run)]
    except (OSError, ValueError) as error:
        raise RunError(
            f"{run} is not a run: photos.csv cannot be read ({reason(error)}); give a training's --out"
        ) from error


def run_rows(run: Path) -> list[dict[str, str]]:
    """The rows of a run's photos.csv, each with every column of its first line. Names that are not UTF-8 stay what they
    are. Raises OSError or ValueError."""
    try:
        text = read_bytes(run / "photos.csv").decode(errors="surrogateescape")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        if missing := {"path", "split"} - set(reader.fieldnames or ()):
            raise ValueError(f"it has no column {min(missing)!r}")
        rows = list(reader)
    except csv.Error as error:
        raise ValueError(str(error)) from error
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values() or not row["path"] or "\0" in row["path"]:
            raise ValueError(f"row {number} is cut off or damaged")
    return rows
