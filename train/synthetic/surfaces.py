"""Colours and patterns: what a product is made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_tagger.train.synthetic.products import RGB

# Far enough apart that the scene's light (+-15 % brightness, +-5 % between red and blue) does not make one another.
COLOURS: dict[str, RGB] = {
    "red": (206, 30, 38),
    "orange": (245, 130, 20),
    "yellow": (250, 214, 40),
    "green": (46, 140, 52),
    "teal": (24, 158, 158),
    "blue": (36, 84, 204),
    "purple": (124, 48, 160),
    "pink": (248, 150, 190),
    "brown": (118, 70, 36),
    "black": (30, 30, 33),
    "white": (244, 244, 242),
    "grey": (134, 136, 140),
}
PATTERNS = ("plain", "striped", "checked")

LIGHT_ACCENT: RGB = (244, 242, 236)
_DARK_ACCENTS: dict[str, RGB] = {"yellow": (70, 66, 60), "white": (150, 152, 158), "grey": (56, 57, 62)}
_ACCENT_SHARE = 0.38  # of a pattern's period: the product's own colour stays the larger part


def tinted(colour: str, rng: np.random.Generator) -> RGB:
    """The colour as one dye lot has it: each channel moved by up to 9 of 255."""
    red, green, blue = (int(np.clip(c + rng.integers(-9, 10), 0, 255)) for c in COLOURS[colour])
    return red, green, blue


def trim(base: RGB) -> RGB:
    """The deeper tone of seams and bands (a lighter one where the colour is nearly black)."""
    if max(base) < 60:
        return base[0] + 34, base[1] + 34, base[2] + 34
    return int(base[0] * 0.78), int(base[1] * 0.78), int(base[2] * 0.78)


def paint(
    x: NDArray[np.float32], y: NDArray[np.float32], *, colour: str, base: RGB, pattern: str, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """uint8 [H, W, 3]: the surface at product coordinates `x`, `y` [H, W] (period and direction are random)."""
    ground = np.array(base, np.float32)
    accent = np.array(_DARK_ACCENTS.get(colour, LIGHT_ACCENT), np.float32)
    if pattern == "plain":
        return np.full((*x.shape, 3), base, np.uint8)
    period = rng.uniform(0.24, 0.34)
    turn = np.float32(rng.choice([0.0, np.pi / 4, np.pi / 2]) if pattern == "striped" else rng.choice([0.0, np.pi / 4]))
    across = _bands(x * np.cos(turn) + y * np.sin(turn), period, rng)
    if pattern == "checked":
        across = (across + _bands(y * np.cos(turn) - x * np.sin(turn), period, rng)) / np.float32(2)
    return np.asarray(ground + across[..., None] * (accent - ground), np.uint8)


def _bands(along: NDArray[np.float32], period: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """1 in the bands of the accent colour, 0 between them."""
    phase = (along / np.float32(period) + np.float32(rng.uniform())) % 1
    return np.asarray(phase < _ACCENT_SHARE, np.float32)
