"""A CSV as shops and spreadsheets write it: its encoding and delimiter found out, its rows read one at a time."""

from __future__ import annotations

import codecs
import csv
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from edge_tagger.errors import CatalogueError

DELIMITERS = (",", ";", "\t", "|")
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


@dataclass(frozen=True)
class CsvFile:
    """A CSV whose rows were all looked at once: every row has `columns`, and there are `rows` of them.

    `encoding` is Python's name of it; `guessed` says that nothing in the file tells it. `stamp` is what the file's size
    and time were.
    """

    path: Path
    encoding: str
    guessed: bool
    delimiter: str
    columns: tuple[str, ...]
    rows: int
    stamp: tuple[int, int]

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], *, encoding: str | None = None, delimiter: str | None = None
    ) -> CsvFile:
        """Look at the whole file. What is not given is found out: see :func:`detect_encoding`; the delimiter is the one
        that makes the most columns.

        Raises CatalogueError for a file that cannot be read or decoded, has no header, one name over two columns, no
        rows, or a row with more or fewer cells; it names the line. Raises ValueError for an unknown encoding.
        """
        source = Path(path)
        try:
            stamp = _stamp(source)
            found, guessed = detect_encoding(source) if encoding is None else (_text_encoding(encoding), False)
            delimiter = delimiter or _delimiter(source, found)
        except OSError as error:
            raise CatalogueError(f"cannot read {source}: {error.strerror}") from error
        file = cls(source, found, guessed, delimiter, (), 0, stamp)
        file = replace(file, columns=file._header())
        file = replace(file, rows=sum(1 for _ in file))
        if file.rows == 0:
            raise CatalogueError(f"{source} has a header and no rows; add one row for each photo")
        return file

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        """(line, cells by column) of each row, cells as they stand; blank lines are left out. Raises CatalogueError."""
        records = self._records()
        next(records, None)
        for line, cells in records:
            if len(cells) != len(self.columns):
                raise CatalogueError(
                    f"{self.path}, line {line}: {len(cells)} cells under {len(self.columns)} column names; "
                    "quote cells that contain a comma"
                )
            yield line, dict(zip(self.columns, cells, strict=True))

    def has_changed(self) -> bool:
        """Whether the file is another than the one that was looked at."""
        try:
            return _stamp(self.path) != self.stamp
        except OSError:
            return True

    def _header(self) -> tuple[str, ...]:
        _, cells = next(self._records(), (0, []))
        if not cells:
            raise CatalogueError(f"{self.path} is empty; its first line must name the columns")
        twice = [column for column, count in Counter(cells).items() if count > 1]
        if twice:
            raise CatalogueError(f"{self.path} has two columns named {twice[0]!r}; rename one")
        return tuple(cells)

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        csv.field_size_limit(_MAX_CELL)
        reader = None
        try:
            with self.path.open(encoding=self.encoding, newline="") as file:
                reader = csv.reader(file, strict=True, delimiter=self.delimiter)
                yield from ((reader.line_num, cells) for cells in reader if cells)
        except UnicodeError as error:
            place = f" (byte {error.start})" if isinstance(error, UnicodeDecodeError) else ""
            name = "UTF-8" if self.encoding.startswith("utf-8") else self.encoding
            raise CatalogueError(f"{self.path} is not {name}{place}; save it as UTF-8") from error
        except csv.Error as error:
            line = 1 if reader is None else reader.line_num
            raise CatalogueError(f"{self.path}, line {line}: {error}") from error
        except OSError as error:
            raise CatalogueError(f"cannot read {self.path}: {error.strerror}") from error


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
        if max(even, odd) > len(start) // 4 and min(even, odd) == 0:
            return ("utf-16-be" if even else "utf-16-le"), True
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


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names for a message, the first ones alone where there are many."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def column_of(columns: Sequence[str], names: Mapping[str, object] | Sequence[str]) -> str | None:
    """The first of `names` that a header has, as the header spells it: without regard to case, and a blank as good as
    an underscore."""
    spelt = {column.strip().casefold().replace(" ", "_"): column for column in columns}
    return next((spelt[name] for name in names if name in spelt), None)


def _delimiter(path: Path, encoding: str) -> str:
    """One that makes several columns, as many of every row; of several such, the one that makes the most."""
    scores = dict.fromkeys(DELIMITERS, (False, 0))
    for delimiter in DELIMITERS:
        try:
            with path.open(encoding=encoding, newline="") as file:
                rows = [len(cells) for cells in islice(csv.reader(file, delimiter=delimiter), _SNIFFED_ROWS) if cells]
        except (UnicodeError, csv.Error):
            continue  # told when it is read
        scores[delimiter] = (set(rows) == {rows[0]} != {1}, rows[0]) if rows else (False, 0)
    return max(DELIMITERS, key=lambda delimiter: scores[delimiter])


def _text_encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError as error:  # it is no ValueError
        raise ValueError(f"{error}; give one of Python's, such as utf-8, utf-16, cp1252 or latin-1") from error
    return name


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
