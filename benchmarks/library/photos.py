"""Drawn photos, so that the benchmark needs nothing from outside. The same arguments give the same pixels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edge_tagger.files import write_bytes
from edge_tagger.images import Pixels

LARGE_SIZE = (4000, 3000)  # width, height: 12 megapixels, what phones give


def draw_photos(folder: Path, count: int, *, size: int = 224) -> tuple[Path, ...]:
    """Write `count` JPEGs of `size` x `size` px: a shape on a pale ground, as a product photo has it."""
    paths = []
    for number in range(count):
        rng = np.random.default_rng(number)
        photo = np.full((size, size, 3), rng.integers(220, 256, 3), np.uint8)
        low, high = sorted(rng.integers(size // 8, size, 2).tolist())
        cv2.ellipse(
            photo, (size // 2, size // 2), (high // 2, low // 2), 0, 0, 360, rng.integers(0, 256, 3).tolist(), -1
        )
        grain = rng.normal(0, 6, photo.shape)
        paths.append(folder / f"{number:05}.jpg")
        _write(paths[-1], np.clip(photo + grain, 0, 255).astype(np.uint8), 92)
    return tuple(paths)


def draw_large(path: Path, *, progressive: bool, size: tuple[int, int] = LARGE_SIZE) -> Path:
    """Write one JPEG of `size` px with detail at every scale and grain: at 12 megapixels 3.7 MB, as a phone's."""
    rng = np.random.default_rng(0)
    photo = np.full((size[1], size[0], 3), 128, np.float32)
    for octave in range(1, 11):  # the longer the wavelength the stronger, as in natural scenes
        wavelength = 2**octave
        cells = (max(2, size[1] // wavelength), max(2, size[0] // wavelength), 3)
        noise = rng.standard_normal(cells, dtype=np.float32) * np.float32(1.5 * wavelength**0.5)
        photo += cv2.resize(noise, size, interpolation=cv2.INTER_LINEAR)
    photo += rng.standard_normal((*photo.shape[:2], 1), dtype=np.float32) * np.float32(6)
    _write(path, np.clip(photo, 0, 255).astype(np.uint8), 90, progressive=progressive)
    return path


def _write(path: Path, photo: Pixels, quality: int, *, progressive: bool = False) -> None:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)]
    encoded, data = cv2.imencode(".jpg", photo, options)
    assert encoded
    write_bytes(path, data.tobytes())
