"""Photos that arrive in a folder, each once, when it is whole."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_tagger.catalogue.photo_files import is_hidden, is_photo
from edge_tagger.errors import SourceError
from edge_tagger.watch.defaults import STILL_S

POLL_S = 0.5
State = tuple[int, int, int]  # inode, size in bytes, time of the last change in ns


@dataclass
class _Arriving:
    state: State
    since_s: float


class ArrivingPhotos:
    """Iterates over the photos that come into a folder, in the order of their last change; it never ends.

    A photo is whole when neither its size nor its time has changed for `still_s` seconds. One that is written anew, or
    goes on growing later, comes again. Sub-folders, hidden files and other suffixes are passed over, and so are links
    that lead nowhere. What has a photo's name and is none (a pipe, a link to itself) comes: whoever opens it is told.
    Photos that are there already come only where `existing` says so. Raises SourceError where the folder cannot be
    read.
    """

    def __init__(
        self,
        folder: Path,
        *,
        existing: bool = False,
        still_s: float = STILL_S,
        poll_s: float = POLL_S,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folder, self._still_s, self._poll_s, self._clock, self._wait = folder, still_s, poll_s, clock, wait
        self._given: dict[str, State] = {} if existing else self._look()
        self._arriving: dict[str, _Arriving] = {}

    def __iter__(self) -> Iterator[Path]:
        while True:
            yield from self.poll()
            self._wait(self._poll_s)

    def poll(self) -> list[Path]:
        """The photos that have become whole since the last call."""
        there, now_s = self._look(), self._clock()
        # What is gone is forgotten, so that memory does not grow with photos that were moved on.
        self._given = {name: state for name, state in self._given.items() if name in there}
        arriving: dict[str, _Arriving] = {}
        whole: list[tuple[int, str]] = []
        for name, state in there.items():
            if self._given.get(name) == state:
                continue
            before = self._arriving.get(name)
            seen = before if before is not None and before.state == state else _Arriving(state, now_s)
            if now_s - seen.since_s >= self._still_s and state[1] > 0:
                self._given[name] = state
                whole.append((state[2], name))
            else:
                arriving[name] = seen
        self._arriving = arriving
        return [self._folder / name for _, name in sorted(whole)]

    def _look(self) -> dict[str, State]:
        found: dict[str, State] = {}
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if not is_hidden(entry.name) and is_photo(entry.name):
                        state = _state(entry)
                        if state is not None:
                            found[entry.name] = state
        except OSError as error:
            raise SourceError(f"cannot watch {self._folder}: {error.strerror}") from error
        return found


def _state(entry: os.DirEntry[str]) -> State | None:
    """None for a folder, and for what was moved on meanwhile or leads nowhere yet."""
    try:
        status = entry.stat()
    except FileNotFoundError:
        return None
    except OSError:  # a link to itself, say: it is taken as it is
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return None
    if stat.S_ISDIR(status.st_mode):
        return None
    # Only an empty file is still to be filled: a pipe has no size.
    return status.st_ino, status.st_size if stat.S_ISREG(status.st_mode) else 1, status.st_mtime_ns
