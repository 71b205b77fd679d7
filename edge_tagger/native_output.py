"""What libpng, libjpeg and libwebp write to stderr by themselves about a damaged photo is hidden in the command line.

Only there: file descriptor 2 belongs to the whole process, and a program that uses the library may start others that
inherit it. The command line first gives Python's own stderr a descriptor of its own, so that progress and errors of
other threads are shown while a photo is decoded.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2
_lock = threading.Lock()
_inside = 0
_shown: int | None = None  # stderr as it was: None until separate() was called
_nowhere = -1


def separate() -> None:
    """From now on hidden() hides what libraries write to stderr. Nothing is done where stderr is closed or replaced."""
    global _shown, _nowhere  # noqa: PLW0603  of the process, as the descriptor is
    try:
        if _shown is not None or sys.stderr.fileno() != _STDERR:
            return
        shown = os.dup(_STDERR)
        _nowhere = os.open(os.devnull, os.O_WRONLY)
    except (AttributeError, OSError, io.UnsupportedOperation):
        return
    old = sys.stderr
    old.flush()
    sys.stderr = open(  # noqa: SIM115  for the rest of the process
        shown, "w", encoding=old.encoding, errors=old.errors, buffering=1, closefd=False
    )
    _shown = shown


@contextmanager
def hidden() -> Iterator[None]:
    """While any thread is inside, what is written to descriptor 2 is lost, if separate() was called. About 4 us."""
    global _inside  # noqa: PLW0603
    if _shown is None:
        yield
        return
    with _lock:
        _inside += 1
        if _inside == 1:
            os.dup2(_nowhere, _STDERR)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                os.dup2(_shown, _STDERR)
