"""Tagged photos as rows: the user's own columns as they are, ours behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from edge_tagger.bulk.source import Entry
from edge_tagger.catalogue.photo_files import shown
from edge_tagger.errors import CatalogueError
from edge_tagger.shops.review import Bands
from edge_tagger.shops.review import columns as review_columns
from edge_tagger.tagged import TaggedPhoto
from edge_tagger.taxonomy import Tag
from edge_tagger.terminal import json_text

BETWEEN = " | "  # several answers of one facet


@dataclass(frozen=True)
class Table:
    """`given` are the columns of the user's CSV; where there are none, `photo` is the first of ours.

    For each of `facets`: `tag_FACET`, the path of names with " > ", several with " | "; `score_FACET`, the lowest score
    of its tags; with `bands`, `review_FACET`. With `colours`, the dominant ones, "#1f2a4c 71% Navy Blue | ...". Last
    stands `error`. Raises CatalogueError where the user's CSV has a column of ours already.
    """

    given: tuple[str, ...]
    facets: tuple[str, ...]
    bands: Bands | None = None
    colours: bool = False

    def __post_init__(self) -> None:
        twice = [column for column in self.added if column in self.given]
        if twice:
            raise CatalogueError(f"the CSV has a column {twice[0]!r} already; rename it, or give a CSV without tags")

    @property
    def scores(self) -> tuple[str, ...]:
        """The columns that hold numbers."""
        return tuple(f"score_{facet}" for facet in self.facets)

    @property
    def added(self) -> tuple[str, ...]:
        """Our own columns."""
        kinds = ("tag", "score") if self.bands is None else ("tag", "score", "review")
        own = [f"{kind}_{facet}" for facet in self.facets for kind in kinds]
        return (*(() if self.given else ("photo",)), *own, *(("colours",) if self.colours else ()), "error")

    @property
    def header(self) -> tuple[str, ...]:
        return (*self.given, *self.added)

    def row(self, entry: Entry) -> dict[str, str]:
        """Every column of a photo as text, blank where there is nothing to say."""
        row = {**dict.fromkeys(self.added, ""), **entry.row, "error": entry.record.error}
        if not self.given:
            row["photo"] = shown(entry.name)
        tagged = entry.record.tagged
        if tagged is not None:
            row |= {f"tag_{facet}": BETWEEN.join(paths(tagged, facet)) for facet in self.facets}
            reviewed = review_columns(tagged, self.facets, self.bands or Bands())
            row |= {column: cell for column, cell in reviewed.items() if column in row}
        if self.colours and entry.record.colours is not None:
            row["colours"] = BETWEEN.join(map(str, entry.record.colours))
        return row


def json_lines(entries: Iterable[Entry], table: Table) -> Iterator[str]:
    """One JSON object a line: {"photo", "row", "tags", "paths", "review", "colours"} or {"photo", "row", "error"};
    `row` are the cells of the user's CSV, "tags" and "paths" as in TaggedPhoto.to_json."""
    for entry in entries:
        value: dict[str, Any] = {"photo": shown(entry.name)}
        if table.given:
            value["row"] = dict(entry.row)
        record = entry.record
        if record.tagged is None:
            value["error"] = record.error
        else:
            value |= record.tagged.to_json()
            if table.bands is not None:
                value["review"] = {facet: table.bands.of(record.tagged, facet)[0] for facet in table.facets}
            if table.colours:
                value["colours"] = [colour.to_json() for colour in record.colours or ()]
        yield json_text(value) + "\n"


def paths(tagged: TaggedPhoto, facet: str) -> list[str]:
    """The path of each tag of a facet that has none below it: ["Footwear > Shoes"]."""
    own = tagged.path(facet)
    names = {tag.tag: tag.name for tag in own}
    inner = {parent for tag in own for parent in tag.parents}
    return [
        " > ".join([*(names.get(parent, Tag.from_id(parent).name) for parent in tag.parents), tag.name])
        for tag in own
        if tag.tag not in inner
    ]
