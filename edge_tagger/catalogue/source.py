"""Photos with labels from a CSV with an image column, or from a folder with one sub-folder for each class."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_tagger.catalogue.csv_file import CsvFile, listed
from edge_tagger.errors import CatalogueError

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".avif"})
CLASS_COLUMN = "class"
IMAGE_COLUMN = "image"


@dataclass(frozen=True)
class Photo:
    """One photo and what is written beside it, white space reduced to single blanks.

    `place` is for people: "products.csv:17", or the file's own path.
    """

    path: Path
    values: Mapping[str, str]
    place: str


@dataclass(frozen=True)
class Catalogue:
    """Photos in the order of their source, and the columns that each of them has a value (or a blank) in."""

    source: Path
    columns: tuple[str, ...]
    photos: tuple[Photo, ...]

    def __len__(self) -> int:
        return len(self.photos)

    def require(self, columns: Sequence[str]) -> None:
        """Raises CatalogueError where one of `columns` is missing."""
        for column in columns:
            if column not in self.columns:
                raise CatalogueError(
                    f"{self.source} has no column {column!r}; it has {listed(self.columns)}; "
                    "correct the recipe or the header"
                )

    def values(self, column: str) -> set[str]:
        """What stands in `column`; nothing where there is no such column."""
        return {photo.values[column] for photo in self.photos} if column in self.columns else set()

    def where(self, column: str, value: str) -> Catalogue:
        """The photos that have `value` in `column`. Raises CatalogueError where there is no such column or photo."""
        self.require([column])
        photos = tuple(photo for photo in self.photos if photo.values[column] == value)
        if not photos:
            raise CatalogueError(
                f"{self.source} has no photo with {column} = {value!r}; "
                f"its values are {listed(sorted(self.values(column)))}"
            )
        return Catalogue(self.source, self.columns, photos)


def read_catalogue(source: str | os.PathLike[str], *, image_column: str = IMAGE_COLUMN) -> Catalogue:
    """The photos of a CSV (paths relative to its folder) or of a folder with one sub-folder for each class.

    A folder's photos have the one column `class`. Whether the photos exist and can be decoded is not looked at here;
    whether they lie inside the source's folder is, also through symbolic links. Raises CatalogueError.
    """
    path = Path(source)
    if path.is_dir():
        return _read_folder(path)
    if not path.exists():
        raise CatalogueError(f"{path} does not exist; give a CSV file or a folder with one sub-folder for each class")
    return _read_csv(path, image_column)


def _read_csv(path: Path, image_column: str) -> Catalogue:
    file = CsvFile.open(path, encoding="utf-8-sig", delimiter=",")
    if image_column not in file.columns:
        raise CatalogueError(
            f"{path} has no image column {image_column!r}; it has {listed(file.columns)}; "
            "name the column in the recipe under [data] image"
        )
    photos: list[Photo] = []
    folder = path.parent.resolve()
    for line, row in file:
        values = {column: " ".join(cell.split()) for column, cell in row.items()}
        photos.append(Photo(_inside(folder, row[image_column].strip(), path, line), values, f"{path.name}:{line}"))
    return Catalogue(path, file.columns, tuple(photos))


def _inside(folder: Path, value: str, source: Path, line: int) -> Path:
    """The path of a cell, held to the CSV's folder (also through symbolic links)."""
    if not value:
        raise CatalogueError(f"{source}, line {line}: the image cell is blank; every row needs a photo")
    if "\0" in value:
        raise CatalogueError(f"{source}, line {line}: the image cell holds a NUL byte")
    path = folder / value
    if not Path(os.path.realpath(path)).is_relative_to(folder):
        raise CatalogueError(
            f"{source}, line {line}: the photo {value!r} lies outside the CSV's folder; "
            "put the CSV above its photos and write relative paths"
        )
    return path


def _read_folder(folder: Path) -> Catalogue:
    photos: list[Photo] = []
    try:
        classes = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
        for entry in classes:
            for path in (entry, *sorted(entry.rglob("*"))):
                is_photo = path.suffix.lower() in PHOTO_SUFFIXES
                is_link = path.is_symlink() and (is_photo or path.is_dir())
                if is_link:
                    _check_link(path, folder)
                # A link that leads nowhere is kept: a photo that is gone is told, not left out.
                if is_photo and (path.is_file() or is_link):
                    photos.append(Photo(path, {CLASS_COLUMN: entry.name}, str(path.relative_to(folder))))
    except OSError as error:
        raise CatalogueError(f"cannot read {folder}: {error.strerror}") from error
    if not photos:
        raise CatalogueError(
            f"{folder} has no photos in sub-folders; make one sub-folder for each class, with photos "
            f"({', '.join(sorted(PHOTO_SUFFIXES))}) inside"
        )
    return Catalogue(folder, (CLASS_COLUMN,), tuple(photos))


def _check_link(path: Path, folder: Path) -> None:
    target = Path(os.path.realpath(path))
    if not target.is_relative_to(folder.resolve()):
        raise CatalogueError(
            f"{path} is a link to {target}, outside {folder}; put the photos themselves there "
            "(cp -rL copies what links lead to), or list them in a CSV above both"
        )
