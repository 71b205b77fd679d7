"""Photos that set the ranges of an integer file. What they are decides what the file is worth, so they are looked at.

They must be photos of the kind that the model will see: ranges from noise are too wide or too narrow, ranges from test
photos make the figures on these untrue.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.catalogue.photo_files import PHOTO_SUFFIXES, walk
from edge_tagger.catalogue.source import read_catalogue
from edge_tagger.errors import CatalogueError
from edge_tagger.images import Pixels, load_resized

LEAST_PHOTOS, MOST_PHOTOS = 50, 256
_HASH_DIGITS = 16
_LEAST_DEVIATION = 2.0  # of all pixels of a photo, of 255: less is one plain colour
# Neighbouring pixels of a photo are alike; those of noise differ as much as any two, by 1.1 deviations.
_MOST_ROUGHNESS = 0.8
_MOST_SUSPECT_SHARE = 0.1


@dataclass(frozen=True)
class Representative:
    """uint8 [n, S, S, 3] photos, and in words where they are from."""

    photos: Pixels
    origin: str

    def facts(self) -> dict[str, Any]:
        """What goes into the manifest: how many, from where, the first digits of the sha256 of each one's pixels."""
        hashes = [hashlib.sha256(photo.tobytes()).hexdigest()[:_HASH_DIGITS] for photo in self.photos]
        return {"photos": len(hashes), "origin": self.origin, "sha256": hashes}

    def spanning(self) -> Pixels:
        """The photos, with black and white in two corners of the first: an int8 input has no scale of 1 else."""
        photos: Pixels = self.photos.copy()
        photos[0, :2, :2], photos[0, -2:, -2:] = 0, 255
        return photos


def read_representative(source: Path, size: int, *, forbidden: Iterable[Path] = ()) -> Representative:
    """Up to 256 photos, evenly taken, of a folder (with sub-folders) or of a CSV (where it has a column `split`, of its
    `train` rows), at `size` pixels. `forbidden` are the photos of a test split.

    Raises CatalogueError where fewer than 50 of them differ, where a tenth is noise or one plain colour, where one is a
    test photo, and for a photo that cannot be read.
    """
    paths = _paths(source)
    if len(paths) < LEAST_PHOTOS:
        raise CatalogueError(
            f"{source} has {len(paths)} photos; calibration needs {LEAST_PHOTOS} or more of the kind that the "
            "model will see, and gains nothing from many more than 200"
        )
    _refuse_test_photos(source, paths, set(forbidden))
    chosen = [paths[place] for place in evenly(len(paths), MOST_PHOTOS)]
    photos = np.stack([load_resized(path, size) for path in chosen])
    check_natural(photos, chosen)
    different = len({photo.tobytes() for photo in photos})
    if different < LEAST_PHOTOS:
        raise CatalogueError(
            f"only {different} of the {len(photos)} photos of {source} differ; give {LEAST_PHOTOS} or more"
        )
    return Representative(photos, source.name)


def check_natural(photos: Pixels, names: Sequence[object]) -> None:
    """Raises CatalogueError where over a tenth of uint8 [n, S, S, 3] photos is one plain colour or random noise."""
    grey = photos.astype(np.float32).mean(axis=3)
    deviation = grey.std(axis=(1, 2))
    rough = np.abs(np.diff(grey, axis=2)).mean(axis=(1, 2)) / np.maximum(deviation, 1e-6)
    for what, suspect in (
        ("one plain colour", deviation < _LEAST_DEVIATION),
        ("random noise", (deviation >= _LEAST_DEVIATION) & (rough > _MOST_ROUGHNESS)),
    ):
        if suspect.mean() > _MOST_SUSPECT_SHARE:
            first = names[int(np.flatnonzero(suspect)[0])]
            raise CatalogueError(
                f"{int(suspect.sum())} of {len(photos)} representative photos are {what} (the first: {first}); their "
                "ranges are not those of photos; give real photos of the kind that the model will see"
            )


def evenly(total: int, most: int) -> NDArray[np.intp]:
    """At most `most` places of `total`, as far apart as they can be."""
    return np.linspace(0, total - 1, min(total, most)).astype(np.intp)


def _paths(source: Path) -> list[Path]:
    if not source.exists():
        raise CatalogueError(
            f"{source} does not exist; --representative takes a folder of photos, or a CSV that names them"
        )
    if source.suffix.lower() in PHOTO_SUFFIXES:
        raise CatalogueError(
            f"{source} is one photo; --representative takes a folder of them, or a CSV that names them"
        )
    if source.is_dir():
        return _below(source)
    catalogue = read_catalogue(source)
    if "split" in catalogue.columns:
        catalogue = catalogue.where("split", "train")
    return [photo.path for photo in catalogue.photos if not photo.refused]


def _below(folder: Path) -> list[Path]:
    found = list(walk(os.fspath(folder)))
    for each in found:
        if each.refused:
            warnings.warn(each.refused, stacklevel=4)
    return sorted(Path(each.path) for each in found if not each.refused)


def _refuse_test_photos(source: Path, paths: Sequence[Path], forbidden: Collection[Path]) -> None:
    """By content, whatever they are called."""
    present = [path for path in forbidden if path.is_file()]
    sizes = {path.stat().st_size for path in present}
    test = {_sha256(path) for path in present}
    found = [path for path in paths if path.is_file() and path.stat().st_size in sizes and _sha256(path) in test]
    if found:
        raise CatalogueError(
            f"{len(found)} of the {len(paths)} photos of {source} are in the run's test split ({found[0].name}); "
            "calibrated on them a file would look better on test than it is; leave them out"
        )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
