"""Temporary files and folders that are gone at the end, also where a signal comes while they are made or removed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_here: set[Path] = set()  # those that were not removed yet, noted before they are made


@contextmanager
def temporary(folder: Path, prefix: str, *, is_folder: bool) -> Iterator[Path]:
    """An empty file or folder of its own in `folder`, its name `prefix` and eight letters. Raises OSError."""
    path = folder / f"{prefix}{os.urandom(4).hex()}"
    _here.add(path)
    try:
        try:
            path.mkdir(0o700) if is_folder else path.touch(0o600, exist_ok=False)
        except FileExistsError:  # of another process
            _here.discard(path)
            raise
        yield path
    finally:
        if path in _here:
            _remove(path)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder in the system's folder for such. Raises OSError."""
    with temporary(Path(tempfile.gettempdir()), "edge-tagger-", is_folder=True) as folder:
        yield folder


def remove_left() -> None:
    """Remove what stayed because a signal came while it was being removed. For the end of a program that was ended."""
    for path in list(_here):
        _remove(path)


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError, NotADirectoryError):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
    _here.discard(path)
