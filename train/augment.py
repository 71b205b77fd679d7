"""Random views of a photo that keep its labels true: crops, flips, brightness, hue, and how it is resized."""

from __future__ import annotations

import cv2
import numpy as np

from edge_tagger.images import Pixels
from edge_tagger.train.recipe import AugmentOptions

# What devices resize with: our own choice and most others', Android's and MediaPipe's on shrinking, and PIL's.
_INTERPOLATIONS = (cv2.INTER_LINEAR, cv2.INTER_AREA, cv2.INTER_CUBIC)


def augment(photo: Pixels, size: int, options: AugmentOptions, rng: np.random.Generator) -> Pixels:
    """A random view of `photo` (uint8 [H, W, 3]) as uint8 [size, size, 3]. The same `rng` state gives the same view."""
    height, width = photo.shape[:2]
    keep_height, keep_width = 1 - rng.uniform(0, options.crop, 2)
    top, left = rng.uniform(0, 1, 2) * (1 - np.array([keep_height, keep_width])) * (height, width)
    bottom, right = top + keep_height * height, left + keep_width * width
    view = photo[int(top) : max(int(bottom), int(top) + 1), int(left) : max(int(right), int(left) + 1)]
    method = rng.choice(_INTERPOLATIONS) if options.interpolation else cv2.INTER_LINEAR
    view = np.asarray(cv2.resize(view, (size, size), interpolation=int(method)), np.uint8)
    if options.flip and rng.random() < 0.5:
        view = np.ascontiguousarray(view[:, ::-1])
    if options.brightness:
        scale = 1 + rng.uniform(-options.brightness, options.brightness)
        view = np.asarray(cv2.convertScaleAbs(view, alpha=scale), np.uint8)
    if options.hue:
        view = _turned(view, rng.uniform(-options.hue, options.hue))
    return view


def _turned(view: Pixels, share: float) -> Pixels:
    """The view with its hue turned by a share of the colour circle."""
    hsv = cv2.cvtColor(view, cv2.COLOR_RGB2HSV_FULL)
    hsv[..., 0] = (hsv[..., 0].astype(np.int32) + round(share * 256)) % 256
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL), np.uint8)
