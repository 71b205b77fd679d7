"""How different two colours look: CIEDE2000 in CIELAB."""

from __future__ import annotations

from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Lab: TypeAlias = NDArray[np.float32]  # [..., 3]: L 0..100, a and b about -100..100, under the white of D65


def lab_of(rgb: NDArray[np.uint8]) -> Lab:
    """float32 [..., 3] CIELAB of uint8 [..., 3] sRGB."""
    pixels = rgb.reshape(1, -1, 3).astype(np.float32) / 255
    return cast(Lab, cv2.cvtColor(pixels, cv2.COLOR_RGB2Lab).reshape(rgb.shape))


def rgb_of(lab: Lab) -> NDArray[np.uint8]:
    """uint8 [..., 3] sRGB of float32 [..., 3] CIELAB; what sRGB cannot show is clipped."""
    pixels = cv2.cvtColor(lab.reshape(1, -1, 3), cv2.COLOR_Lab2RGB)
    return cast(NDArray[np.uint8], np.round(pixels.clip(0, 1) * 255).astype(np.uint8).reshape(lab.shape))


def ciede2000(one: Lab, other: Lab) -> NDArray[np.float64]:
    """[...]: the CIEDE2000 difference of CIELAB colours [..., 3], whose shapes broadcast. About 1 is just seen.

    Source: Sharma, Wu and Dalal, "The CIEDE2000 color-difference formula", Color Research and Application 30, 2005;
    the numbers in brackets are those of its equations.
    """
    (l1, a1, b1), (l2, a2, b2) = (np.moveaxis(np.asarray(lab, np.float64), -1, 0) for lab in (one, other))
    c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7  # (2), (3)
    g = 1 + 0.5 * (1 - np.sqrt(c7 / (c7 + 25**7)))  # (4)
    c1, c2 = np.hypot(a1 * g, b1), np.hypot(a2 * g, b2)  # (6)
    h1, h2 = np.arctan2(b1, a1 * g) % (2 * np.pi), np.arctan2(b2, a2 * g) % (2 * np.pi)  # (7)
    grey = c1 * c2 == 0
    turn = np.where(np.abs(h2 - h1) > np.pi, h2 - h1 - np.copysign(2 * np.pi, h2 - h1), h2 - h1) * ~grey  # (10)
    hue = np.where(grey, h1 + h2, h1 + turn / 2)  # (14)
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2  # (12), (13)
    t = (
        1
        - 0.17 * np.cos(hue - np.radians(30))
        + 0.24 * np.cos(2 * hue)
        + 0.32 * np.cos(3 * hue + np.radians(6))
        - 0.20 * np.cos(4 * hue - np.radians(63))
    )  # fmt: skip  (15)
    sl = 1 + 0.015 * (lightness - 50) ** 2 / np.sqrt(20 + (lightness - 50) ** 2)  # (18)
    sc, sh = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t  # (19), (20)
    blue = np.radians(60) * np.exp(-(((np.degrees(hue) % 360 - 275) / 25) ** 2))  # 2 (16)
    rotation = -np.sin(blue) * 2 * np.sqrt(chroma**7 / (chroma**7 + 25**7))  # (17), (21)
    dl, dc = (l2 - l1) / sl, (c2 - c1) / sc  # (8), (9)
    dh = 2 * np.sqrt(c1 * c2) * np.sin(turn / 2) / sh  # (11)
    return cast(NDArray[np.float64], np.sqrt(dl**2 + dc**2 + dh**2 + rotation * dc * dh))  # (22)
