"""The dominant colours of the product on a photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_tagger.colours.background import part
from edge_tagger.colours.difference import Lab, lab_of, rgb_of
from edge_tagger.colours.palette import Palette, built_in
from edge_tagger.colours.product import Mask, product_mask, without_skin
from edge_tagger.images import PhotoLike, Pixels, load_photo

_SIDE = 64  # pixels that a photo's longer side is made; 96 named as many right and took half as long again
_LEAST_SIDE = 8  # pixels of a photo in which a border and something inside can be told apart
_ALIKE = 10.0  # CIELAB units below which two colours are one, in light and in shadow
_LEAST_SHARE = 0.03
# A photo's middle counts more: what a model wears besides stands above or below. Deviations, in sides of the photo.
_MIDDLE_X, _MIDDLE_Y = 0.15, 0.2


@dataclass(frozen=True)
class Colour:
    """One colour of a product: `hex` as "#1f2a4c", its `share` of the product (0..1; pixels near the photo's middle
    count more) and the `name` that the palette has for it."""

    hex: str
    share: float
    name: str

    def to_json(self) -> dict[str, Any]:
        """The fields as plain JSON values, the share to three decimals."""
        return {"hex": self.hex, "share": round(self.share, 3), "name": self.name}

    def __str__(self) -> str:
        """The look, the share and the name: "#1f2a4c 71% Navy Blue"."""
        return f"{self.hex} {self.share:.0%} {self.name}"


def dominant_colours(
    photo: PhotoLike, *, palette: Palette | None = None, count: int = 3, skin: bool = False
) -> tuple[Colour, ...]:
    """Up to `count` colours of the product, the largest share first; none where no product stands out from the
    background.

    The photo is a uint8 RGB array [H, W, 3], or a path, bytes or a binary file. Each name comes once, with the colour
    of its largest part; shares below 3 % are left out. Without a `palette` the packaged one names them. With
    `skin`, that of who wears the product counts too. Raises PhotoError, and ValueError for a count below 1.
    """
    if count < 1:
        raise ValueError(f"count is {count}; give 1 or more")
    named = palette or built_in()
    lab = lab_of(_small(load_photo(photo, cover=_SIDE)))
    product = product_mask(lab) if min(lab.shape[:2]) >= _LEAST_SIDE else None
    if product is None:
        return ()
    centres, shares = _clusters(lab, product if skin else without_skin(lab, product))
    found: dict[str, tuple[Lab, float]] = {}
    for shade, centre, share in zip(named.nearest(centres), centres, shares.tolist(), strict=True):
        first, before = found.get(shade.name, (centre, 0.0))
        found[shade.name] = first, before + share
    ranked = sorted(found.items(), key=lambda item: -item[1][1])
    colours = [Colour(f"#{bytes(rgb_of(centre)).hex()}", share, name) for name, (centre, share) in ranked]
    return tuple(colour for colour in colours[:count] if colour.share >= _LEAST_SHARE)


def _small(photo: Pixels) -> Pixels:
    """The photo with its longer side 64 pixels at most, a very long one stretched so that the shorter has 16."""
    height, width = photo.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = [min(side, max(16, round(side * scale))) for side in (width, height)]
    return cast(Pixels, cv2.resize(photo, size, interpolation=cv2.INTER_AREA)) if scale < 1 else photo


def _clusters(lab: Lab, product: Mask) -> tuple[Lab, NDArray[np.float64]]:
    """Centres float32 [K, 3] CIELAB of the product's colours and their shares [K], the largest first."""
    (height, width), (rows, columns) = product.shape, np.nonzero(product)
    from_middle = ((columns / (width - 1) - 0.5) / _MIDDLE_X) ** 2 + ((rows / (height - 1) - 0.5) / _MIDDLE_Y) ** 2
    weights = np.exp(-from_middle / 2) + 1e-6  # a product far from the middle has colours too
    pixels = lab[product]
    groups = part(pixels)
    shares = np.array([weights[own].sum() for own in groups])
    centres = np.stack([weights[own] @ pixels[own] for own in groups]) / shares[:, np.newaxis]
    centres, shares = _merged(centres, shares / shares.sum())
    order = np.argsort(-shares, kind="stable")
    return centres[order].astype(np.float32), shares[order]


def _merged(
    centres: NDArray[np.float64], shares: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The clusters, the two nearest made one until no two are alike."""
    while len(shares) > 1:
        apart = np.linalg.norm(centres[:, np.newaxis] - centres, axis=-1)
        np.fill_diagonal(apart, np.inf)
        one, other = sorted(divmod(int(apart.argmin()), len(shares)))
        if apart[one, other] > _ALIKE:
            break
        both = shares[one] + shares[other]
        centres[one] = (centres[one] * shares[one] + centres[other] * shares[other]) / both
        shares[one] = both
        centres, shares = np.delete(centres, other, axis=0), np.delete(shares, other)
    return centres, shares
