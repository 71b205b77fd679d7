"""Files that are either whole or not there: written beside their place, then renamed."""

from __future__ import annotations

import errno
import glob
import itertools
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from edge_tagger.errors import OutputError


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; rename it to `path` at the end, or remove it on any error.

    Raises OutputError for whatever the file system refuses (no folder, no permission, no space).
    """
    target = Path(path)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(descriptor)
    except OSError as error:
        raise _cannot_write(target, error) from error
    beside = Path(name)
    try:
        yield beside
        beside.chmod(0o666 & ~_umask())
        beside.replace(target)
    except OSError as error:
        raise _cannot_write(target, error) from error
    finally:
        beside.unlink(missing_ok=True)


def sweep(path: str | os.PathLike[str]) -> None:
    """Remove what a process that was killed while it wrote `path` by :func:`whole_file` left beside it. Only for who
    knows that no other process is writing it."""
    target = Path(path)
    left = re.compile(re.escape(f".{target.name}.") + "[a-z0-9_]{8}")  # as tempfile names them
    for beside in target.parent.glob(f".{glob.escape(target.name)}.*"):
        if left.fullmatch(beside.name):
            beside.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """The same for a folder. One that stands at `path` already is replaced: of two processes the later one wins."""
    target = Path(path)
    try:
        beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise _cannot_write(target, error) from error
    try:
        yield beside
        beside.chmod(0o777 & ~_umask())
        _take_place(beside, target)
    except OSError as error:
        raise _cannot_write(target, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _take_place(folder: Path, target: Path) -> None:
    """Rename a folder over one that may stand there, which is moved aside before and removed afterwards."""
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent, ignore_cleanup_errors=True) as aside:
        for number in itertools.count():
            try:
                folder.replace(target)
                return
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            with suppress(FileNotFoundError):  # another process was faster
                target.replace(Path(aside, str(number)))


def write_bytes(path: str | os.PathLike[str], data: bytes | memoryview) -> None:
    """Write `data` to `path`, wholly or not at all. Raises OutputError."""
    with whole_file(path) as beside:
        beside.write_bytes(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8 to `path`, wholly or not at all. Raises OutputError."""
    write_bytes(path, text.encode())


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as indented JSON to `path`, wholly or not at all. Raises OutputError."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _cannot_write(target: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot write {target}: {error.strerror or error}; nothing was left behind")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
