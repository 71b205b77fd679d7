"""What a product can carry: pocket, buttons, logo, bow. Each is drawn large enough to be seen at 64 pixels."""

from __future__ import annotations

import math
from collections.abc import Callable

from edge_tagger.train.synthetic.products import INK, LEATHER, PAPER, RGB, Outline, Point
from edge_tagger.train.synthetic.surfaces import trim

# An outline, the colour that fills it, and the colour of its edge.
Shape = tuple[Outline, RGB, RGB]

GOLD: RGB = (240, 190, 40)
TAN: RGB = (204, 158, 104)
_LOGO_RADIUS = 0.21
_BUTTON_RADIUS = 0.1
_BUTTON_STEP = 0.29
_POCKET_WIDTH, _POCKET_HEIGHT = 0.39, 0.43


def contrast(base: RGB) -> RGB:
    """Ink on light colours, paper on dark ones (luma of ITU-R BT.601)."""
    return INK if 0.299 * base[0] + 0.587 * base[1] + 0.114 * base[2] > 125 else PAPER


def _edge(base: RGB) -> RGB:
    """The opposite of the contrast: it lifts a detail off the accents of a pattern."""
    return PAPER if contrast(base) == INK else INK


def _pocket(x: float, y: float, base: RGB) -> list[Shape]:
    half, top, bottom = _POCKET_WIDTH / 2, y - _POCKET_HEIGHT / 2, y + _POCKET_HEIGHT / 2
    bag = ((x - half, top), (x + half, top), (x + half, bottom - 0.08), (x, bottom), (x - half, bottom - 0.08))
    flap = ((x - half, top), (x + half, top), (x + half, top + 0.1), (x, top + 0.17), (x - half, top + 0.1))
    return [(bag, TAN, contrast(base)), (flap, LEATHER, contrast(base))]


def _buttons(x: float, y: float, base: RGB) -> list[Shape]:
    centres = [(x, y + step * _BUTTON_STEP) for step in (-1, 0, 1)]
    return [(_star(centre, _BUTTON_RADIUS, _BUTTON_RADIUS, 8), contrast(base), _edge(base)) for centre in centres]


def _logo(x: float, y: float, base: RGB) -> list[Shape]:
    disc = _star((x, y), _LOGO_RADIUS, _LOGO_RADIUS, 10)
    star = _star((x, y), _LOGO_RADIUS * 0.8, _LOGO_RADIUS * 0.34, 5)
    return [(disc, GOLD, contrast(base)), (star, INK, INK)]


def _bow(x: float, y: float, base: RGB) -> list[Shape]:
    loops = [((x, y), (x + side * 0.33, y - 0.21), (x + side * 0.33, y + 0.21)) for side in (-1, 1)]
    knot = _star((x, y), 0.09, 0.09, 6)
    return [*((loop, contrast(base), _edge(base)) for loop in loops), (knot, trim(base), _edge(base))]


def _star(centre: Point, outer: float, inner: float, tips: int) -> Outline:
    """A star, or with equal radii a disc."""
    return tuple(
        (centre[0] + radius * math.sin(math.pi * k / tips), centre[1] - radius * math.cos(math.pi * k / tips))
        for k in range(2 * tips)
        for radius in (inner if k % 2 else outer,)
    )


_DRAWN: dict[str, Callable[[float, float, RGB], list[Shape]]] = {
    "bow": _bow,
    "buttons": _buttons,
    "logo": _logo,
    "pocket": _pocket,
}
DETAILS = tuple(_DRAWN)


def shapes(detail: str, at: Point, base: RGB) -> list[Shape]:
    """The shapes of `detail` centred at `at` (product units) on a product of colour `base`, from back to front."""
    return _DRAWN[detail](*at, base)
