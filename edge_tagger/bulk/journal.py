"""The journal of a bulk run: one JSON line for each photo, appended as it is done.

A line is handed to the system in one write before the next photo is looked at, so that the process may be killed at any
time; `fsync` follows every SYNC_EVERY_S seconds and at the end, so that a power cut takes that much at most. A line
that was not written wholly is cut off when the journal is opened again. The first line says what made the journal.

A line ends in its own checksum, the crc32 of what it would be without: `,"crc32":"1a2b3c4d"}`. Lines of older journals
have none, and are looked at field by field.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from edge_tagger.bulk.index import Index
from edge_tagger.bulk.record import Record, parse_line, with_checksum
from edge_tagger.errors import OutputError, RunError
from edge_tagger.json_fields import parse_json

SYNC_EVERY_S = 5.0
VERSION = 1
_HEAD = b'{"edge_tagger_journal":'
_TOLD_BYTES = 8  # fewer could be anyone's


class Journal:
    """Opened for this process alone: the lock goes when the process does. Use as a context manager.

    `settings` are what tags depend on, JSON values by name. With `resume` a journal that is there is gone on with, with
    `overwrite` it is emptied. Raises OutputError where another process has it, it cannot be written, or it is there and
    neither was asked for; RunError where it is no journal, or was made with other settings. `tell` gets a line where a
    damaged line was left out.
    """

    def __init__(
        self,
        path: Path,
        settings: Mapping[str, Any],
        *,
        resume: bool = False,
        overwrite: bool = False,
        tell: Callable[[str], object],
    ) -> None:
        self.path = path
        self.index = Index()
        self._synced_s = time.monotonic()
        self._is_ours = False
        try:
            self._file = _open_locked(path)
        except OutputError:
            self.index.close()
            raise
        try:
            settings = json.loads(json.dumps(settings))  # as it will be read back
            self._end = self._read(settings, resume, overwrite, tell)
            if self._end == 0:
                self._write({"edge_tagger_journal": VERSION, "settings": settings})
        except BaseException:
            self.close()
            raise
        self._start = self._end

    def get(self, key: str) -> Record | None:
        """The latest record of a photo."""
        place = self.index.place(key)
        if place is None:
            return None
        try:
            return _record(self._line_at(place))[1]
        except (ValueError, KeyError, TypeError, AttributeError):  # somebody else wrote into the file meanwhile
            return None

    def has_from_now(self, key: str) -> bool:
        """Whether a photo's record was written since the journal was opened."""
        place = self.index.place(key)
        return place is not None and place >= self._start

    def append(self, key: str, record: Record) -> None:
        """Keep a record. Raises OutputError; what was kept before stays readable then."""
        place = self._end
        self._write({"photo": key, **record.to_json()})
        self.index.set_place(key, place)
        if time.monotonic() - self._synced_s >= SYNC_EVERY_S:
            self.sync()

    def sync(self) -> None:
        with self._told():
            os.fsync(self._file)
        self._synced_s = time.monotonic()

    def close(self) -> None:
        """Let go of the file; one without records is removed."""
        if self._is_ours and self.index.count_places() == 0:
            Path(os.path.realpath(self.path)).unlink(missing_ok=True)  # a link to it stays
        os.close(self._file)
        self.index.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.sync()
        finally:
            self.close()

    def _read(self, settings: Mapping[str, Any], resume: bool, overwrite: bool, tell: Callable[[str], object]) -> int:
        """Note where each record stands, cut off what was not written wholly, and give the end. A journal without
        records is as good as none."""
        head: dict[str, Any] = {}
        end, damaged = 0, 0
        for place, line in self._lines():
            if place == 0 and not is_head(line):
                if overwrite:
                    break
                raise RunError(f"{self.path} is no journal of edge-tagger; choose another --journal or --out")
            if not line.endswith(b"\n") or (overwrite and head):
                break
            end = place + len(line)
            try:
                if place == 0:
                    head = _head(line)
                else:
                    self.index.set_place(_record(line)[0], place)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                if place == 0:
                    raise RunError(f"{self.path} is no journal of edge-tagger; choose another --out") from error
                damaged += 1
        self._is_ours = True
        if self.index.count_places() == 0:
            end = 0
        else:
            self._check(**head, settings=settings, resume=resume)
        if damaged:
            tell(f"{damaged} damaged lines of {self.path} are left out; their photos are tagged again")
        os.ftruncate(self._file, end)
        return end

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        place = 0
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            for line in file:
                yield place, line
                place += len(line)

    def _check(self, *, version: int, before: Mapping[str, Any], settings: Mapping[str, Any], resume: bool) -> None:
        if not resume:
            raise OutputError(
                f"{self.path} keeps photos of an earlier run; go on with --resume, or start anew with --overwrite"
            )
        if version != VERSION:
            raise RunError(f"{self.path} is a journal of another version of edge-tagger; start anew with --overwrite")
        changed = [key for key in {**before, **settings} if before.get(key) != settings.get(key)]
        if changed:
            lines = "; ".join(f"{key} was {before.get(key)!r} and is {settings.get(key)!r}" for key in changed)
            raise RunError(
                f"{self.path} was made with other settings: {lines}; tag with the same, start anew with --overwrite, "
                "or choose another --out"
            )

    def _line_at(self, place: int) -> bytes:
        parts: list[bytes] = []
        while True:
            chunk = os.pread(self._file, 4096, place)
            part, newline, _ = chunk.partition(b"\n")
            parts.append(part)
            if newline or not chunk:
                return b"".join(parts)
            place += len(chunk)

    def _write(self, value: Mapping[str, Any]) -> None:
        line = with_checksum(json.dumps(value, separators=(",", ":")).encode())
        with self._told():
            try:
                written = os.write(self._file, line)
                while written < len(line):  # a disk that is nearly full takes a part, and then tells
                    written += os.write(self._file, line[written:])
            except OSError:
                os.ftruncate(self._file, self._end)
                raise
        self._end += len(line)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"cannot write {self.path}: {error.strerror}; what is done is kept there: make room, and run again "
                "with --resume"
            ) from error


def _head(line: bytes) -> dict[str, Any]:
    try:
        value, _ = parse_line(line)
    except ValueError:  # another version may count it in another way, and is told as such
        value = parse_json(line)
        if value["edge_tagger_journal"] == VERSION:
            raise
    return {"version": value["edge_tagger_journal"], "before": dict(value["settings"])}


def _record(line: bytes) -> tuple[str, Record]:
    """(photo, record). Raises ValueError, KeyError, TypeError or AttributeError for a line that is damaged."""
    value, is_ours = parse_line(line)
    photo = value["photo"]
    if not isinstance(photo, str):
        raise TypeError(f"{photo!r} is no path")
    return photo, Record.from_json(value, trusted=is_ours)


def is_head(start: bytes) -> bool:
    """Whether a file that begins so is a journal, or was to become one when the process was killed."""
    return not start or (len(start) >= _TOLD_BYTES and start[: len(_HEAD)] == _HEAD[: len(start)])


def _open_locked(path: Path) -> int:
    """A descriptor of the file, made where there is none, that no other process has. Raises OutputError."""
    while True:
        try:
            file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}; choose another --out") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(os.fstat(file), path.stat()):
                return file
        except BlockingIOError as error:
            os.close(file)
            raise OutputError(
                f"another run is writing {path}; wait until it is done, or choose another --out"
            ) from error
        os.close(file)  # the other one removed it, empty as it was, between our two calls
