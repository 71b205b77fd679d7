"""From what the user names to a source of photos."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from edge_tagger.bulk.rows import PhotoRows
from edge_tagger.bulk.shop_export import products_of
from edge_tagger.bulk.source import PhotoFiles
from edge_tagger.catalogue.csv_file import CsvFile
from edge_tagger.errors import CatalogueError

TABLE_SUFFIXES = (".csv", ".tsv", ".txt")


def is_table(given: str) -> bool:
    """Whether an input is a CSV by its name."""
    return given.lower().endswith(TABLE_SUFFIXES) and not os.path.isdir(given)  # noqa: PTH112  any bytes


def open_source(
    inputs: Sequence[str],
    *,
    shop: str | None = None,
    image_column: str | None = None,
    folder: Path | None = None,
    encoding: str | None = None,
    tell: Callable[[str], object],
) -> PhotoFiles | PhotoRows:
    """Photos of folders, globs and names, or the rows of one CSV; for a `shop`, its products.

    `tell` gets a line where a CSV is read in another way than as UTF-8 with commas. Raises CatalogueError; ValueError
    for an unknown encoding, and for options of a CSV where there is none.
    """
    if not any(map(is_table, inputs)):
        if image_column is not None or folder is not None or encoding is not None:
            raise ValueError("--image-column, --photos and --encoding are about a CSV, and none is given")
        return PhotoFiles(inputs)
    if len(inputs) > 1:
        raise CatalogueError(f"{', '.join(inputs[:3])}: give one CSV alone, or folders, globs and photos without one")
    file = CsvFile.open(inputs[0], encoding=encoding)
    if file.reading is not None:
        tell(file.reading)
    if shop is not None:
        return products_of(shop, file, image_column=image_column, folder=folder)
    return PhotoRows(file, image_column=image_column, folder=folder)
