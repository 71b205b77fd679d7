"""A catalogue as Shopify or Google Merchant imports it: the user's own CSV with tags merged in, or rows from photos."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from edge_tagger.bulk.journal import Journal
from edge_tagger.bulk.record import Record
from edge_tagger.bulk.rows import ProductRows
from edge_tagger.bulk.source import PhotoFiles
from edge_tagger.catalogue.csv_dialect import Dialect
from edge_tagger.catalogue.csv_file import CsvFile
from edge_tagger.catalogue.photo_files import shown
from edge_tagger.shops import google_merchant, shopify
from edge_tagger.shops.changes import Change, changes
from edge_tagger.shops.dialects import CommaSeparated, PlainTabs, TabSeparated, inert, write_rows
from edge_tagger.shops.mapping import Categories, TaxonomyMapping, deepest
from edge_tagger.shops.merge import TagMerger, split_tags
from edge_tagger.tagged import TaggedPhoto

Row = Mapping[str, str]
TAB_SUFFIXES = (".tsv", ".txt")


@dataclass
class ShopExport:
    """One of "shopify" and "google". `tell` gets a line for each product that is left as it was for a reason.

    While rows are made, `unmapped` counts the photos of each tag that the mapping has no category (or audience) for.
    """

    shop: str
    source: ProductRows | PhotoFiles
    merger: TagMerger
    mapping: TaxonomyMapping
    tell: Callable[[str], object]
    unmapped: Counter[str] = field(default_factory=Counter)

    @property
    def header(self) -> Sequence[str]:
        """Raises CatalogueError where the CSV lacks what the shop knows products by."""
        if isinstance(self.source, PhotoFiles):
            return shopify.NEW_HEADER if self.shop == "shopify" else google_merchant.NEW_HEADER
        name = str(self.source.file.path)
        if self.shop == "shopify":
            shopify.Columns.of(self.source.columns, name=name)
            return self.source.columns
        return google_merchant.header(self.source.columns, name=name)

    @property
    def categories(self) -> Categories:
        return self.mapping.shopify if self.shop == "shopify" else self.mapping.google

    def rows(self, journal: Journal) -> Iterator[tuple[str, Row, Row]]:
        """(product, its row before, its row after) of every row; before is empty for a product made from a photo."""
        self.unmapped.clear()
        if isinstance(self.source, PhotoFiles):
            make = self._new_shopify if self.shop == "shopify" else self._new_google
            return ((product, {}, row) for product, row in make(self.source, journal))
        return (self._shopify if self.shop == "shopify" else self._google)(self.source, journal)

    def write(self, path: Path, journal: Journal) -> None:
        """Write the whole file. Raises OutputError."""
        rows = (_inert(before, after) for _, before, after in self.rows(journal))
        write_rows(path, self.header, rows, self._dialect(path))

    def _dialect(self, path: Path) -> type[csv.Dialect]:
        if self.shop != "google" or path.suffix.lower() not in TAB_SUFFIXES:
            return CommaSeparated
        given = self.source.file.dialect if isinstance(self.source, ProductRows) else Dialect()
        is_plain = given.delimiter == "\t" and not given.quoted
        return PlainTabs if is_plain else TabSeparated

    def changes(self, journal: Journal) -> Iterator[Change]:
        """What the file would change, cell by cell."""
        for product, before, after in self.rows(journal):
            yield from changes(product, before, after)

    def _shopify(self, source: ProductRows, journal: Journal) -> Iterator[tuple[str, Row, Row]]:
        columns = shopify.Columns.of(source.columns).apart(source.rows())
        tagged = _by_product(journal, self._seen)
        merged = shopify.merge_rows(source.rows(), tagged, columns, self.merger, self.mapping, on_problem=self.tell)
        for before, after in zip(source.rows(), merged, strict=True):
            yield columns.product(before), before, after

    def _google(self, source: ProductRows, journal: Journal) -> Iterator[tuple[str, Row, Row]]:
        header, own_id = self.header, google_merchant.id_column(source.columns)
        seen = set[str]()
        for number, before in enumerate(source.rows(), 1):
            product = before[own_id].strip()
            after: Row = {**dict.fromkeys(header, ""), **before}
            record = None if product in seen else _record(journal, product)
            if product in seen:
                self.tell(
                    f"row {number}: the id {product!r} stood before; this row was left as it is, and Google takes one "
                    "product for each id: give one of them another id"
                )
            elif product:
                seen.add(product)
            if record is not None and record.tagged is not None:
                tagged = self._seen(record.tagged)
                after = google_merchant.merge_row(
                    after, tagged, self.merger.policy, self.mapping, colours=_names(record)
                )
            yield product, before, after

    def _new_shopify(self, source: PhotoFiles, journal: Journal) -> Iterator[tuple[str, Row]]:
        photos = (
            (entry.name, self._seen(entry.record.tagged))
            for entry in source.entries(journal)
            if entry.record.tagged is not None
        )
        for row in shopify.new_rows(photos, self.mapping):
            yield row["URL handle"], row

    def _new_google(self, source: PhotoFiles, journal: Journal) -> Iterator[tuple[str, Row]]:
        """A photo is called as its product's id is; bytes that are no text stand in it as `\\xe9`."""
        taken = set[str]()
        for entry in source.entries(journal):
            product = os.fsencode(PurePath(entry.name).stem).decode("utf-8", "backslashreplace")
            name = shown(entry.name)
            if product in taken:
                self.tell(f"{name} is left out: another photo is called {product!r}, which is the product's id")
            elif entry.record.tagged is not None:
                taken.add(product)
                if inert(product) != product:
                    self.tell(f"{name}: a spreadsheet would run its id, which is written as {inert(product)}")
                tagged = self._seen(entry.record.tagged)
                yield product, google_merchant.new_row(product, tagged, self.mapping, colours=_names(entry.record))

    def _seen(self, tagged: TaggedPhoto) -> TaggedPhoto:
        """The same photo, its tags without an entry counted."""
        facets = self.mapping.facets
        category, gender = deepest(tagged, facets.category), deepest(tagged, facets.gender)
        if category is not None and self.categories.of(tagged, facets.category) is None:
            self.unmapped[category.tag] += 1
        if self.shop == "google" and gender is not None and gender.tag not in self.mapping.audience:
            self.unmapped[gender.tag] += 1
        return tagged


