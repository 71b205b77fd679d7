"""Photos with labels from a CSV with an image column, or from a folder with one sub-folder for each class."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edge_tagger.catalogue.csv_file import CsvFile, listed
from edge_tagger.catalogue.photo_cell import PhotoCells
from edge_tagger.catalogue.photo_files import PHOTO_SUFFIXES, Found, is_hidden, linked, shown, walk
from edge_tagger.errors import CatalogueError, PhotoError

__all__ = ["CLASS_COLUMN", "IMAGE_COLUMN", "PHOTO_SUFFIXES", "Catalogue", "Photo", "read_catalogue"]

CLASS_COLUMN = "class"
IMAGE_COLUMN = "image"


@dataclass(frozen=True)
class Photo:
    """One photo and what is written beside it, white space reduced to single blanks.

    `place` is for people: "products.csv:17", or the file's own path. `refused` says why the photo is not read: its cell
    is blank, say, or a link leads out of the folder.
    """

    path: Path
    values: Mapping[str, str]
    place: str
    refused: str = ""

    def file(self) -> Path:
        """The path to open. Raises PhotoError where the photo is refused."""
        if self.refused:
            raise PhotoError(self.refused)
        return self.path


@dataclass(frozen=True)
class Catalogue:
    """Photos in the order of their source, and the columns that each of them has a value (or a blank) in.

    `left_out` says of folders that could not be read, and of links to folders, why.
    """

    source: Path
    columns: tuple[str, ...]
    photos: tuple[Photo, ...]
    left_out: tuple[str, ...] = ()

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
        return replace(self, photos=photos)


def read_catalogue(
    source: str | os.PathLike[str], *, image_column: str = IMAGE_COLUMN, encoding: str | None = None
) -> Catalogue:
    """The photos of a CSV (paths relative to its folder) or of a folder with one sub-folder for each class.

    A folder's photos have the one column `class`. Whether the photos exist and can be decoded is not looked at here;
    whether they lie inside the source's folder is, also through symbolic links: those that do not are refused, each for
    itself. A warning says how a CSV is read, where not as UTF-8 with commas, and which folders are left out. `encoding`
    is that of a CSV; without it, it is found out. Raises CatalogueError, also where no photo is left.
    """
    path = Path(source)
    if path.is_dir():
        catalogue = _read_folder(path)
    elif not path.exists():
        raise CatalogueError(f"{path} does not exist; give a CSV file or a folder with one sub-folder for each class")
    else:
        catalogue = _read_csv(_opened(path, encoding), image_column)
    if all(photo.refused for photo in catalogue.photos):
        raise CatalogueError(catalogue.photos[0].refused)
    return catalogue


def _opened(path: Path, encoding: str | None) -> CsvFile:
    try:
        return CsvFile.open(path, encoding=encoding)
    except ValueError as error:
        raise CatalogueError(str(error)) from error


def _read_csv(file: CsvFile, image_column: str) -> Catalogue:
    path, column = file.path, file.column(image_column)
    if column is None:
        raise CatalogueError(
            f"{path} has no image column {image_column!r}; it has {listed(file.columns)}; "
            "name the column in the recipe under [data] image"
        )
    if file.reading is not None:
        warnings.warn(file.reading, stacklevel=3)
    cells = PhotoCells(
        path.parent.resolve(),
        outside="the photo {name!r} lies outside the CSV's folder; put the CSV above its photos and write relative "
        "paths",
        blank="the image cell is blank; every row needs a photo",
    )
    cells.note(row[column] for _, row in file)
    photos: list[Photo] = []
    for line, row in file:
        values = {name.strip(): " ".join(cell.split()) for name, cell in row.items()}
        found = cells.find(row[column])
        refused = found.refused and f"{path}, line {line}: {found.refused}"
        photos.append(Photo(Path(found.path), values, f"{path.name}:{line}", refused))
    return Catalogue(path, tuple(name.strip() for name in file.columns), tuple(photos))


def _read_folder(folder: Path) -> Catalogue:
    photos: list[Photo] = []
    left_out: list[str] = []
    for name in _class_names(folder, left_out):
        # By their parts, as training has always had them: the order decides which photo is drawn into which split.
        for found in sorted(_walk_class(folder, name), key=lambda found: Path(found.path).parts):
            if found.is_folder:
                left_out.append(found.refused)
            else:
                photos.append(_of_class(found, name, folder))
    for reason in left_out:
        warnings.warn(reason, stacklevel=3)
    if not photos:
        why = f" ({left_out[0]})" if left_out else ""
        raise CatalogueError(
            f"{folder} has no photos in sub-folders{why}; make one sub-folder for each class, with photos "
            f"({', '.join(sorted(PHOTO_SUFFIXES))}) inside"
        )
    return Catalogue(folder, (CLASS_COLUMN,), tuple(photos), tuple(left_out))


def _class_names(folder: Path, left_out: list[str]) -> list[str]:
    """The folders that are classes, by name; why others are none goes to `left_out`."""
    names: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if is_hidden(entry.name):
                    continue
                if entry.is_symlink():
                    left_out += [found.refused for found in linked(entry.path, os.fspath(folder)) if found.is_folder]
                elif entry.is_dir():
                    names.append(entry.name)
    except OSError as error:
        raise CatalogueError(f"cannot read {folder}: {error.strerror}") from error
    return sorted(names)


def _walk_class(folder: Path, name: str) -> Iterator[Found]:
    return walk(os.fspath(folder / name), within=os.fspath(folder))


def _of_class(found: Found, name: str, folder: Path) -> Photo:
    path = Path(found.path)
    return Photo(path, {CLASS_COLUMN: shown(name)}, shown(str(path.relative_to(folder))), found.refused)
