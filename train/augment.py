"""Random views of a photo that keep its labels true: flips, crops, brightness. Colours are not shifted."""

from __future__ import annotations

import cv2
import numpy as np

from edge_tagger.images import Pixels, resize
from edge_tagger.train.recipe import AugmentOptions


def augment(photo: Pixels, size: int, options: AugmentOptions, rng: np.random.Generator) -> Pixels:
    """A random view of `photo` (uint8 [H, W, 3]) as uint8 [size, size, 3]. The same `rng` state gives the same view."""
    height, width = photo.shape[:2]
    keep_height, keep_width = 1 - rng.uniform(0, options.crop, 2)
    top, left = rng.uniform(0, 1, 2) * (1 - np.array([keep_height, keep_width])) * (height, width)
    bottom, right = top + keep_height * height, left + keep_width * width
    view = resize(photo[int(top) : max(int(bottom), int(top) + 1), int(left) : max(int(right), int(left) + 1)], size)
    if options.flip and rng.random() < 0.5:
        view = np.ascontiguousarray(view[:, ::-1])
    if options.brightness:
        scale = 1 + rng.uniform(-options.brightness, options.brightness)
        view = np.asarray(cv2.convertScaleAbs(view, alpha=scale), np.uint8)
    return view
