"""Which pixels of a small photo show the product."""

from __future__ import annotations

from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_tagger.colours.background import unlike_background
from edge_tagger.colours.difference import Lab

Mask: TypeAlias = NDArray[np.bool_]
_LEAST_PRODUCT = 0.01  # of the photo; less is dust, or a background that was not understood
_LEAST_PIECE = 0.004
_SQUARE = np.ones((3, 3), np.uint8)
_MARGIN = 2  # pixels round the photo, from which the background is entered


def product_mask(lab: Lab) -> Mask | None:
    """bool [H, W] of float32 [H, W, 3] CIELAB, without its outermost pixels, which are half background; None where
    nothing stands out.

    Background is what can be reached from outside the photo over pixels that look like it: a white print on a shirt
    before white stays, though it looks like it too.
    """
    solid = (unlike_background(lab) > 1).astype(np.uint8)
    framed = cv2.copyMakeBorder(solid, _MARGIN, _MARGIN, _MARGIN, _MARGIN, cv2.BORDER_REPLICATE)
    framed = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, _SQUARE)  # an outline with gaps holds nothing in
    for edge in (framed, framed.T):
        edge[:_MARGIN] = edge[-_MARGIN:] = 0
    _, regions = cv2.connectedComponents(1 - framed, connectivity=4)
    inside = (regions != regions[0, 0])[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN].astype(np.uint8)
    _, pieces, about, _ = cv2.connectedComponentsWithStats(inside, connectivity=8)
    large = about[:, cv2.CC_STAT_AREA] >= _LEAST_PIECE * inside.size
    large[0] = False  # what is not inside
    found = large[pieces]
    if found.sum() < max(1, _LEAST_PRODUCT * found.size):
        return None
    core = cv2.erode(found.astype(np.uint8), _SQUARE) > 0
    return cast(Mask, core if core.sum() >= 0.3 * found.sum() else found)


def without_skin(lab: Lab, product: Mask) -> Mask:
    """The product without the skin of who wears it.

    Skin is told by its colour, so that products of that colour would go too. Hence it goes only where a third of it is
    in the upper third of the photo, as a face is, and most of the product is something else.
    """
    lightness, a, b = np.moveaxis(lab, -1, 0)
    # Of all tones from dark to light: hue 25 to 75 degrees, chroma 12 to 45.
    chroma = np.hypot(a, b)
    of_colour = (lightness > 35) & (lightness < 90) & (chroma > 12) & (chroma < 45) & (a > 0)
    skin = product & of_colour & (b > np.tan(np.radians(25)) * a) & (b < np.tan(np.radians(75)) * a)
    share = skin.sum() / product.sum()
    above = skin[: len(skin) // 3].sum() / max(1, skin.sum())
    return product & ~skin if share < 0.45 and above > 0.35 else product
