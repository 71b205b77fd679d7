"""From a journal to the files that the user asked for, in one pass over the photos for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edge_tagger.bulk.failures import failures_file
from edge_tagger.bulk.formats import write_table
from edge_tagger.bulk.journal import Journal
from edge_tagger.bulk.shop_export import ShopExport
from edge_tagger.bulk.source import Entry, Source
from edge_tagger.bulk.table import Table
from edge_tagger.catalogue.photo_files import shown
from edge_tagger.destination import is_regular
from edge_tagger.shops.dialects import inert


@dataclass(frozen=True)
class Written:
    """How many photos have tags and how many could not be tagged, and the files: the output first."""

    tagged: int
    failed: int
    files: tuple[Path, ...]


class Output(Protocol):
    def write(self, path: Path, journal: Journal) -> Written:
        """Write all files. Raises OutputError where one cannot be written: it is then not there, or as it was."""
        ...


@dataclass(frozen=True)
class TableOutput:
    """JSON lines, CSV or Parquet: an entry for each photo or row, those that failed among them."""

    name: str
    source: Source
    table: Table

    def write(self, path: Path, journal: Journal) -> Written:
        return _write(self.name, path, path, self.source.entries(journal), self.table)


@dataclass(frozen=True)
class ShopOutput:
    """A shop's file; with `review`, a CSV beside it, for the shop's file has no place for it."""

    export: ShopExport
    review: Table | None = None

    def write(self, path: Path, journal: Journal) -> Written:
        entries = self.export.source.entries(journal)
        if self.review is None:
            written = _write(None, path, path, entries, None)
        else:
            written = _write("csv", path, beside(path, "review"), map(_of_product, entries), self.review)
        self.export.write(path, journal)
        return Written(written.tagged, written.failed, (path, *(each for each in written.files if each != path)))


def beside(path: Path, what: str) -> Path:
    """The file of failures or reviews beside an output: tags.parquet.failures.csv."""
    return path.with_name(f"{path.name}.{what}.csv")


def _write(name: str | None, out: Path, path: Path, entries: Iterable[Entry], table: Table | None) -> Written:
    """Write entries in a format, where one is named, and those that failed to a list beside `out`."""
    total = 0

    def counted() -> Iterator[Entry]:
        nonlocal total
        for entry in failures.noted(entries):
            total += 1
            yield entry

    listed = beside(out, "failures") if is_regular(out) else None
    with failures_file(listed) as failures:
        if name is None or table is None:
            for _ in counted():
                pass
        else:
            write_table(name, path, counted(), table)
    files = (path, *((listed,) if failures.count and listed is not None else ()))
    return Written(total - failures.count, failures.count, files)


def _of_product(entry: Entry) -> Entry:
    """For a file that is all ours."""
    row = {"product": inert(entry.product), "photo": inert(shown(entry.name))}
    return Entry(entry.name, entry.record, row, entry.product)
