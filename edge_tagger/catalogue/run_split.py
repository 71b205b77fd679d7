"""The split that a training made, for sources that have no split column of their own."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path

from edge_tagger.catalogue.source import Catalogue
from edge_tagger.errors import RunError


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
    path = run / "photos.csv"
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            return [(Path(row["path"]), row["split"]) for row in csv.DictReader(file)]
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise RunError(f"{run} is not a run: {path.name} cannot be read ({error}); give a training's --out") from error
