"""Whether a source still is what a run was begun from; and the photos and labels that a run has recorded of it."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from edge_tagger.catalogue.run_split import run_rows
from edge_tagger.catalogue.source import Catalogue, Photo, read_catalogue
from edge_tagger.errors import CatalogueError, RunError
from edge_tagger.reading import reason
from edge_tagger.train.recipe import Recipe
from edge_tagger.train.run import LABEL, RunFolder

ACCEPT = "--accept-changed-data"
_Labelled = dict[Path, Counter[tuple[str, ...]]]  # the cells of each row of a photo


def fingerprint(source: Path, photos: Iterable[Photo] | None = None) -> str:
    """The sha256 of a CSV; of a folder that of its photos' names and sizes. Raises CatalogueError.

    `photos` are those of the folder, where they have been read already.
    """
    if not source.is_dir():
        try:
            return file_sha256(source)
        except OSError as error:
            raise CatalogueError(f"cannot read {source}: {error.strerror}; give the run's own source") from error
    digest = hashlib.sha256()
    for photo in read_catalogue(source).photos if photos is None else photos:
        size = photo.path.stat().st_size if photo.path.is_file() else -1
        digest.update(os.fsencode(os.path.relpath(photo.path, source)) + f"\0{size}\0".encode())
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """Raises OSError."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def check_unchanged(source: Path, recipe: Recipe, run: RunFolder) -> None:
    """Raises RunError where the source is not what the run was begun from, saying what changed; CatalogueError where it
    cannot be read. A run of before that has no sha256 is let through."""
    begun_from = run.read_provenance().get("source_sha256")
    if begun_from is None or begun_from == fingerprint(source):
        return
    try:
        changed = _changes(
            run, read_catalogue(source, image_column=recipe.data.image, encoding=recipe.data.encoding), recipe
        )
    except CatalogueError as error:
        changed = f"it cannot be used any more: {error}"
    raise RunError(
        f"{source} is not what {run.path} was begun from ({changed}); put it back, or go on with the photos and labels "
        f"that the run has recorded: {ACCEPT}, or train on what it holds now: another --out"
    )


def recorded_catalogue(source: Path, recipe: Recipe, run: RunFolder, split: str) -> Catalogue | None:
    """The photos of a split with the labels that they had when the run was begun; None for a run of before, which did
    not record labels. Raises RunError."""
    rows, columns = _rows(run), _columns(recipe)
    if not all(LABEL + column in row for row in rows for column in columns):
        return None
    photos = tuple(
        Photo(Path(row["path"]), {column: row[LABEL + column] for column in columns}, row.get("place", row["path"]))
        for row in rows
        if row["split"] == split
    )
    if not photos:
        raise RunError(f"{run.path} has no photo in split {split!r}: photos.csv is damaged; begin a new run")
    return Catalogue(source, columns, photos)


def _changes(run: RunFolder, now: Catalogue, recipe: Recipe) -> str:
    """How many photos are new, gone and labelled otherwise, in words."""
    rows, columns = _rows(run), _columns(recipe)
    before: _Labelled = {}
    for row in rows:
        cells = tuple(row.get(LABEL + column, "") for column in columns)
        before.setdefault(Path(row["path"]), Counter())[cells] += 1
    after: _Labelled = {}
    for photo in now.photos:
        after.setdefault(Path(os.path.realpath(photo.path)), Counter())[_cells(photo.values, columns)] += 1
    # What could not be read when the run was begun is not among its photos, and not new.
    new = sum(path not in before and path.is_file() for path in after)
    gone = sum(path not in after for path in before)
    labelled = all(LABEL + column in row for row in rows for column in columns)
    other = sum(cells != after.get(path, cells) for path, cells in before.items()) if labelled else 0
    counts = {"new": new, "gone": gone, "with other labels": other}
    told = [f"{count} {'photo' if count == 1 else 'photos'} {what}" for what, count in counts.items() if count]
    return ", ".join(told) or "other bytes, but the same photos" + (" and labels" if labelled else "")


def _rows(run: RunFolder) -> list[dict[str, str]]:
    try:
        return run_rows(run.path)
    except (OSError, ValueError) as error:
        raise RunError(f"{run.path}: photos.csv is broken ({reason(error)}); begin a new run") from error


def _columns(recipe: Recipe) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column for facet in recipe.facets for column in facet.columns))


def _cells(values: Mapping[str, str], columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(values.get(column, "") for column in columns)
