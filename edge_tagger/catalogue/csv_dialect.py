"""How a CSV is written where nothing says so: its encoding, its delimiter, and whether quotes surround cells."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

DELIMITERS = (",", ";", "\t", "|")
_MAY_BE_PLAIN = ("\t", "|")  # Google's feeds, in which quotes may be letters
_MAX_CELL = 2**24  # characters; the csv module's own limit, 2**17, is less than some shops' descriptions
_CHUNK_BYTES = 2**20
_SNIFFED_ROWS = 20
_BOMS = (  # UTF-32's starts as UTF-16's does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_NOT_IN_CP1252 = bytes((0x81, 0x8D, 0x8F, 0x90, 0x9D))
_MARK = "\ufeff"  # stands at the start where an encoding was named that leaves it there
_EXCEL_LINE = re.compile(r'"?sep=(\t|[^\w\s"])"?', re.IGNORECASE)
Records = Iterator[tuple[int, list[str]]]


@dataclass(frozen=True)
class Dialect:
    """`quoted`: cells may stand in double quotes, doubled inside; else a quote is a letter like any other.
    `after_blank`: a blank may stand before the opening one. `lines_before` stand above the header (Excel's `sep=;`)."""

    delimiter: str = ","
    quoted: bool = True
    after_blank: bool = False
    lines_before: int = 0

    def records(self, path: Path, encoding: str, *, strict: bool = True) -> Records:
        """(line, cells) of the header and each row; rows without a letter in them are left out. Raises OSError,
        UnicodeError, and csv.Error with the line as `line`."""
        csv.field_size_limit(_MAX_CELL)
        with path.open(encoding=encoding, newline="") as file:
            reader = csv.reader(
                islice(_unmarked(file), self.lines_before, None),
                delimiter=self.delimiter,
                quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
                skipinitialspace=self.after_blank,
                strict=strict,
            )
            try:
                for cells in reader:
                    if any(map(str.strip, cells)):
                        yield reader.line_num + self.lines_before, cells
            except csv.Error as error:
                error.line = reader.line_num + self.lines_before  # type: ignore[attr-defined]
                raise


def find_dialect(path: Path, encoding: str) -> Dialect:
    """The dialect of a file. Raises OSError; what is wrong with the rows is told when they are read.

    Excel's first line `sep=;` names the delimiter; else it is the one that makes several columns, as many of every row,
    and of several such, the one that makes the most.
    """
    try:
        with path.open(encoding=encoding, newline="") as file:
            start = list(islice(_unmarked(file), 2))
    except UnicodeError:
        return Dialect()
    named = _EXCEL_LINE.fullmatch(start[0].strip(" \r\n")) if start else None
    if named is not None:
        dialect = Dialect(named[1], lines_before=1)
    else:
        dialect = max(map(Dialect, DELIMITERS), key=lambda each: _columns(each, path, encoding))
    header = start[dialect.lines_before] if len(start) > dialect.lines_before else ""
    dialect = replace(dialect, after_blank=re.search(f'{re.escape(dialect.delimiter)} +"', header) is not None)
    return replace(dialect, quoted=dialect.delimiter not in _MAY_BE_PLAIN or _is_quoted(dialect, path, encoding))


def detect_encoding(path: Path) -> tuple[str, bool]:
    """(Python's name of a file's encoding, whether it is a guess). Raises OSError.

    A byte order mark tells UTF-8, UTF-16 and UTF-32; zeros at every other byte tell UTF-16 without one. What is valid
    UTF-8 throughout is taken for that. The rest is taken for Windows-1252, which Latin-1 text is too, or for Latin-1
    where it has bytes that Windows-1252 leaves open.
    """
    with path.open("rb") as file:
        start = file.read(_CHUNK_BYTES)
        for mark, name in _BOMS:
            if start.startswith(mark):
                return name, False
        even, odd = start[0::2].count(0), start[1::2].count(0)
        if max(even, odd) > len(start) // 20 and max(even, odd) > 4 * min(even, odd):
            return ("utf-16-be" if even > odd else "utf-16-le"), True
        decoder, utf8, latin1 = codecs.getincrementaldecoder("utf-8")(), True, False
        chunk = start
        while True:
            if utf8:
                try:
                    decoder.decode(chunk, final=not chunk)
                except UnicodeDecodeError:
                    utf8 = False
            latin1 = latin1 or any(byte in chunk for byte in _NOT_IN_CP1252)
            if not chunk:
                return ("utf-8", False) if utf8 else ("latin-1" if latin1 else "cp1252", True)
            chunk = file.read(_CHUNK_BYTES)


def _unmarked(lines: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield line if number else line.lstrip(_MARK)


def _columns(dialect: Dialect, path: Path, encoding: str) -> tuple[bool, int]:
    """(whether the first rows have several columns, all the same number; that of the header)."""
    try:
        rows = [len(cells) for _, cells in islice(dialect.records(path, encoding, strict=False), _SNIFFED_ROWS)]
    except (UnicodeError, csv.Error):
        return False, 0
    return (set(rows) == {rows[0]} != {1}, rows[0]) if rows else (False, 0)


def _is_quoted(dialect: Dialect, path: Path, encoding: str) -> bool:
    """Whether double quotes surround cells of a feed: Google takes both kinds, and tells them apart too.

    They do not where a cell starts with one and every line has as many cells as the header without regard to quotes,
    but taken for quotes they are wrong, or join lines.
    """
    plain = _rows(replace(dialect, quoted=False), path, encoding)
    if plain is None or not plain[1]:
        return plain is None
    quoted = _rows(dialect, path, encoding)
    return quoted is not None and quoted[0] == plain[0]


def _rows(dialect: Dialect, path: Path, encoding: str) -> tuple[int, bool] | None:
    """(rows, whether a cell starts with a quote); None where a row has another number of cells than the header."""
    count, width, has_quotes = 0, 0, False
    try:
        for _, cells in dialect.records(path, encoding):
            width = width or len(cells)
            count += 1
            has_quotes = has_quotes or any(cell.startswith('"') for cell in cells)
            if len(cells) < width or any(map(str.strip, cells[width:])):
                return None
    except (UnicodeError, csv.Error):
        return None
    return count, has_quotes
