"""How the shops' files are written: the standard library's csv, every cell quoted, quotes doubled."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping, Sequence

from edge_tagger.files import whole_file


class CommaSeparated(csv.Dialect):
    """What Shopify's import and Google's CSV feeds read (RFC 4180, lines ended as in Shopify's own exports)."""

    delimiter = ","
    quotechar = '"'
    doublequote = True
    quoting = csv.QUOTE_ALL
    lineterminator = "\n"
    strict = True


class TabSeparated(CommaSeparated):
    """Google's text feeds."""

    delimiter = "\t"


class PlainTabs(csv.Dialect):
    """Google's text feeds in which a quote is a letter like any other: cells as they are, without tabs or line ends."""

    delimiter = "\t"
    quoting = csv.QUOTE_NONE
    quotechar = None
    doublequote = False
    lineterminator = "\n"
    strict = True


# What makes a spreadsheet take a cell for a formula; a line end or tab before it is dropped by some; the last four are
# as wide as Chinese letters. Source: owasp.org/www-community/attacks/CSV_Injection
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def inert(cell: str) -> str:
    """A cell of ours that no spreadsheet runs: an apostrophe stands before what would start a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def write_rows(
    path: str | os.PathLike[str],
    header: Sequence[str],
    rows: Iterable[Mapping[str, str]],
    dialect: type[csv.Dialect] = CommaSeparated,
) -> None:
    """A file in UTF-8 of rows that have the header's columns and no others, wholly or not at all. Raises OutputError
    where it cannot be written, ValueError for a row with another column."""
    with whole_file(path) as beside, beside.open("w", encoding="utf-8", errors="replace", newline="") as stream:
        writer = csv.DictWriter(stream, header, dialect=dialect)
        writer.writeheader()
        writer.writerows(rows)
