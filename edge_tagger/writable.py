"""Whether a file can be written, asked before the work whose result it is to hold."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from edge_tagger.destination import cannot_write, followed, opened_directly
from edge_tagger.errors import OutputError
from edge_tagger.files import made_beside

_SMALL_BYTES = 1024


def check_writable(path: str | os.PathLike[str], *, is_folder: bool = False) -> None:
    """Raises OutputError where `path` could not be written at the end of a long work: it is a folder, a link that leads
    in a circle, has a name that is too long or a folder that is not there, may not be written, or has no room.

    With `is_folder` it is a folder to write into, which is made later, with those above it. Nothing is left behind.
    """
    target = Path(path)
    try:
        if is_folder:
            _check_folder(target)
        elif target.is_dir():
            raise OutputError(f"cannot write {path}: it is a folder; name a file")
        elif (opened := opened_directly(target)) is not None:
            _check_opened(opened)
        elif not followed(target).parent.is_dir():
            raise OutputError(f"cannot write {path}: its folder does not exist; make it first")
        else:
            _check_file(followed(target))
    except OSError as error:
        if is_folder:
            raise OutputError(f"cannot make the folder {path}: {error.strerror or error}") from error
        raise cannot_write(target, error) from error


def _check_folder(path: Path) -> None:
    """Whether a file can be made in it, or where it is not there yet in the nearest one above it."""
    path = followed(path)
    while not path.exists():
        path = path.parent
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    with tempfile.TemporaryFile(dir=path) as file:
        _reserve(file.fileno())


def _check_opened(opened: int | Path) -> None:
    if isinstance(opened, int):
        os.fstat(opened)
    elif not os.access(opened, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _check_file(target: Path) -> None:
    with made_beside(target) as beside, beside.open("wb") as file:
        _reserve(file.fileno())


def _reserve(descriptor: int) -> None:
    """Raises OSError where not even a small file has room."""
    left = _SMALL_BYTES
    while left:  # what is nearly full takes a part, and then tells
        left -= os.write(descriptor, b"0" * left)
