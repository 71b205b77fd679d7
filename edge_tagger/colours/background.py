"""How unlike the background each pixel of a photo is, judged by the photo's border.

Four models of what stands behind a product, each for photos that the ones before fail on; a pixel is as unlike the
background as the model that explains it best says. Something that only touches one side of the photo, trousers that
the bottom cuts off, is explained by none of them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_tagger.colours.difference import Lab

Field: TypeAlias = NDArray[np.float32]  # [H, W]: below 1 a pixel looks like the background
_THICK = 2  # pixels of the border
_LEAST = 3.0  # CIELAB units that even a perfectly even background may differ by: JPEG
_PLAIN = 1.0  # units that a plain background differs by; a vignette's border may differ by little more
_EVEN = 4.0  # a border that deviates more from a smooth surface has no smooth surface
_BOTH_ENDS = 20.0  # units that the two ends of a row may differ by and still be one background
_MOST = 15.0  # units that a colour of the border stands for at most
_UNEXPLAINED = 0.05  # of the border: with no more left, no further model is asked
_PART = 0.05  # of the border, that one of its colours takes up
_ROUND_THE_CORNER = 0.12  # of a colour's pixels, that lie on other sides than most of them
_STOP = (cv2.TERM_CRITERIA_MAX_ITER + cv2.TERM_CRITERIA_EPS, 8, 0.5)


def unlike_background(lab: Lab) -> Field:
    """float32 [H, W] for float32 [H, W, 3] CIELAB: 0 is background, from 1 on it is something else."""
    sides, terms = _grid(*lab.shape[:2])
    border = sides > 0
    field = _one_colour(lab, border)
    if (field[border] > _PLAIN / _LEAST).mean() <= _UNEXPLAINED:
        return field
    surface, spread = _smooth_surface(lab, border, terms)
    field = np.minimum(field, surface)
    if _is_understood(field, sides):
        return field
    field = np.minimum(field, _between_opposite_sides(lab, max(_LEAST, 2 * min(spread, _EVEN))))
    if _is_understood(field, sides):
        return field
    left = border & (field > 1)
    return np.minimum(field, _colours_of_border(lab, left, sides[left], int(border.sum())))


@lru_cache(maxsize=8)
def _grid(height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """[H, W], 1 to 4 on the border's sides and 0 inside; and [H, W, 6], the terms of a surface of second order."""
    sides = np.zeros((height, width), np.uint8)
    sides[:_THICK], sides[-_THICK:] = 1, 2
    sides[:, :_THICK], sides[:, -_THICK:] = 3, 4
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    return sides, np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1)


def _is_understood(field: Field, sides: NDArray[np.uint8]) -> bool:
    """Whether nearly all of the border looks like background, or all but what touches one side only."""
    left = np.bincount(sides[field > 1], minlength=5)[1:]
    return bool(
        left.sum() <= _UNEXPLAINED * (sides > 0).sum() or left.sum() - left.max() < _ROUND_THE_CORNER * left.max()
    )


def _one_colour(lab: Lab, border: NDArray[np.bool_]) -> Field:
    """Plain: the border's median colour."""
    return _length(lab - np.median(lab[border], axis=0).astype(np.float32)) / _LEAST


def _smooth_surface(lab: Lab, border: NDArray[np.bool_], terms: NDArray[np.float32]) -> tuple[Field, float]:
    """Lit from one side, darker in the corners: one surface of second order through most of the border, and how
    far the border deviates from it.

    Least squares, weighted anew in turn with Tukey's biweight, so that what touches the border has no say.
    """
    known, wanted = terms[border], lab[border]
    weights: Field = np.ones(len(known), np.float32)
    ridge = np.diag(np.array([0, 1e-3, 1e-3, 1e-3, 1e-4, 1e-4], np.float32)) * len(known)
    for _ in range(5):
        weighted = known.T * weights
        surface = np.linalg.solve(weighted @ known + ridge * weights.mean(), weighted @ wanted)
        off = _length(wanted - known @ surface)
        spread = max(1.2 * float(np.partition(off, off.size // 2)[off.size // 2]), 0.5)
        weights = cast(Field, (1 - (off / (4 * spread)) ** 2).clip(0, 1) ** 2 + 1e-6)
    if spread > _EVEN:
        return np.full(lab.shape[:2], np.inf, np.float32), spread
    tolerance = max(_LEAST, 4 * spread)
    return _length(lab - terms @ surface) / tolerance, spread


def _between_opposite_sides(lab: Lab, tolerance: float) -> Field:
    """A wall and a floor: rows whose two ends look alike are background in between, and so are such columns."""
    across, down = _between_ends(lab, tolerance), _between_ends(lab.transpose(1, 0, 2), tolerance).T
    return cast(Field, np.minimum(across, down))


def _between_ends(lab: Lab, tolerance: float) -> Field:
    first, last = lab[:, :_THICK].mean(axis=1), lab[:, -_THICK:].mean(axis=1)
    along = np.linspace(0, 1, lab.shape[1], dtype=np.float32)[:, np.newaxis]
    field = _length(lab - (first[:, np.newaxis] * (1 - along) + last[:, np.newaxis] * along)) / tolerance
    field[_length(first - last) > _BOTH_ENDS] = np.inf
    return field


def _colours_of_border(lab: Lab, left: NDArray[np.bool_], sides: NDArray[np.uint8], whole: int) -> Field:
    """Things far behind: colours that return on several sides of the border, of which `left` is not explained yet."""
    pixels = np.ascontiguousarray(lab[left])
    field = np.full(lab.shape[:2], np.inf, np.float32)
    for own in part(pixels):
        count, on_sides = int(own.sum()), np.bincount(sides[own], minlength=5)
        if count >= _PART * whole and min(on_sides[1:3].sum(), on_sides[3:].sum()) >= _ROUND_THE_CORNER * count:
            centre = pixels[own].mean(axis=0)
            spread = float(np.sqrt(((pixels[own] - centre) ** 2).sum(axis=1).mean()))
            field = np.minimum(field, _length(lab - centre) / min(_MOST, max(_LEAST, 2.4 * spread)))
    return field


def part(pixels: Lab) -> list[NDArray[np.bool_]]:
    """Pixels float32 [M, 3] in up to eight groups of alike ones, each as bool [M], by k-means. The same every time: it
    starts from the octants round the median."""
    octants = (pixels > np.median(pixels, axis=0)) @ np.array([4, 2, 1])
    found, labels = np.unique(octants, return_inverse=True)
    start = labels.astype(np.int32).reshape(-1, 1)
    _, ends, _ = cv2.kmeans(pixels, len(found), start, _STOP, 1, cv2.KMEANS_USE_INITIAL_LABELS)
    return [np.asarray(ends)[:, 0] == group for group in range(len(found))]


def _length(differences: Lab) -> Field:
    return cast(Field, np.sqrt((differences * differences).sum(axis=-1)))
