"""Labelled photos for a bench: decoded and resized on this machine, as a device is given them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_tagger.catalogue.source import Catalogue, Photo
from edge_tagger.errors import CatalogueError, PhotoError
from edge_tagger.images import load_resized


@dataclass(frozen=True, eq=False)
class Sized:
    """The photos that could be read, at one size: `pixels` uint8 [n, S, S, 3], also in the .npy `file`, whose name
    tells its content."""

    photos: tuple[Photo, ...]
    pixels: NDArray[np.uint8]
    file: Path

    @property
    def sha256(self) -> str:
        """Of their names and labels: the same on other machines, in other folders and at other sizes."""
        named = [[photo.path.name, dict(photo.values)] for photo in self.photos]
        return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()


class PhotoSet:
    """The photos of a catalogue, each read once for each size. Files lie in `folder`."""

    def __init__(self, catalogue: Catalogue, folder: Path, *, tell: Callable[[str], object]) -> None:
        self.catalogue, self._folder, self._tell = catalogue, folder, tell
        self._sizes: dict[int, Sized] = {}

    def at(self, size: int) -> Sized:
        """Raises CatalogueError where none can be read."""
        if size not in self._sizes:
            self._sizes[size] = self._read(size)
        return self._sizes[size]

    def jpegs(self, size: int, most: int) -> list[Path]:
        """The first of those that could be read which are JPEGs by their content."""
        found: list[Path] = []
        for photo in self.at(size).photos:
            with photo.path.open("rb") as file:
                if len(found) < most and file.read(3) == b"\xff\xd8\xff":
                    found.append(photo.path)
        return found

    def _read(self, size: int) -> Sized:
        read, pixels = [], []
        for photo in self.catalogue.photos:
            try:
                pixels.append(load_resized(photo.file(), size))
                read.append(photo)
            except PhotoError as error:
                if not self._sizes:
                    self._tell(f"{photo.place}: {error}")
        if not read:
            raise CatalogueError(
                f"none of the {len(self.catalogue)} photos of {self.catalogue.source} can be read; check its paths"
            )
        stacked = np.stack(pixels)
        file = self._folder / f"photos-{hashlib.sha256(stacked.tobytes()).hexdigest()[:16]}.npy"
        np.save(file, stacked)
        return Sized(tuple(read), stacked, file)
