"""Photos of one product of one colour before backgrounds of many kinds, drawn with a seed.

`python tests/edge_tagger/colours/drawn_products.py 2000` prints how often the nearest name of the packaged palette is
the product's, for each kind of background.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_tagger.colours.difference import ciede2000, lab_of, rgb_of
from edge_tagger.colours.palette import Palette

Photo = NDArray[np.uint8]
Canvas = NDArray[np.float32]  # [H, W, 3] RGB 0..255
Random = np.random.Generator
# What stands behind a product differs at least so much from it, by CIEDE2000, and has another name.
_APART = 15.0


@dataclass(frozen=True)
class Drawn:
    """uint8 RGB, the palette's name of the product's colour, the kind of background, and which pixels are product."""

    photo: Photo
    name: str
    background: str
    product: NDArray[np.bool_]


def draw(seed: int, palette: Palette, *, background: str | None = None) -> Drawn:
    """One photo: a shape in one of the palette's shades, shaded, on a background, with a shadow, as a JPEG made it."""
    random = np.random.default_rng(seed)
    kind = background or str(random.choice(list(BACKGROUNDS)))
    shade = palette.shades[int(random.integers(len(palette.shades)))]
    height, width = (int(random.integers(120, 320)) for _ in range(2))
    behind = BACKGROUNDS[kind](random, height, width, _others(random, palette, shade.lab, shade.name))
    product = _shape(random, height, width)
    light = 1 + random.uniform(0, 0.18) * _smooth(random, height, width, 3)
    fabric = random.normal(0, random.uniform(0, 4), (height, width, 1))
    colour = rgb_of(shade.lab).astype(np.float32) * light + fabric
    drop = cv2.GaussianBlur(np.roll(product, height // 40, 0), (0, 0), width / 60)[..., None]
    behind = behind * (1 - random.uniform(0, 0.3) * drop)
    soft = cv2.GaussianBlur(product, (0, 0), 0.7)[..., None]
    canvas = (colour * soft + behind * (1 - soft)).clip(0, 255).astype(np.uint8)
    _, jpeg = cv2.imencode(".jpg", canvas[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(60, 96))])
    photo = np.ascontiguousarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR)[..., ::-1])
    return Drawn(photo, shade.name, kind, product > 0.5)


def _others(random: Random, palette: Palette, lab: NDArray[np.float32], name: str) -> Canvas:
    """[8, 3] RGB of colours that may stand behind a product of colour `lab`, the first of them often white."""
    picked: list[NDArray[np.float32]] = []
    candidates = [np.full(3, 255.0, np.float32)] if random.random() < 0.4 else []
    while len(picked) < 8:
        rgb = candidates.pop() if candidates else random.uniform(0, 255, 3).astype(np.float32)
        own = lab_of(rgb.astype(np.uint8))
        if ciede2000(own, lab) >= _APART and palette.nearest(own[np.newaxis])[0].name != name:
            picked.append(rgb)
    return np.stack(picked)


def _smooth(random: Random, height: int, width: int, cells: int) -> Canvas:
    """[H, W, 1] between -1 and 1, waves of about `cells` to a side."""
    coarse = random.uniform(-1, 1, (cells, cells)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).clip(-1, 1)[..., None]


def _near(random: Random, rgb: Canvas, far: float) -> Canvas:
    """A colour up to `far` steps of 255 from another."""
    return (rgb + random.uniform(-far, far, 3)).clip(0, 255).astype(np.float32)


def _plain(_random: Random, height: int, width: int, colours: Canvas) -> Canvas:
    return np.broadcast_to(colours[0], (height, width, 3)).copy()


def _gradient(random: Random, height: int, width: int, colours: Canvas) -> Canvas:
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    angle = random.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    along = ((along - along.min()) / np.ptp(along))[..., None]
    return (colours[0] * (1 - along) + _near(random, colours[0], 50) * along).astype(np.float32)


def _vignette(random: Random, height: int, width: int, colours: Canvas) -> Canvas:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return (colours[0] * (1 - random.uniform(0.1, 0.3) * (x**2 + y**2) / 2)[..., None]).astype(np.float32)


