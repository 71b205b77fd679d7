"""ICC colour profiles of photos: RGB with a matrix and curves, or grey, as a way to sRGB. Source: ICC.1:2022.

sRGB itself, in any of its many files, is known by what it does to colours and needs no way. Other kinds (tables, CMYK,
Lab) are named in a ProfileError.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
# Red, green and blue of sRGB as XYZ under D50, in columns
_SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
# x, y of red, green and blue of the primaries that AVIF, HEIF and PNG name by a number (ITU-T H.273), all under D65
_PRIMARIES = {
    9: ("BT.2020", (0.708, 0.292, 0.170, 0.797, 0.131, 0.046)),
    12: ("Display P3", (0.680, 0.320, 0.265, 0.690, 0.150, 0.060)),
}
_D65 = (0.3127, 0.3290)
_SRGB_PRIMARIES = (0.640, 0.330, 0.300, 0.600, 0.150, 0.060)
_HDR = {16: "PQ", 18: "HLG"}
_STEPS = 2**14
_STRIP_PIXELS = 2**16
# Differences that the roundings of sRGB's many files make: levels of 255, shares of another colour's light
_SAME_LEVELS = 2
_SAME_SHARE = 0.002
_MAX_TAGS = 200


class ProfileError(ValueError):
    """A profile that is not converted; str() says which and why."""


@dataclass(frozen=True, eq=False)
class WayToSrgb:
    """`linear`: float32 [1, 256, 3], light of each level; `matrix`: float32 [3, 3], to sRGB's light."""

    linear: Floats
    matrix: Floats


