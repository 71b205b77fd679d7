"""Where a path leads: links are followed, and what is no file (a device, a pipe, an open descriptor) is told apart."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from edge_tagger.errors import OutputError

_MOST_LINKS = 40  # as Linux


def is_regular(path: str | os.PathLike[str]) -> bool:
    """Whether a file is there, or will be, in a place of its own: no device, no pipe, no open descriptor."""
    try:
        return opened_directly(Path(path)) is None
    except OSError:
        return True


def followed(path: Path) -> Path:
    """Where links lead, also to a file that is not there yet. Raises OSError for a circle of links, and for a name that
    no file can have."""
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    with suppress(FileNotFoundError):
        target.lstat()
    return target


def opened_directly(path: Path) -> int | Path | None:
    """A descriptor that is open in this process, or a device or pipe, if `path` leads to one; None for a file."""
    here = path
    for _ in range(_MOST_LINKS):
        folder = os.path.realpath(here.parent)
        if here.name.isdigit() and folder in ("/dev/fd", f"/proc/{os.getpid()}/fd"):
            return int(here.name)
        if not here.is_symlink():
            break
        here = here.parent / here.readlink()
    if not path.exists() or path.is_file() or path.is_dir():
        return None
    return path


def cannot_write(target: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot write {target}: {error.strerror or error}; nothing was left behind")
