"""Where each photo's record stands in the journal, and which photos a run is about: on disk, so that memory stays flat.

SQLite keeps what it is given in a temporary database, which grows into a file of the system's folder for such and goes
when the process does. Nothing depends on it: it is made anew from the journal and the source.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from edge_tagger.errors import OutputError

_CACHE_KIB = 4096


class Index:
    """Keys and names are paths as the file system has them, of any bytes."""

    def __init__(self) -> None:
        with _told():
            self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            for statement in (
                f"PRAGMA cache_size=-{_CACHE_KIB}",
                "PRAGMA journal_mode=OFF",
                "CREATE TABLE places (key BLOB PRIMARY KEY, place INTEGER) WITHOUT ROWID",
                "CREATE TABLE photos (name BLOB PRIMARY KEY, refused TEXT) WITHOUT ROWID",
                "CREATE TABLE products (handle TEXT PRIMARY KEY, line INTEGER, key BLOB) WITHOUT ROWID",
            ):
                self._database.execute(statement)

    def set_place(self, key: str, place: int) -> None:
        """A key's record stands at byte `place` of the journal; what stood there before for it is forgotten."""
        self._run("INSERT OR REPLACE INTO places VALUES (?, ?)", os.fsencode(key), place)

    def place(self, key: str) -> int | None:
        found = self._run("SELECT place FROM places WHERE key = ?", os.fsencode(key)).fetchone()
        return None if found is None else int(found[0])

    def count_places(self) -> int:
        return self._count("places")

    def add_photo(self, name: str, refused: str) -> bool:
        """Note a photo of this run; False where it was noted before."""
        return self._run("INSERT OR IGNORE INTO photos VALUES (?, ?)", os.fsencode(name), refused).rowcount == 1

    def photos(self) -> Iterator[tuple[str, str]]:
        """(name, why it is refused) of the photos of this run, in the order of their names' bytes."""
        with _told():
            for name, refused in self._database.execute("SELECT name, refused FROM photos ORDER BY name"):
                yield os.fsdecode(name), refused

    def add_product(self, handle: str, line: int, key: str) -> None:
        """Note the row and photo of a product; the first one that has a photo stays. A blank `key` is no photo."""
        self._run(
            "INSERT INTO products VALUES (?1, ?2, ?3) ON CONFLICT (handle) DO UPDATE SET line = ?2, key = ?3 "
            "WHERE key = x''",
            handle,
            line,
            os.fsencode(key),
        )

    def product(self, handle: str) -> tuple[int, str] | None:
        """(line, key) of a product, where it was noted; the key is blank where it has no photo."""
        found = self._run("SELECT line, key FROM products WHERE handle = ?", handle).fetchone()
        return None if found is None else (found[0], os.fsdecode(found[1]))

    def count_without_photo(self) -> int:
        return self._count("products WHERE key = x''")

    def close(self) -> None:
        self._database.close()

    def _count(self, rows: str) -> int:
        return int(self._run(f"SELECT COUNT(*) FROM {rows}").fetchone()[0])

    def _run(self, statement: str, *values: object) -> sqlite3.Cursor:
        with _told():
            return self._database.execute(statement, values)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise OutputError(
            f"cannot keep the index of photos in the system's folder for temporary files: {error}; free some space "
            "there, or name another folder in SQLITE_TMPDIR, and run again with --resume"
        ) from error