def _noise(random: Random, height: int, width: int, colours: Canvas) -> Canvas:
    return (colours[0] + random.normal(0, random.uniform(4, 14), (height, width, 3))).astype(np.float32)


def _wood(random: Random, height: int, width: int, colours: Canvas) -> Canvas:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    bent = x / width * random.uniform(6, 18) + 1.5 * _smooth(random, height, width, 4)[..., 0] + y / height
    grain = (0.5 + 0.5 * np.sin(2 * np.pi * bent))[..., None]
    return (colours[0] * (0.88 + 0.12 * grain) + random.normal(0, 3, (height, width, 1))).astype(np.float32)


def _room(random: Random, height: int, width: int, colours: Canvas) -> Canvas:
    """A wall and a floor, each with its own light."""
    canvas = _gradient(random, height, width, colours)
    floor = int(height * random.uniform(0.55, 0.8))
    canvas[floor:] = _gradient(random, height - floor, width, colours[1:])
    return canvas


def _out_of_focus(random: Random, height: int, width: int, colours: Canvas) -> Canvas:
    """Lights and things far behind, blurred."""
    canvas = _gradient(random, height, width, colours)
    for colour in colours[1:4]:
        for _ in range(3):
            centre = (int(random.integers(width)), int(random.integers(height)))
            cv2.circle(canvas, centre, int(min(height, width) * random.uniform(0.05, 0.2)), colour.tolist(), -1)
    return cv2.GaussianBlur(canvas, (0, 0), width / 40) + random.normal(0, 2, canvas.shape).astype(np.float32)


BACKGROUNDS: dict[str, Callable[[Random, int, int, Canvas], Canvas]] = {
    "plain": _plain,
    "gradient": _gradient,
    "vignette": _vignette,
    "noise": _noise,
    "wood": _wood,
    "wall and floor": _room,
    "out of focus": _out_of_focus,
}
# Outlines on a square from -1 to 1, y downwards.
_OUTLINES = {
    "shirt": [(-0.35, -0.9), (0.35, -0.9), (1, -0.5), (0.8, -0.05), (0.55, -0.2), (0.55, 0.9), (-0.55, 0.9),
              (-0.55, -0.2), (-0.8, -0.05), (-1, -0.5)],
    "shoe": [(-1, -0.4), (-0.5, -0.5), (-0.1, -0.1), (0.7, 0.1), (1, 0.35), (0.95, 0.5), (-1, 0.5)],
    "trousers": [(-0.45, -1), (0.45, -1), (0.6, 1), (0.15, 1), (0, -0.2), (-0.15, 1), (-0.6, 1)],
    "box": [(-0.8, -0.6), (0.8, -0.6), (0.8, 0.6), (-0.8, 0.6)],
    "round": [(np.cos(angle), np.sin(angle)) for angle in np.linspace(0, 2 * np.pi, 40)],
}  # fmt: skip


def _shape(random: Random, height: int, width: int) -> NDArray[np.float32]:
    """float32 [H, W], 1 inside one of the outlines, turned a little; the border of the photo cuts some off."""
    outline = np.array(_OUTLINES[str(random.choice(list(_OUTLINES)))])
    turn = random.normal(0, 0.15)
    turned = outline @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    size = random.uniform(0.22, 0.5) * min(height, width)
    centre = np.array([width, height]) * random.uniform(0.38, 0.62, 2)
    inside = np.zeros((height, width), np.float32)
    cv2.fillPoly(inside, [np.round(turned * size + centre).astype(np.int32)], 1.0)
    return inside


def main() -> None:
    """Print the share of right names for each kind of background."""
    from edge_tagger.colours.dominant import dominant_colours

    palette = Palette.read()
    right: Counter[str] = Counter()
    drawn: Counter[str] = Counter()
    for seed in range(int(sys.argv[1])):
        each = draw(seed, palette)
        found = dominant_colours(each.photo, palette=palette)
        drawn[each.background] += 1
        right[each.background] += bool(found) and found[0].name == each.name
    for kind in BACKGROUNDS:
        print(f"| {kind} | {right[kind] / drawn[kind]:.1%} of {drawn[kind]} |")
    print(f"| all | {right.total() / drawn.total():.1%} of {drawn.total()} |")


if __name__ == "__main__":
    main()
