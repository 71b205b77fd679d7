"""The list of photos that could not be tagged, as a CSV beside the output; there is none where all could."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge_tagger.bulk.source import Entry
from edge_tagger.catalogue.photo_files import shown
from edge_tagger.files import whole_file
from edge_tagger.shops.dialects import CommaSeparated, inert

HEADER = ("photo", "product", "reason")


class Failures:
    """Counts and writes the entries that have an error."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self.count = 0

    def noted(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """The same entries; those with an error are written as they pass."""
        for entry in entries:
            if entry.record.error:
                self._writer.writerow(map(inert, (shown(entry.name), entry.product, entry.record.error)))
                self.count += 1
            yield entry


@contextmanager
def failures_file(path: Path | None) -> Iterator[Failures]:
    """Whole at the end, or removed where nothing failed. Without a path they are only counted. Raises OutputError."""
    with (
        whole_file(path or os.devnull) as beside,
        beside.open("w", encoding="utf-8", errors="replace", newline="") as stream,
    ):
        writer = csv.writer(stream, CommaSeparated)
        writer.writerow(HEADER)
        failures = Failures(writer)
        yield failures
    if failures.count == 0 and path is not None:
        Path(os.path.realpath(path)).unlink(missing_ok=True)  # a link to it stays
