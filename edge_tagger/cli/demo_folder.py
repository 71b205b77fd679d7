"""The folder of a demo: which one may be written to, and whether an earlier demo there is resumed or made anew."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from edge_tagger.errors import OutputError
from edge_tagger.files import write_json
from edge_tagger.reading import read_json

MARK = "demo.json"


@dataclass(frozen=True)
class DemoSettings:
    """What a demo is made from. An earlier one is resumed only where these are the same."""

    photos: int
    recipe: str
    seed: int


@contextmanager
def open_demo(out: Path, settings: DemoSettings) -> Iterator[None]:
    """Make `out` ready: new, or an earlier demo's. At the end it is marked as finished.

    A demo that was stopped keeps what it did; a finished one, or one with other settings, is cleared first. Raises
    OutputError where the folder holds something else or cannot be written.
    """
    mark = out / MARK
    wanted = {"settings": asdict(settings), "finished": False}
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            if _read_mark(mark) != wanted:
                for entry in out.iterdir():
                    shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        else:
            out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot use {out}: {error.strerror}; choose another --out") from error
    write_json(mark, wanted)
    yield
    write_json(mark, {**wanted, "finished": True})


def _read_mark(mark: Path) -> object:
    """What an earlier demo wrote. Raises OutputError where there was none: its folder is not ours to clear."""
    try:
        value: object = read_json(mark)
    except (OSError, ValueError):
        value = None
    if not (isinstance(value, dict) and value.keys() == {"settings", "finished"}):
        raise OutputError(f"{mark.parent} exists and is not an earlier demo; choose another --out or empty it")
    return value
