"""HEIC and HEIF, which phones write: decoded by libheif, from the extra `heif`. Imported for such a photo only."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.errors import PhotoError


def decode(name: str, data: bytes) -> NDArray[Any]:
    """uint8 grey, BGR or BGRA, turned upright by libheif as the file says; 10 and 12 bits become 8. Raises
    PhotoError."""
    try:
        import pillow_heif
    except ImportError as error:
        raise PhotoError(
            f"{name} is an HEIC or HEIF, for which a package is missing; pip install 'edge-tagger[heif]', "
            "or save it as a JPEG"
        ) from error
    try:
        picture = pillow_heif.open_heif(io.BytesIO(data), bgr_mode=True)
        pixels = np.asarray(picture)
        if picture.mode.endswith("a"):  # premultiplied
            pixels = _divided_by_alpha(pixels)
    except MemoryError:
        raise
    except Exception as error:  # libheif's errors come as ValueError, RuntimeError, EOFError, SyntaxError
        cause = " ".join(str(error).split()) or type(error).__name__
        raise PhotoError(f"{name} is an HEIF that cannot be decoded ({cause[:200]}); copy or save it again") from error
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,), (4,)):
        raise PhotoError(f"{name} is an HEIF of a rare kind ({picture.mode}); save it as a JPEG")
    return pixels if pixels.flags.writeable else pixels.copy()


def _divided_by_alpha(pixels: NDArray[Any]) -> NDArray[Any]:
    alpha = np.maximum(pixels[:, :, 3:].astype(np.uint16), 1)
    colours = np.minimum((pixels[:, :, :3].astype(np.uint16) * 255 + alpha // 2) // alpha, 255)
    return np.concatenate([colours.astype(np.uint8), pixels[:, :, 3:]], axis=2)