def convert(photo: Any, way: WayToSrgb) -> None:
    """Turn uint8 [H, W, 3] RGB into sRGB in its place."""
    rows = max(1, _STRIP_PIXELS // photo.shape[1])
    for top in range(0, photo.shape[0], rows):
        photo[top : top + rows] = _converted(photo[top : top + rows], way)


def _converted(strip: Any, way: WayToSrgb) -> Any:
    light = cv2.transform(cv2.LUT(strip, way.linear), way.matrix)
    return _levels()[(np.clip(light, 0, 1) * (_STEPS - 1) + 0.5).astype(np.uint16)]


@lru_cache(maxsize=1)
def _levels() -> NDArray[np.uint8]:
    light = np.linspace(0, 1, _STEPS)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.round(255 * encoded).astype(np.uint8)


@lru_cache(maxsize=32)
def way_of_profile(profile: bytes) -> WayToSrgb | None:
    """The way from an ICC profile's colours to sRGB; None where it is sRGB. Raises ProfileError."""
    name = _name(profile)
    try:
        tags = _tags(profile)
        space = profile[16:20]
        if space == b"GRAY" and b"kTRC" in tags:
            curves, matrix = [tags[b"kTRC"]] * 3, np.eye(3)
        elif space == b"RGB " and {b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"} <= tags.keys():
            curves = [tags[b"rTRC"], tags[b"gTRC"], tags[b"bTRC"]]
            matrix = np.linalg.inv(_SRGB) @ np.stack([_xyz(tags[tag]) for tag in (b"rXYZ", b"gXYZ", b"bXYZ")], axis=1)
        else:
            shown = space.decode("ascii", "replace").strip() if space.strip().isalnum() else "unknown"
            raise ProfileError(f"the colour profile {name} ({shown} by tables) is not converted")
        linear = np.stack([_curve(curve) for curve in curves], axis=-1)
        return _way(linear, matrix)
    except ProfileError:
        raise
    except (struct.error, IndexError, ValueError, OverflowError, FloatingPointError, ZeroDivisionError) as error:
        raise ProfileError(f"the colour profile {name} is damaged") from error


@lru_cache(maxsize=32)
def way_of_primaries(primaries: int, transfer: int) -> WayToSrgb | None:
    """The way from colours named by numbers (ITU-T H.273) to sRGB; None where they are sRGB or not told. Raises
    ProfileError."""
    if transfer in _HDR:
        raise ProfileError(f"{_HDR[transfer]} (a high dynamic range) is not converted")
    if primaries not in _PRIMARIES:
        return None
    level = np.linspace(0, 1, 256)
    curve = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    if transfer == 8:
        curve = level
    elif transfer in (4, 5):
        curve = level ** (2.2 if transfer == 4 else 2.8)
    matrix = np.linalg.inv(_to_xyz(_SRGB_PRIMARIES)) @ _to_xyz(_PRIMARIES[primaries][1])
    return _way(np.stack([curve] * 3, axis=-1), matrix)


def _to_xyz(primaries: tuple[float, ...]) -> NDArray[np.float64]:
    x, y = np.array(primaries[0::2]), np.array(primaries[1::2])
    columns = np.stack([x / y, np.ones(3), (1 - x - y) / y])
    white = np.array([_D65[0] / _D65[1], 1, (1 - _D65[0] - _D65[1]) / _D65[1]])
    return cast(NDArray[np.float64], columns * np.linalg.solve(columns, white))


def _way(linear: NDArray[np.float64], matrix: NDArray[np.float64]) -> WayToSrgb | None:
    white = matrix.sum(axis=1, keepdims=True)
    if not (np.all(np.isfinite(linear)) and np.all(np.isfinite(matrix)) and np.all(white > 0.1)):
        raise ValueError
    matrix = matrix / white  # grey stays grey, whichever white the profile is for
    if np.abs(matrix).max() > 10 or linear[-1].min() < 0.5:
        raise ValueError
    way = WayToSrgb(np.clip(linear, 0, 1).astype(np.float32)[np.newaxis], matrix.astype(np.float32))
    greys = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 256, 3)
    changed = np.abs(_levels()[(way.linear * (_STEPS - 1) + 0.5).astype(np.uint16)].astype(int) - greys)
    is_srgb = changed.max() <= _SAME_LEVELS and np.abs(matrix - np.eye(3)).max() <= _SAME_SHARE
    return None if is_srgb else way


def _tags(profile: bytes) -> dict[bytes, bytes]:
    if profile[36:40] != b"acsp":
        raise ValueError
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = (struct.unpack_from(">4sII", profile, 132 + 12 * place) for place in range(min(count, _MAX_TAGS)))
    return {tag: profile[start : start + size] for tag, start, size in entries}


def _xyz(tag: bytes) -> NDArray[np.float64]:
    if tag[:4] != b"XYZ ":
        raise ValueError
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _curve(tag: bytes) -> NDArray[np.float64]:
    """float64 [256]: the light of each level."""
    level = np.linspace(0, 1, 256)
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return level
        if count == 1:
            return cast(NDArray[np.float64], level ** (struct.unpack_from(">H", tag, 12)[0] / 256))
        table = np.frombuffer(tag, ">u2", count, 12) / 65535
        return cast(NDArray[np.float64], np.interp(level, np.linspace(0, 1, count), table))
    if tag[:4] != b"para":
        raise ValueError
    (kind,) = struct.unpack_from(">H", tag, 8)
    given = np.array(struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)) / 65536
    gamma, a, b, c, d, e, f = _parameters(kind, [float(value) for value in given])
    with np.errstate(all="raise"):
        curved = np.maximum(a * level + b, 0) ** gamma + e
        return np.where(level >= d, curved, c * level + f)


def _parameters(kind: int, given: list[float]) -> list[float]:
    """gamma, a to f of the fullest kind: (a x + b)^gamma + e from d on, c x + f below."""
    if kind == 0:
        return [given[0], 1, 0, 0, 0, 0, 0]
    gamma, a, b = given[:3]
    if kind in (1, 2):
        more = given[3] if kind == 2 else 0.0
        return [gamma, a, b, 0, -b / a, more, more]
    return [*given, 0, 0] if kind == 3 else given


def _name(profile: bytes) -> str:
    """What the profile calls itself, in quotes, or what it is."""
    try:
        tag = _tags(profile)[b"desc"]
        if tag[:4] == b"mluc":
            length, start = struct.unpack_from(">II", tag, 20)
            text = tag[start : start + min(length, 200)].decode("utf-16-be", "replace")
        else:
            (length,) = struct.unpack_from(">I", tag, 8)
            text = tag[12 : 12 + min(length, 100)].decode("latin-1")
    except (struct.error, KeyError, ValueError):
        text = ""
    text = "".join(letter for letter in text if letter.isprintable()).strip()
    return f"'{text}'" if text else "without a name"
