"""A photo from a path, from bytes or from an array, as uint8 RGB, within limits that are checked before decoding.

OpenCV decodes. A JPEG is turned the way its EXIF says; OpenCV turns no AVIF, and nothing that is read with its alpha.
"""

from __future__ import annotations

import io
import os
import stat
import struct
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias, cast

import cv2
import imagesize
import numpy as np
from numpy.typing import NDArray

from edge_tagger.errors import PhotoError

MAX_PIXELS = 100_000_000
MAX_BYTES = 256 * 2**20
Pixels: TypeAlias = NDArray[np.uint8]
PhotoLike: TypeAlias = str | os.PathLike[str] | bytes | Pixels


def load_photo(photo: PhotoLike, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> Pixels:
    """uint8 [H, W, 3] RGB of a path, of an encoded photo's bytes, or of such an array (returned as it is).

    JPEG, PNG, WebP, BMP and AVIF (where OpenCV has it). Grey becomes RGB, alpha is laid over white, 16 bits are
    scaled to 8. Raises PhotoError for whatever cannot be read or is larger than the limits.
    """
    if isinstance(photo, np.ndarray):
        return _checked_array(photo, max_pixels)
    if isinstance(photo, bytes):
        name, data = "the photo", photo
        if len(data) > max_bytes:
            raise _too_many_bytes(name, len(data), max_bytes)
    elif isinstance(photo, str | os.PathLike):
        name, data = os.fspath(photo), _read(Path(photo), max_bytes)
    else:
        raise PhotoError(f"a photo is a path, bytes or a uint8 array [H, W, 3], not {type(photo).__name__}")
    kind = _kind(name, data)
    width, height = _header_size(name, kind, data)
    _check_pixels(name, width, height, max_pixels)
    return _decode(name, kind, data)


def resize(photo: Pixels, size: int) -> Pixels:
    """uint8 [size, size, 3]: the photo stretched to a square, bilinear. The model contract names this very call."""
    return cast(Pixels, cv2.resize(photo, (size, size), interpolation=cv2.INTER_LINEAR))


def load_resized(photo: PhotoLike, size: int, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> Pixels:
    """uint8 [size, size, 3] RGB of :func:`load_photo`, as a model takes it. Raises PhotoError."""
    return resize(load_photo(photo, max_pixels=max_pixels, max_bytes=max_bytes), size)


def _checked_array(photo: NDArray[Any], max_pixels: int) -> Pixels:
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or 0 in photo.shape:
        raise PhotoError(
            f"a photo as an array is uint8 [H, W, 3] in RGB order, not {photo.dtype} {list(photo.shape)}; "
            "convert it first"
        )
    _check_pixels("the photo", photo.shape[1], photo.shape[0], max_pixels)
    return photo


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a FIFO would block, a device might never end
            raise PhotoError(f"{path} is {'a folder' if path.is_dir() else 'not a regular file'}; give a photo's file")
        if status.st_size > max_bytes:
            raise _too_many_bytes(str(path), status.st_size, max_bytes)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise PhotoError(f"{path} does not exist") from error
    except OSError as error:
        raise PhotoError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:  # a NUL byte in the path
        raise PhotoError(f"cannot read {str(path)!r}: {error}") from error


def _too_many_bytes(name: str, size_bytes: int, max_bytes: int) -> PhotoError:
    return PhotoError(f"{name} has {size_bytes} bytes; at most {max_bytes} are read; make it smaller")


def _check_pixels(name: str, width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise PhotoError(
            f"{name} has {width}x{height} pixels; at most {max_pixels / 1e6:g} megapixels are decoded; make it smaller"
        )


def _kind(name: str, data: bytes) -> str:
    """The format by its first bytes: the file's suffix is not asked."""
    if not data:
        raise PhotoError(f"{name} is empty (0 bytes); copy the photo again")
    if data.startswith(b"\xff\xd8"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    if data.startswith(b"BM"):
        return "BMP"
    if data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis", b"mif1") and b"avif" in data[:64]:
        return "AVIF"
    raise PhotoError(f"{name} is not a photo: its content is none of JPEG, PNG, WebP, BMP, AVIF; convert it to one")


def _header_size(name: str, kind: str, data: bytes) -> tuple[int, int]:
    """(width, height) from the header. imagesize before 2.0 knows neither BMP nor AVIF."""
    try:
        if kind == "BMP":
            width, height = struct.unpack_from("<ii", data, 18)
            width, height = abs(width), abs(height)
        elif kind == "AVIF":
            width, height = _avif_size(data)
        else:
            width, height = imagesize.get(io.BytesIO(data))
    except Exception as error:  # imagesize raises whatever its parsing runs into
        raise PhotoError(f"{name} starts as a {kind} but its header is broken; copy or save the photo again") from error
    if width < 1 or height < 1:
        raise PhotoError(f"{name} starts as a {kind} but its header gives no size; copy or save the photo again")
    return int(width), int(height)


def _avif_size(data: bytes) -> tuple[int, int]:
    """The largest "ispe" (image spatial extents, ISO/IEC 23008-12) in the top-level "meta" box."""
    start = 0
    while start + 8 <= len(data):
        length, box = struct.unpack_from(">I4s", data, start)
        if box == b"meta":
            meta = data[start : start + length]
            sizes = [struct.unpack_from(">II", part, 4) for part in meta.split(b"ispe")[1:]]
            return max(width for width, _ in sizes), max(height for _, height in sizes)
        if length < 8:
            break
        start += length
    raise ValueError("no meta box")


def _decode(name: str, kind: str, data: bytes) -> Pixels:
    _quiet_opencv()
    # IMREAD_COLOR alone heeds EXIF; it drops alpha, which JPEG has not and 32-bit BMP often has as zeros.
    keeps_alpha = kind not in ("JPEG", "BMP")
    encoded = np.frombuffer(data, dtype=np.uint8)
    try:
        pixels = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED if keeps_alpha else cv2.IMREAD_COLOR)
        if kind == "AVIF" and pixels is not None and pixels.dtype != np.uint8:
            # 10 or 12 bits, and OpenCV does not say which: its own 8-bit conversion knows (and drops the alpha).
            pixels = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PhotoError(f"{name} is a {kind} that OpenCV refuses: {error.err or 'cannot decode'}") from error
    if pixels is None:
        raise PhotoError(
            f"{name} starts as a {kind} but cannot be decoded (cut off or damaged?); copy or save it again"
        )
    return _to_rgb(pixels)


def _to_rgb(decoded: Any) -> Pixels:
    """What OpenCV decoded (grey, BGR or BGRA; 8 or 16 bits) as uint8 RGB over white."""
    if decoded.dtype == np.uint16:
        decoded = cv2.convertScaleAbs(decoded, alpha=1 / 257)
    rgb: Pixels
    if decoded.ndim == 2:
        rgb = cv2.cvtColor(decoded, cv2.COLOR_GRAY2RGB)
    elif decoded.shape[2] == 3:
        rgb = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
    else:
        rgb = cv2.cvtColor(decoded, cv2.COLOR_BGRA2RGB)
        alpha = decoded[:, :, 3:].astype(np.uint16)
        if alpha.min() < 255:  # 255 * 255 + 127 fits in uint16
            rgb = ((rgb * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return rgb


@lru_cache(maxsize=1)
def _quiet_opencv() -> None:
    """OpenCV warns on stderr about damaged photos; our error says so once."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
