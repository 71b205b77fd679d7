"""What a bulk run is about: photos from folders, globs and names, or the rows of a CSV."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from edge_tagger.bulk.globs import matches
from edge_tagger.bulk.index import Index
from edge_tagger.bulk.journal import Journal
from edge_tagger.bulk.record import Record
from edge_tagger.catalogue.photo_files import Found, is_photo, shown, walk
from edge_tagger.errors import CatalogueError


@dataclass(frozen=True)
class Item:
    """One photo to tag: `name` as the user knows it, `path` to open, and why it is not read, where it is `refused`."""

    name: str
    path: str
    refused: str = ""

    @property
    def key(self) -> str:
        """What the journal knows the photo by: its absolute path."""
        return os.path.abspath(self.path)  # noqa: PTH100  a Path would take ten times as long


@dataclass(frozen=True)
class Entry:
    """One photo that is done, and what the user's CSV says of it; `product` is what a shop calls it."""

    name: str
    record: Record
    row: Mapping[str, str] = field(default_factory=dict)
    product: str = ""


class Source(Protocol):
    """Gives photos twice: to tag them, and once they are in the journal."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The user's own columns; none where there is no CSV."""
        ...

    def count(self) -> int:
        """About how many photos there are."""
        ...

    def items(self, index: Index) -> Iterator[Item]:
        """The photos as they are found; nothing is held back to be sorted or counted."""
        ...

    def entries(self, journal: Journal) -> Iterator[Entry]:
        """The same photos with their records, in the order of the output. Raises CatalogueError where the source was
        changed meanwhile."""
        ...


class PhotoFiles:
    """Photos of folders with all below them, globs, and single names. The output is in the order of the names.

    What is hidden, and which links are followed: edge_tagger.catalogue.photo_files. Raises CatalogueError for an input
    that does not exist.
    """

    columns: tuple[str, ...] = ()

    def __init__(self, inputs: Sequence[str]) -> None:
        self._parts: list[Callable[[], Iterator[Item]]] = [_reader(given) for given in inputs]

    def found(self) -> Iterator[Item]:
        """The photos as they are found; one that two inputs name comes twice."""
        for part in self._parts:
            yield from part()

    def count(self) -> int:
        return sum(1 for _ in self.found())

    def items(self, index: Index) -> Iterator[Item]:
        return (item for item in self.found() if index.add_photo(item.name, item.refused))

    def entries(self, journal: Journal) -> Iterator[Entry]:
        for name, refused in journal.index.photos():
            yield Entry(name, record_of(Item(name, name, refused), journal))


def record_of(item: Item, journal: Journal) -> Record:
    """What is known of a photo; for one that is refused, why."""
    record = Record(None, error=item.refused) if item.refused else journal.get(item.key)
    return record or Record(
        None, error=f"{shown(item.name)} came while the others were tagged; run again with --resume"
    )


def _reader(given: str) -> Callable[[], Iterator[Item]]:
    if os.path.isdir(given):  # noqa: PTH112
        try:
            os.scandir(given).close()
        except OSError as error:
            raise CatalogueError(f"cannot read {given}: {error.strerror}") from error
        return lambda: _items(walk(given))
    if glob.has_magic(given) and not os.path.lexists(given):
        if next(matches(given), None) is None:
            raise CatalogueError(f"nothing is called {given}; give photos, folders, one CSV, or a glob in quotes")
        return lambda: _items(matches(given))
    if not os.path.lexists(given) and not is_photo(given):
        raise CatalogueError(f"{given} does not exist; give photos, folders, one CSV, or a glob in quotes")
    return lambda: iter([Item(given, given)])


def _items(found: Iterator[Found]) -> Iterator[Item]:
    return (Item(each.path, each.path, each.refused) for each in found)
