"""A CSV as shops and spreadsheets write it: its encoding and delimiter found out, its rows read one at a time."""

from __future__ import annotations

import csv
import errno
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edge_tagger.catalogue.csv_dialect import Dialect, Records, detect_encoding, find_dialect
from edge_tagger.errors import CatalogueError

_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True)
class CsvFile:
    """A CSV whose rows were all looked at once: every row has `columns`, and there are `rows` of them.

    `encoding` is Python's name of it; `guessed` says that nothing in the file tells it. `stamp` is what the file's size
    and time were. Columns without a name and without a cell, which spreadsheets leave behind, are none of `columns`.
    """

    path: Path
    encoding: str
    guessed: bool
    dialect: Dialect
    stamp: tuple[int, int]
    columns: tuple[str, ...] = ()
    rows: int = 0
    _places: tuple[int, ...] = field(default=(), repr=False)  # of the columns among the header's cells
    _width: int = field(default=0, repr=False)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, encoding: str | None = None) -> CsvFile:
        """Look at the whole file. An encoding that is not given and the dialect are found out: see
        edge_tagger.catalogue.csv_dialect.

        Raises CatalogueError for a file that cannot be read or decoded, has no header, one name over two columns, no
        rows, or a row with more or fewer cells; it names the line. Raises ValueError for an unknown encoding.
        """
        source = Path(path)
        try:
            stamp = _stamp(source)
            found, guessed = detect_encoding(source) if encoding is None else (text_encoding(encoding), False)
            dialect = find_dialect(source, found)
        except OSError as error:
            raise CatalogueError(f"cannot read {source}: {error.strerror}") from error
        file = cls(source, found, guessed, dialect, stamp)
        file = file._with_header()
        if file.rows == 0:
            raise CatalogueError(f"{source} has a header and no rows; add one row for each photo")
        return file

    @property
    def delimiter(self) -> str:
        return self.dialect.delimiter

    @property
    def reading(self) -> str | None:
        """What to tell of how the file is read; None for UTF-8 with commas."""
        if self.encoding.startswith("utf-8") and self.delimiter == ",":
            return None
        guess = ", which is a guess (--encoding names another)" if self.guessed else ""
        delimiter = _NAMES.get(self.delimiter, f"{self.delimiter!r} between cells")
        return f"{self.path}: read as {self.encoding} with {delimiter}{guess}"

    def column(self, name: str) -> str | None:
        """The column of a name, as the header spells it; blanks around names count for nothing."""
        if name in self.columns:
            return name
        return next((column for column in self.columns if column.strip() == name.strip()), None)

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        """(line, cells by column) of each row, cells as they stand; rows without a letter are left out. Raises
        CatalogueError."""
        records = self._records()
        next(records, None)
        whole = self._places == tuple(range(self._width))
        for line, cells in records:
            self._check(line, cells)
            if whole:
                yield line, dict(zip(self.columns, cells, strict=False))
            else:
                there = len(cells)
                values = (cells[place] if place < there else "" for place in self._places)
                yield line, dict(zip(self.columns, values, strict=True))

    def has_changed(self) -> bool:
        """Whether the file is another than the one that was looked at."""
        try:
            return _stamp(self.path) != self.stamp
        except OSError:
            return True

    def _with_header(self) -> CsvFile:
        """The same with columns and the number of rows."""
        records = self._records()
        _, cells = next(records, (0, []))
        if not cells:
            raise CatalogueError(f"{self.path} is empty; its first line must name the columns")
        names = cells if self.dialect.quoted else list(map(_without_quotes, cells))
        twice = [name for name, count in Counter(map(str.strip, names)).items() if count > 1 and name]
        if twice:
            raise CatalogueError(f"{self.path} has two columns named {twice[0]!r}; rename one")
        nameless = {place for place, name in enumerate(names) if not name.strip()}
        file = replace(
            self, _width=len(names), _places=tuple(place for place in range(len(names)) if place not in nameless)
        )
        used, rows = set[int](), 0
        for line, row in records:
            file._check(line, row)
            rows += 1
            used |= {place for place in nameless - used if place < len(row) and row[place].strip()}
        if len(used) > 1:
            first, second, *_ = sorted(used)
            raise CatalogueError(
                f"{self.path} has cells in columns {first + 1} and {second + 1}, which have no name; give them names"
            )
        places = tuple(place for place in range(len(names)) if place not in nameless or place in used)
        return replace(file, columns=tuple(names[place] for place in places), rows=rows, _places=places)

    def _check(self, line: int, cells: Sequence[str]) -> None:
        """Cells that are missing under no name, or too many and blank, are a spreadsheet's way to save."""
        if len(cells) == self._width:
            return
        if len(cells) <= max(self._places, default=0) or any(map(str.strip, cells[self._width :])):
            between = _NAMES.get(self.delimiter, "delimiter").removesuffix("s")
            raise CatalogueError(
                f"{self.path}, line {line}: {len(cells)} cells under {self._width} column names; "
                f"quote cells that contain a {between}"
            )

    def _records(self) -> Records:
        try:
            yield from self.dialect.records(self.path, self.encoding)
        except UnicodeError as error:
            place = f" (byte {error.start})" if isinstance(error, UnicodeDecodeError) else ""
            name = "UTF-8" if self.encoding.startswith("utf-8") else self.encoding
            raise CatalogueError(f"{self.path} is not {name}{place}; save it as UTF-8") from error
        except csv.Error as error:
            raise CatalogueError(f"{self.path}, line {getattr(error, 'line', 1)}: {_explained(error)}") from error
        except OSError as error:
            raise CatalogueError(f"cannot read {self.path}: {error.strerror}") from error


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names for a message, the first ones alone where there are many."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def column_of(columns: Sequence[str], names: Mapping[str, object] | Sequence[str]) -> str | None:
    """The first of `names` that a header has, as the header spells it: without regard to case, and a blank as good as
    an underscore."""
    spelt = {column.strip().casefold().replace(" ", "_"): column for column in columns}
    return next((spelt[name] for name in names if name in spelt), None)


def _explained(error: csv.Error) -> str:
    """The csv module's words, with what to do."""
    told = str(error)
    if "expected after" in told:
        return f"{told}: a cell that starts with a double quote ends with one, and those inside are doubled"
    if "unexpected end" in told:
        return f"{told}: a cell starts with a double quote, and none ends it"
    if "field larger" in told:
        return f"{told}: a double quote that nothing ends, or a cell that is too long; shorten it"
    return told


def _without_quotes(name: str) -> str:
    inner = name.strip()
    return inner[1:-1] if len(inner) > 1 and inner[0] == inner[-1] == '"' else name


def text_encoding(name: str) -> str:
    """The name. Raises ValueError where it is none of an encoding of text."""
    try:
        "".encode(name)
    except (LookupError, ValueError) as error:  # LookupError is no ValueError; a NUL byte gives the other
        raise ValueError(f"{error}; give one of Python's, such as utf-8, utf-16, cp1252 or latin-1") from error
    return name


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # it is read several times, and a pipe would wait
        raise OSError(errno.EINVAL, "it is not a regular file")
    return status.st_size, status.st_mtime_ns
