"""The outlines of the products and the places where they can carry details.

Coordinates are in product units: x to the right, y down, everything within -0.95..0.95. A part is filled with the
product's surface ("body": colour and pattern), with its colour in a deeper tone ("trim"), or with a colour of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

Point = tuple[float, float]
Outline = tuple[Point, ...]
RGB = tuple[int, int, int]

RUBBER: RGB = (235, 230, 220)
LEATHER: RGB = (88, 62, 48)
METAL: RGB = (190, 190, 196)
PAPER: RGB = (250, 250, 246)
INK: RGB = (38, 38, 44)


@dataclass(frozen=True)
class Part:
    """A filled outline; `fill` is "body", "trim" or an RGB colour."""

    outline: Outline
    fill: str | RGB = "body"

    def __post_init__(self) -> None:
        if len(self.outline) < 3:
            raise ValueError(f"an outline needs three points, not {len(self.outline)}")
        if isinstance(self.fill, str) and self.fill not in ("body", "trim"):
            raise ValueError(f"a fill is 'body', 'trim' or RGB, not {self.fill!r}")


@dataclass(frozen=True)
class Product:
    """One type: its parts from back to front, and for each detail that it can carry the centre of that detail."""

    department: str
    type: str
    parts: tuple[Part, ...]
    slots: Mapping[str, Point] = field(default_factory=dict)


def _ellipse(x: float, y: float, width: float, height: float, first: int = 0, last: int = 360) -> Outline:
    """Points of an ellipse (half axes `width`, `height`) from `first` to `last` degrees, clockwise on the picture."""
    degrees = range(first, last + 1, 12)
    return tuple((x + width * math.cos(math.radians(d)), y + height * math.sin(math.radians(d))) for d in degrees)


def _band(x: float, y: float, width: float, height: float, thickness: float, first: int, last: int) -> Outline:
    """An arc with a thickness, as one closed outline."""
    inner = _ellipse(x, y, width - thickness, height - thickness, first, last)
    return _ellipse(x, y, width, height, first, last) + inner[::-1]


def _mirrored(right: Outline) -> Outline:
    """The closed outline whose right half runs from top to bottom."""
    return right + tuple((-x, y) for x, y in reversed(right))


def _box(left: float, top: float, right: float, bottom: float) -> Outline:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


_T_SHIRT = (
    Part(_mirrored(((0.0, -0.56), (0.14, -0.62), (0.22, -0.74), (0.46, -0.66), (0.92, -0.28), (0.68, -0.02),
                    (0.5, -0.16), (0.5, 0.8), (0.0, 0.82)))),
    Part(_mirrored(((0.0, -0.48), (0.19, -0.58), (0.26, -0.73), (0.2, -0.76), (0.13, -0.64), (0.0, -0.57))), "trim"),
)  # fmt: skip
_TROUSERS = (
    Part(_mirrored(((0.0, -0.85), (0.44, -0.85), (0.5, -0.4), (0.56, 0.88), (0.16, 0.88), (0.0, -0.12)))),
    Part(_box(-0.45, -0.9, 0.45, -0.76), "trim"),
)
_SHORTS = (
    Part(_mirrored(((0.0, -0.5), (0.56, -0.5), (0.62, -0.2), (0.8, 0.58), (0.13, 0.66), (0.0, 0.16)))),
    Part(_box(-0.57, -0.58, 0.57, -0.42), "trim"),
)
_DRESS = (
    Part(_mirrored(((0.0, -0.55), (0.13, -0.6), (0.2, -0.9), (0.31, -0.9), (0.42, -0.44), (0.29, -0.06), (0.46, 0.3),
                    (0.76, 0.82), (0.4, 0.9), (0.0, 0.92)))),
    Part(_mirrored(((0.0, -0.12), (0.31, -0.12), (0.3, -0.02), (0.0, 0.0))), "trim"),
)  # fmt: skip
_SKIRT = (
    Part(_mirrored(((0.0, -0.58), (0.42, -0.58), (0.86, 0.54), (0.45, 0.64), (0.0, 0.67)))),
    Part(_box(-0.43, -0.68, 0.43, -0.52), "trim"),
)
_BOOT = (
    Part(((-0.46, -0.84), (0.16, -0.84), (0.13, -0.1), (0.22, 0.14), (0.62, 0.26), (0.82, 0.44), (0.86, 0.68),
          (-0.5, 0.68), (-0.52, 0.3))),
    Part(((-0.5, -0.88), (0.2, -0.88), (0.19, -0.74), (-0.49, -0.74)), "trim"),
    Part(((-0.54, 0.66), (0.89, 0.66), (0.89, 0.8), (-0.1, 0.8), (-0.14, 0.9), (-0.54, 0.9)), LEATHER),
)  # fmt: skip
_SNEAKER = (
    Part(((-0.84, -0.32), (-0.62, -0.5), (-0.36, -0.3), (-0.12, -0.46), (0.02, -0.42), (0.3, -0.12), (0.7, 0.0),
          (0.88, 0.2), (0.9, 0.4), (-0.88, 0.4))),
    Part(((0.55, 0.4), (0.58, 0.16), (0.72, 0.0), (0.88, 0.2), (0.9, 0.4)), RUBBER),
    Part(((-0.9, 0.36), (0.93, 0.36), (0.92, 0.58), (-0.86, 0.58)), RUBBER),
)  # fmt: skip
_HEEL = (
    Part(((-0.84, -0.52), (-0.6, -0.56), (-0.36, -0.16), (0.02, 0.06), (0.36, 0.1), (0.78, 0.3), (0.94, 0.54),
          (0.9, 0.62), (0.34, 0.62), (0.0, 0.52), (-0.34, 0.26), (-0.56, 0.14), (-0.66, 0.62), (-0.8, 0.62),
          (-0.82, 0.0))),
)  # fmt: skip
_BAG = (
    Part(_band(0.0, -0.2, 0.46, 0.7, 0.12, 180, 360), "trim"),
    Part(((-0.68, -0.24), (0.68, -0.24), (0.8, 0.76), (0.74, 0.84), (-0.74, 0.84), (-0.8, 0.76))),
)
_CAP = (
    Part(_ellipse(-0.12, 0.26, 0.68, 0.78, 180, 360)),
    Part(((-0.8, 0.2), (0.52, 0.2), (0.84, 0.26), (0.95, 0.38), (0.88, 0.46), (0.5, 0.38), (-0.8, 0.34)), "trim"),
    Part(_ellipse(-0.12, -0.52, 0.08, 0.06), "trim"),
)
_WATCH = (
    Part(_mirrored(((0.0, -0.94), (0.27, -0.94), (0.34, -0.3), (0.34, 0.3), (0.27, 0.94), (0.0, 0.94)))),
    Part(_ellipse(0.0, 0.0, 0.46, 0.46), METAL),
    Part(_ellipse(0.0, 0.0, 0.37, 0.37), PAPER),
    Part(_box(-0.03, -0.27, 0.03, 0.03), INK),
    Part(_box(-0.03, -0.03, 0.2, 0.03), INK),
)
_GLASSES = (
    Part(_band(0.0, -0.08, 0.18, 0.2, 0.09, 180, 360), "trim"),
    *(Part(_ellipse(side * 0.5, 0.0, 0.45, 0.42), "trim") for side in (-1, 1)),
    *(Part(_ellipse(side * 0.5, 0.0, 0.37, 0.34)) for side in (-1, 1)),
)

PRODUCTS = (
    Product("Apparel", "T-shirt", _T_SHIRT,
            {"bow": (0.0, -0.44), "buttons": (0.0, 0.1), "logo": (-0.28, 0.05), "pocket": (0.28, 0.05)}),
    Product("Apparel", "Trousers", _TROUSERS,
            {"buttons": (0.0, -0.44), "logo": (-0.3, -0.36), "pocket": (0.3, -0.36)}),
    Product("Apparel", "Shorts", _SHORTS, {"logo": (-0.4, 0.2), "pocket": (0.4, 0.2), "bow": (0.0, -0.36)}),
    Product("Apparel", "Dress", _DRESS,
            {"bow": (0.0, -0.1), "buttons": (0.0, 0.5), "logo": (-0.32, 0.5), "pocket": (0.32, 0.5)}),
    Product("Apparel", "Skirt", _SKIRT,
            {"bow": (0.0, -0.5), "buttons": (0.0, 0.12), "logo": (-0.36, 0.15), "pocket": (0.36, 0.15)}),
    Product("Footwear", "Boot", _BOOT, {"buttons": (-0.02, -0.32), "logo": (-0.25, 0.28), "bow": (0.4, 0.4)}),
    Product("Footwear", "Sneaker", _SNEAKER, {"logo": (-0.5, 0.02), "bow": (0.14, -0.08)}),
    Product("Footwear", "Heel", _HEEL, {"bow": (0.52, 0.28)}),
    Product("Accessories", "Bag", _BAG,
            {"bow": (0.0, -0.2), "buttons": (0.0, 0.36), "logo": (-0.4, 0.3), "pocket": (0.4, 0.3)}),
    Product("Accessories", "Cap", _CAP, {"logo": (-0.12, -0.12)}),
    Product("Accessories", "Watch", _WATCH),
    Product("Accessories", "Glasses", _GLASSES),
)  # fmt: skip
