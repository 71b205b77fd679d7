"""Files that are either whole or not there: written beside their place, then renamed."""

from __future__ import annotations

import errno
import glob
import itertools
import os
import re
import shutil
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from edge_tagger.destination import cannot_write, followed, opened_directly
from edge_tagger.temporary import temporary, temporary_folder
from edge_tagger.terminal import json_text

WRITTEN_BY = "written by edge-tagger"  # stands in files that have a place for it: a later run may write them anew
_LONG_NAME_BYTES = 240


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to; at the end what is there becomes `path`, on any error it is removed.

    Links are followed: the file that they lead to is replaced by a rename, with its permissions kept, and they stay. A
    device, a pipe and an open descriptor (/dev/stdout, /dev/fd/3) are written to once all is there. Raises OutputError
    for whatever the file system refuses (no folder, no permission, no space).
    """
    target = Path(path)
    try:
        opened = opened_directly(target)
        with _beside(target, is_folder=False) if opened is None else _copied(opened) as beside:
            yield beside
    except OSError as error:
        raise cannot_write(target, error) from error


@contextmanager
def whole_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """The same for a folder. One that stands at `path` already is replaced: of two processes the later one wins."""
    target = Path(path)
    try:
        with _beside(target, is_folder=True) as beside:
            yield beside
    except OSError as error:
        raise cannot_write(target, error) from error


def sweep(path: str | os.PathLike[str]) -> None:
    """Remove what a process that was killed while it wrote `path` by :func:`whole_file` left beside it. Only for who
    knows that no other process is writing it."""
    target = Path(os.path.realpath(path))
    prefix = _prefix(target)
    left = re.compile(re.escape(prefix) + "[a-z0-9_]{8}")
    for beside in target.parent.glob(f"{glob.escape(prefix)}*"):
        if left.fullmatch(beside.name):
            beside.unlink(missing_ok=True)


@contextmanager
def _beside(path: Path, *, is_folder: bool) -> Iterator[Path]:
    """A temporary file or folder in the folder of what `path` leads to, which takes its place at the end."""
    target = followed(path)
    with made_beside(target, is_folder=is_folder) as beside:
        yield beside
        _take_permissions(beside, target)
        _take_place(beside, target) if is_folder else beside.replace(target)


@contextmanager
def made_beside(target: Path, *, is_folder: bool = False) -> Iterator[Path]:
    """An empty temporary file or folder in the folder of `target`, removed at the end. Raises OSError."""
    with temporary(target.parent, _prefix(target), is_folder=is_folder) as beside:
        yield beside


@contextmanager
def _copied(opened: int | Path) -> Iterator[Path]:
    """A temporary file that is copied to an open descriptor or a device at the end."""
    with temporary_folder() as folder:
        beside = folder / "output"
        beside.touch()
        yield beside
        if sys.stdout is not None:
            sys.stdout.flush()  # what was printed before comes before
        with beside.open("rb") as whole, _open(opened) as out:
            shutil.copyfileobj(whole, out)


def _open(opened: int | Path) -> BinaryIO:
    return os.fdopen(os.dup(opened), "wb") if isinstance(opened, int) else opened.open("wb")


def _prefix(target: Path) -> str:
    """How the temporary file of `target` begins. eight letters are added, and a name has room for 255 bytes."""
    name = target.name
    if len(os.fsencode(name)) > _LONG_NAME_BYTES:
        name = f"{zlib.crc32(os.fsencode(name)):08x}"
    return f".{name}."


def _take_permissions(beside: Path, target: Path) -> None:
    """Those of the file or folder that is there, else those that a new one gets."""
    try:
        old = target.stat()
    except FileNotFoundError:
        beside.chmod((0o777 if beside.is_dir() else 0o666) & ~_umask())
        return
    with suppress(PermissionError):  # only root may give files away
        os.chown(beside, old.st_uid, old.st_gid)
    beside.chmod(stat.S_IMODE(old.st_mode))


def _take_place(folder: Path, target: Path) -> None:
    """Rename a folder over one that may stand there, which is moved aside before and removed afterwards."""
    with temporary(target.parent, _prefix(target), is_folder=True) as aside:
        for number in itertools.count():
            old = aside / str(number)
            try:
                folder.replace(target)
                return
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            try:
                with suppress(FileNotFoundError):  # another process was faster
                    target.replace(old)
                folder.replace(target)
                return
            except BaseException as error:
                if isinstance(error, OSError) and error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    continue
                if old.exists() and not target.exists():  # interrupted between the two
                    old.replace(target)
                raise


def write_bytes(path: str | os.PathLike[str], data: bytes | memoryview) -> None:
    """Write `data` to `path`, wholly or not at all. Raises OutputError."""
    with whole_file(path) as beside:
        beside.write_bytes(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8 to `path`, wholly or not at all; bytes of a file's name that are no text become escapes.
    Raises OutputError."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as indented JSON to `path`, wholly or not at all. Raises OutputError."""
    write_text(path, json_text(value, indent=2) + "\n")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
