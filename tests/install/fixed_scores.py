"""What the packaged model gives for photos that are the same pixels wherever numpy runs. Runs in any environment.

    python fixed_scores.py OUT.npz [PHOTO...]

OUT gets `runtime`, and of four drawn photos of the model's own size `scores`, float32 [4, N], and `tags`, as text: they
depend on the runtime alone. Of each PHOTO, a file, it gets `pixels`, uint8 [n, S, S, 3], as decoded and resized there:
that is OpenCV's work, which differs between processors.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from edge_tagger import Tagger
from edge_tagger.images import load_resized

COUNT = 4


def fixed_photo(size: int, seed: int) -> NDArray[np.uint8]:
    """uint8 [size, size, 3]: patches of three sizes, laid over each other in whole numbers, so without rounding."""
    draw = np.random.default_rng(seed)
    photo = np.zeros((size, size, 3), np.uint8)
    for patch, levels in ((32, 128), (8, 64), (1, 64)):
        cells = draw.integers(0, levels, (size // patch + 1, size // patch + 1, 3), np.uint8)
        photo += cells.repeat(patch, axis=0).repeat(patch, axis=1)[:size, :size]
    return photo


def main(out: str, *paths: str) -> None:
    with Tagger(threads=1) as tagger:
        size = tagger.model.input_size
        photos = [fixed_photo(size, seed) for seed in range(COUNT)]
        found = {
            "runtime": tagger.model.runtime,
            "scores": np.stack([tagger.scores(photo) for photo in photos]),
            "tags": [", ".join(tag.tag for tag in tagger.tag(photo).tags) for photo in photos],
            "pixels": np.array([load_resized(path, size) for path in paths], np.uint8),
        }
    np.savez(out, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
