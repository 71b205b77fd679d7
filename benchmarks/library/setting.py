"""What the library is measured on, and how often: found and drawn before anything is measured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

from edge_tagger.benchmarks.library.photos import LARGE_SIZE, draw_large, draw_photos
from edge_tagger.benchmarks.library.process import Process
from edge_tagger.catalogue.source import read_catalogue
from edge_tagger.errors import DeviceError
from edge_tagger.runtimes import find_runtime
from edge_tagger.tagger import DEFAULT_MODEL, Tagger

DRAWN = 200  # different small photos
NO_MEDIAPIPE = "no MediaPipe: `pip install mediapipe` into an environment of its own, `--mediapipe ITS/bin/python`"


@dataclass(frozen=True, kw_only=True)
class Often:
    """How often things are done. `rounds` are counted, `photos` in a row are tagged by tag_many in each of
    `long_rounds`, and `endless` ones to see whether its memory grows."""

    rounds: int = 15
    photos: int = 1000
    endless: int = 20_000

    def __post_init__(self) -> None:
        for name in ("rounds", "photos"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; give 1 or more")
        if self.endless <= self.photos:
            raise ValueError(f"endless is {self.endless}; give more than photos, which is {self.photos}")

    @property
    def long_rounds(self) -> int:
        """Rounds that take many seconds."""
        return min(self.rounds, 5)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """`folder` is scratch space; `photos` are small ones; `runtime` is the module of the interpreter that Tagger takes.

    Every contender has `threads` threads, except where cores are what is measured; MediaPipe chooses its own.
    `mediapipe` is a Python that has it, or None, and `no_mediapipe` then says why.
    """

    folder: Path
    model: Path
    photos: tuple[Path, ...]
    threads: int
    often: Often
    runtime: str
    mediapipe: str | None = None
    no_mediapipe: str = NO_MEDIAPIPE
    large_size: tuple[int, int] = LARGE_SIZE

    def first_photos(self, count: int) -> list[Path]:
        """`count` photos: from the first on again where there are fewer."""
        return [self.photos[number % len(self.photos)] for number in range(count)]

    def large_jpeg(self, kind: str) -> Path:
        """A JPEG of a phone's size; `kind` is "baseline" or "progressive"."""
        path = self.folder / f"{kind}.jpg"
        return path if path.exists() else draw_large(path, progressive=kind == "progressive", size=self.large_size)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def prepare(
    often: Often,
    *,
    data: Path | None = None,
    model: Path | None = None,
    threads: int | None = None,
    mediapipe: str | None = None,
) -> Iterator[Setting]:
    """The setting, with its scratch folder until the `with` block ends. `threads` None means one for each core.

    Raises ModelError, ManifestError or CatalogueError, so that wrong files are told before minutes are spent.
    """
    packaged = resources.files("edge_tagger.models").joinpath(DEFAULT_MODEL)
    with TemporaryDirectory(prefix="edge-tagger-") as scratch, resources.as_file(packaged) as own:
        folder, path = Path(scratch), model or own
        if data is None:
            photos = draw_photos(folder, min(often.photos, DRAWN))
        else:
            photos = tuple(photo.file().resolve() for photo in read_catalogue(data).photos[: often.photos])
        with Tagger(path) as tagger:
            tagger.tag(photos[0])
        refused = _refused(mediapipe, path, photos[0])
        yield Setting(
            folder=folder,
            model=path.resolve(),
            photos=photos,
            threads=threads or cores(),
            often=often,
            runtime=find_runtime().module.__name__,
            mediapipe=None if refused else mediapipe,
            no_mediapipe=refused,
        )


def _refused(mediapipe: str | None, model: Path, photo: Path) -> str:
    """Why MediaPipe takes no part; empty where it does."""
    if mediapipe is None:
        return NO_MEDIAPIPE
    try:
        with Process("first_tags_mediapipe", model, photo, python=mediapipe) as process:
            process.wait()
    except DeviceError as error:
        return str(error)
    return ""
