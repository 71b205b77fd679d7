"""What stands behind a product and the light that falls on it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_tagger.train.synthetic.products import RGB

Pixels = NDArray[np.float32]

BACKGROUNDS = ("plain", "gradient", "texture", "clutter")


def draw_background(size: int, rng: np.random.Generator) -> Pixels:
    """float32 [size, size, 3], RGB in 0..255: a wall, a gradient, a rough surface, or a cluttered table."""
    kind = BACKGROUNDS[rng.integers(len(BACKGROUNDS))]
    ground = np.full((size, size, 3), _muted(rng), np.float32)
    if kind == "gradient":
        return _blend(ground, np.array(_muted(rng), np.float32), _ramp(size, rng))
    if kind == "texture":
        coarse = cv2.resize(rng.normal(0, 14, (size // 12 + 2,) * 2).astype(np.float32), (size, size))
        return np.asarray(ground + (coarse + rng.normal(0, 5, (size, size)).astype(np.float32))[..., None])
    if kind == "clutter":
        table = ground.astype(np.uint8)
        for _ in range(rng.integers(5, 11)):
            _clutter(table, rng)
        return table.astype(np.float32)
    return ground


def light(photo: Pixels, rng: np.random.Generator) -> Pixels:
    """The photo under a lamp: brightness, colour temperature, fall-off to one side, sensor noise."""
    brightness, warmth, fall_off = rng.uniform(0.86, 1.12), rng.uniform(-0.05, 0.05), rng.uniform(0, 0.22)
    gains = np.array([1 + warmth, 1, 1 - warmth], np.float32) * np.float32(brightness)
    ramp = 1 - np.float32(fall_off) * _ramp(len(photo), rng)
    noise = rng.normal(0, rng.uniform(0.5, 3.0), photo.shape).astype(np.float32)
    return np.asarray(photo * gains * ramp[..., None] + noise)


def cast_shadow(background: Pixels, cover: NDArray[np.float32], rng: np.random.Generator) -> Pixels:
    """The background with the soft shadow of a product that covers `cover` [size, size] (0..1) of it."""
    size = len(background)
    shift = np.array([[1, 0, rng.uniform(-0.04, 0.04) * size], [0, 1, rng.uniform(0.01, 0.05) * size]], np.float32)
    shadow = cv2.GaussianBlur(cv2.warpAffine(cover, shift, (size, size)), (0, 0), size * rng.uniform(0.015, 0.04))
    return np.asarray(background * (1 - np.float32(rng.uniform(0.25, 0.5)) * shadow[..., None]))


def _muted(rng: np.random.Generator) -> RGB:
    """A background colour: any hue, little saturation, mostly bright."""
    hue, saturation = rng.uniform(0, 360), rng.uniform(0, 0.32)
    value = rng.uniform(0.75, 0.98) if rng.uniform() < 0.75 else rng.uniform(0.3, 0.75)
    red, green, blue = cv2.cvtColor(np.array([[[hue, saturation, value]]], np.float32), cv2.COLOR_HSV2RGB)[0, 0]
    return int(red * 255), int(green * 255), int(blue * 255)


def _ramp(size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """float32 [size, size], 0..1 along a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    along = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    ramp = along[None, :] * np.cos(angle) + along[:, None] * np.sin(angle)
    return np.asarray(np.clip(ramp + 0.5, 0, 1), np.float32)


def _blend(under: Pixels, over: Pixels, share: NDArray[np.float32]) -> Pixels:
    return np.asarray(under + share[..., None] * (over - under))


def _clutter(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    size = len(canvas)
    x, y = (int(v) for v in rng.integers(0, size, 2))
    colour = _muted(rng)
    kind = rng.integers(3)
    if kind == 0:
        axes = (int(rng.integers(size // 20, size // 5)), int(rng.integers(size // 20, size // 5)))
        cv2.ellipse(canvas, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    elif kind == 1:
        corners = rng.integers(-size // 5, size // 5, (4, 2)) + np.array((x, y))
        cv2.fillConvexPoly(canvas, cv2.convexHull(corners.astype(np.int32)), colour, cv2.LINE_AA)
    else:
        end = (x + int(rng.integers(-size // 2, size // 2)), y + int(rng.integers(-size // 2, size // 2)))
        cv2.line(canvas, (x, y), end, colour, int(rng.integers(1, max(2, size // 16))), cv2.LINE_AA)
