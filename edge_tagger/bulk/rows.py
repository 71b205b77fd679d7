"""The rows of a CSV as photos: every row for tables, the first photo of each product for shops."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from edge_tagger.bulk.index import Index
from edge_tagger.bulk.journal import Journal
from edge_tagger.bulk.source import Entry, Item, record_of
from edge_tagger.catalogue.csv_file import CsvFile, column_of, listed
from edge_tagger.catalogue.photo_cell import PhotoCells
from edge_tagger.errors import CatalogueError

# What catalogues call the column, ours first; the others are Shopify's, Google's and WooCommerce's.
IMAGE_COLUMNS = (
    "image", "photo", "file", "filename", "image_src", "product_image_url", "image_link", "image_url", "images"
)  # fmt: skip
_LAST = math.inf  # a row without a position


class PhotoRows:
    """Every row of a CSV has a photo below `folder`, which is the CSV's own unless said otherwise: see PhotoCells.

    Raises CatalogueError where the file has no such column.
    """

    def __init__(self, file: CsvFile, *, image_column: str | None = None, folder: Path | None = None) -> None:
        column = file.column(image_column) if image_column is not None else column_of(file.columns, IMAGE_COLUMNS)
        if column is None:
            wanted = f"no image column {image_column!r}" if image_column is not None else "no image column"
            raise CatalogueError(
                f"{file.path} has {wanted}; it has {listed(file.columns)}; name the one with the photos' paths in "
                "--image-column"
            )
        self.file, self._column = file, column
        self._cells = PhotoCells(file.path.parent if folder is None else folder)
        self._cells.note(row[column] for _, row in file)

    @property
    def columns(self) -> tuple[str, ...]:
        return self.file.columns

    def count(self) -> int:
        return self.file.rows

    def items(self, index: Index) -> Iterator[Item]:  # noqa: ARG002
        return (self.item(row) for _, row in self.file)

    def entries(self, journal: Journal) -> Iterator[Entry]:
        for row in self.rows():
            item = self.item(row)
            yield Entry(item.name, record_of(item, journal), row)

    def rows(self) -> Iterator[dict[str, str]]:
        """All rows. Raises CatalogueError where the file is not the one that was looked at."""
        self._check_unchanged()
        return (row for _, row in self.file)

    def item(self, row: Mapping[str, str]) -> Item:
        found = self._cells.find(row[self._column])
        return Item(row[self._column].strip(), found.path, found.refused)

    def _check_unchanged(self) -> None:
        if self.file.has_changed():
            raise CatalogueError(f"{self.file.path} was changed meanwhile; run again with --resume")


class ProductRows(PhotoRows):
    """Rows of products: several with the same handle one after the other are one, and its first photo is tagged: that
    of the lowest number in the column `position`, where there is one.

    `product_of` gives a row's handle, blank where the row belongs to the product above it.
    """

    def __init__(
        self,
        file: CsvFile,
        product_of: Callable[[Mapping[str, str]], str],
        *,
        position: str | None = None,
        image_column: str | None = None,
        folder: Path | None = None,
    ) -> None:
        super().__init__(file, image_column=image_column, folder=folder)
        self._product_of, self._position = product_of, position

    def count(self) -> int:
        return sum(1 for _ in groupby(self._products(), key=itemgetter(0)))

    def items(self, index: Index) -> Iterator[Item]:
        for product, rows in groupby(self._products(), key=itemgetter(0)):
            known = index.product(product)
            if known is not None and known[1]:
                continue
            _, line, row = min(rows, key=lambda each: self._rank(each[2]))
            item = self.item(row)
            has_photo = bool(row[self._column].strip())
            index.add_product(product, line, item.key if has_photo else "")
            if has_photo:
                yield item

    def entries(self, journal: Journal) -> Iterator[Entry]:
        """One for each product that has a photo."""
        self._check_unchanged()
        for product, line, row in self._products():
            known = journal.index.product(product)
            if known is not None and known[0] == line and known[1]:
                item = self.item(row)
                yield Entry(item.name, record_of(item, journal), row, product)

    def _rank(self, row: Mapping[str, str]) -> tuple[bool, float]:
        """Of two rows the one with the lower rank has the product's photo; of equal ones, the first."""
        return not row[self._column].strip(), _position(row.get(self._position or "", ""))

    def _products(self) -> Iterator[tuple[str, int, dict[str, str]]]:
        here = ""
        for line, row in self.file:
            here = self._product_of(row) or here
            yield here, line, row


def _position(cell: str) -> float:
    try:
        position = float(cell)
    except ValueError:
        return _LAST
    return position if position > 0 else _LAST