def products_of(
    shop: str, file: CsvFile, *, image_column: str | None = None, folder: Path | None = None
) -> ProductRows:
    """A shop's CSV as products with photos. Raises CatalogueError where it lacks a column that the shop needs."""
    if shop == "shopify":
        columns = shopify.Columns.of(file.columns, name=str(file.path)).apart(row for _, row in file)
        return ProductRows(file, columns.product, position=columns.position, image_column=image_column, folder=folder)
    own_id = google_merchant.id_column(file.columns, name=str(file.path))
    return ProductRows(file, lambda row: row[own_id].strip(), image_column=image_column, folder=folder)


def _by_product(journal: Journal, seen: Callable[[TaggedPhoto], TaggedPhoto]) -> Callable[[str], TaggedPhoto | None]:
    def tagged(product: str) -> TaggedPhoto | None:
        record = _record(journal, product)
        return None if record is None or record.tagged is None else seen(record.tagged)

    return tagged


def _record(journal: Journal, product: str) -> Record | None:
    """The record of the photo of a product, where it has one."""
    found = journal.index.product(product) if product else None
    return journal.get(found[1]) if found is not None and found[1] else None


def _inert(before: Row, after: Row) -> Row:
    """Cells that start with what we wrote are none that a spreadsheet would run; the user's own stay as they are."""
    return {column: cell if _is_given(before.get(column, ""), cell) else inert(cell) for column, cell in after.items()}


def _is_given(before: str, after: str) -> bool:
    first = next(iter(split_tags(before)), "")
    return before == after or bool(first and after.startswith(first))


def _names(record: Record) -> tuple[str, ...]:
    return tuple(colour.name for colour in record.colours or ())
