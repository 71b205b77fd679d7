"""The formats of `edge-tagger tag --out`, each written wholly or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from edge_tagger.bulk.source import Entry
from edge_tagger.bulk.table import Table, json_lines
from edge_tagger.errors import MissingExtraError
from edge_tagger.files import whole_file
from edge_tagger.shops.dialects import inert, write_rows

_ROW_GROUP = 10_000  # rows that are held in memory


def require_packages(name: str) -> None:
    """Raises MissingExtraError where the format needs a package that is not installed."""
    if name == "parquet":
        _pyarrow()


def write_table(name: str, path: Path, entries: Iterable[Entry], table: Table) -> None:
    """Write entries in the format "jsonl", "csv" or "parquet". Raises OutputError."""
    _WRITERS[name](path, entries, table)


def _write_json_lines(path: Path, entries: Iterable[Entry], table: Table) -> None:
    with whole_file(path) as beside, beside.open("w", encoding="utf-8", newline="") as stream:
        stream.writelines(json_lines(entries, table))


def _write_csv(path: Path, entries: Iterable[Entry], table: Table) -> None:
    """The user's own cells stay as they are; ours are none that a spreadsheet would run."""
    rows = (table.row(entry) for entry in entries)
    write_rows(path, table.header, ({**row, **{own: inert(row[own]) for own in table.added}} for row in rows))


def _write_parquet(path: Path, entries: Iterable[Entry], table: Table) -> None:
    """Text in every column but the scores, which are float32; of ours, null where there is nothing to say."""
    arrow, parquet = _pyarrow()
    schema = arrow.schema(
        [(column, arrow.float32() if column in table.scores else arrow.string()) for column in table.header]
    )
    rows = (_typed(table.row(entry), table) for entry in entries)
    with whole_file(path) as beside, beside.open("wb") as stream, parquet.ParquetWriter(stream, schema) as writer:
        while group := list(islice(rows, _ROW_GROUP)):
            writer.write_table(arrow.Table.from_pylist(group, schema=schema))


def _typed(row: dict[str, str], table: Table) -> dict[str, str | float | None]:
    own: dict[str, str | float | None] = {column: row[column] or None for column in table.added}
    return {**row, **own, **{column: float(row[column]) if row[column] else None for column in table.scores}}


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError(
            f"Parquet needs pyarrow ({error}); install it with: pip install 'edge-tagger[parquet]', or choose a file "
            "that ends in .jsonl or .csv"
        ) from error
    return pyarrow, pyarrow.parquet


_WRITERS: dict[str, Callable[[Path, Iterable[Entry], Table], None]] = {
    "jsonl": _write_json_lines,
    "csv": _write_csv,
    "parquet": _write_parquet,
}
