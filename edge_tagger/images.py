"""A photo from a path, bytes, a file object or an array, as uint8 RGB, within limits that are checked before decoding.

OpenCV decodes; edge_tagger.image_header says beforehand what it will find, and which way is up.
"""

from __future__ import annotations

import os
import stat
import warnings
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, BinaryIO, TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_tagger import native_output
from edge_tagger.errors import PhotoError
from edge_tagger.image_header import Header, bare_png, read_header

Pixels: TypeAlias = NDArray[np.uint8]
PhotoLike: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Pixels


@dataclass(frozen=True)
class Limits:
    """What is read and decoded at most: pixels of a photo, bytes of a file. Raises ValueError for less than 1."""

    max_pixels: int = 100_000_000
    max_bytes: int = 256 * 2**20

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{field.name} is {value!r}; give a whole number from 1 on")


DEFAULT_LIMITS = Limits()
# How many times the model's input a photo that is decoded smaller must still be. The tags are as good at 1 as at 3
# (benchmarks/library/scaled_decoding.py); at 2, photos up to four times the input are those that the contract names.
_OVERSAMPLING = 2
_REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
# Times that a JPEG's scans may pass over Limits.max_pixels: about 10 scans are usual, thousands would take minutes.
_MAX_PASSES = 20
_STRIP_PIXELS = 2**16
_CHUNK_BYTES = 2**20
_MAX_TOLD = 100
_told: set[str] = set()


def load_photo(photo: PhotoLike, *, limits: Limits = DEFAULT_LIMITS, cover: int | None = None) -> Pixels:
    """uint8 [H, W, 3] RGB of a path, an encoded photo's bytes, a binary file from where it stands, or such an array.

    JPEG, PNG, WebP, BMP, AVIF (where OpenCV has it) and HEIC (with the extra `heif`), in sRGB and turned upright. Grey
    becomes RGB, alpha is laid over white, 16 bits are scaled to 8, of an animation the first picture is taken; an array
    is returned as it is. With `cover` a large JPEG is decoded at 1/2, 1/4 or 1/8 of its size, as small as may be with
    both sides at least `cover` pixels. Raises PhotoError for whatever cannot be read, is cut off, or is larger than the
    limits.
    """
    if isinstance(photo, np.ndarray):
        return _checked_array(photo, limits)
    name, data = _encoded(photo, limits.max_bytes)
    header = read_header(name, data)
    _check_pixels(name, header.width, header.height, limits)
    if header.width * header.height * header.scans > _MAX_PASSES * limits.max_pixels:
        raise PhotoError(f"{name} is a JPEG in {header.scans} scans, too many for its size; save it as a baseline JPEG")
    try:
        pixels = _to_rgb(_decode(name, header, data, cover), header.clear)
        if header.profile or header.colours:
            _to_srgb(name, header, pixels)
        return _turned(pixels, header.orientation)
    except MemoryError as error:
        raise PhotoError(
            f"{name} has {header.width}x{header.height} pixels, for which the memory is too small; make it smaller"
        ) from error


def resize(photo: Pixels, size: int) -> Pixels:
    """uint8 [size, size, 3]: the photo stretched to a square, bilinear. The model contract names this very call."""
    return cast(Pixels, cv2.resize(photo, (size, size), interpolation=cv2.INTER_LINEAR))


def load_covering(photo: PhotoLike, size: int, *, limits: Limits = DEFAULT_LIMITS) -> Pixels:
    """uint8 [H, W, 3] RGB: what load_photo takes, decoded no larger than need be to be resized. Raises PhotoError."""
    return load_photo(photo, limits=limits, cover=_OVERSAMPLING * size)


def load_resized(photo: PhotoLike, size: int, *, limits: Limits = DEFAULT_LIMITS) -> Pixels:
    """uint8 [size, size, 3] RGB of a photo as a model takes it, the pixels of load_covering resized. Raises
    PhotoError."""
    return resize(load_covering(photo, size, limits=limits), size)


def resized_flags(name: str, data: bytes, size: int) -> int:
    """The flags of cv2.imdecode with which load_resized decodes a photo's bytes. Raises PhotoError."""
    return _flags(read_header(name, data), _OVERSAMPLING * size)


def _checked_array(photo: NDArray[Any], limits: Limits) -> Pixels:
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or 0 in photo.shape:
        raise PhotoError(
            f"a photo as an array is uint8 [H, W, 3] in RGB order, not {photo.dtype} {list(photo.shape)}; "
            "convert it first"
        )
    _check_pixels("the photo", photo.shape[1], photo.shape[0], limits)
    return photo


def _encoded(photo: Any, max_bytes: int) -> tuple[str, bytes]:
    """(name for messages, bytes) of what is no array."""
    name = "the photo"
    if isinstance(photo, bytes | bytearray | memoryview):
        _check_bytes(name, memoryview(photo).nbytes, max_bytes)
        return name, bytes(photo)
    if isinstance(photo, str | os.PathLike):
        name = os.fsdecode(photo)
        return name, _read_path(name, max_bytes)
    if not hasattr(photo, "read"):
        raise PhotoError(
            "a photo is a path, bytes, a binary file or a uint8 array [H, W, 3] in RGB order, "
            f"not {type(photo).__name__}"
        )
    if isinstance(getattr(photo, "name", None), str):
        name = photo.name
    try:
        return name, _read(name, photo, max_bytes, _CHUNK_BYTES)
    except PhotoError:
        raise
    except Exception as error:  # archives, compressed files and sockets have errors of their own, without a common base
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        raise PhotoError(f"cannot read {name} ({cause}); copy or open it again") from error


def _read_path(name: str, max_bytes: int) -> bytes:
    try:
        with open(name, "rb", buffering=0, opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise PhotoError(f"{name} is not a regular file; give a photo's file")
            _check_bytes(name, status.st_size, max_bytes)
            return _read(name, file, max_bytes, status.st_size + 1)
    except FileNotFoundError as error:
        raise PhotoError(f"{name} does not exist") from error
    except IsADirectoryError as error:
        raise PhotoError(f"{name} is a folder; give a photo's file") from error
    except OSError as error:
        raise PhotoError(f"cannot read {name}: {error.strerror}") from error
    except ValueError as error:  # a NUL byte in the path
        raise PhotoError(f"cannot read {name!r}: {error}") from error


def _open_at_once(path: str, flags: int) -> int:
    """A FIFO would wait for a writer. What was opened is looked at afterwards, so that nothing is swapped between."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _read(name: str, file: Any, max_bytes: int, chunk_bytes: int) -> bytes:
    """The rest of a file. A file that grows, or never ends, is refused as soon as it is over the limit."""
    chunks: list[bytes] = []
    size_bytes = 0
    while chunk := file.read(chunk_bytes):
        if not isinstance(chunk, bytes):
            raise PhotoError(f"{name} is a file that gives {type(chunk).__name__}, not bytes; open it with mode 'rb'")
        size_bytes += len(chunk)
        _check_bytes(name, size_bytes, max_bytes)
        chunks.append(chunk)
    return b"".join(chunks)


def _check_bytes(name: str, size_bytes: int, max_bytes: int) -> None:
    if size_bytes > max_bytes:
        raise PhotoError(f"{name} has more than {max_bytes} bytes, the most that are read; make it smaller")


def _check_pixels(name: str, width: int, height: int, limits: Limits) -> None:
    if width * height > limits.max_pixels:
        raise PhotoError(
            f"{name} has {width}x{height} pixels; at most {limits.max_pixels / 1e6:g} megapixels are decoded; "
            "make it smaller"
        )


def _decode(name: str, header: Header, data: bytes, cover: int | None) -> NDArray[Any]:
    """What OpenCV makes of it, not turned: grey, BGR or BGRA, uint8 or uint16."""
    quiet_opencv()
    if header.kind == "HEIF":
        from edge_tagger.photos import heif  # only such photos need it

        with native_output.hidden():
            return heif.decode(name, data)
    encoded = np.frombuffer(bare_png(data) if header.kind == "PNG" else data, dtype=np.uint8)
    try:
        with native_output.hidden():
            pixels = cv2.imdecode(encoded, _flags(header, cover))
            if header.kind == "AVIF" and pixels is not None and pixels.dtype != np.uint8:
                # 10 or 12 bits, and OpenCV does not say which: its own 8-bit conversion knows (and drops the alpha).
                pixels = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PhotoError(f"{name} is a {header.kind} that OpenCV refuses: {error.err or 'cannot decode'}") from error
    if pixels is not None:
        return cast(NDArray[Any], pixels)
    if header.kind == "AVIF" and not cv2.haveImageWriter("photo.avif"):
        raise PhotoError(f"{name} is an AVIF, which OpenCV {cv2.__version__} here lacks; save it as a JPEG")
    raise PhotoError(
        f"{name} starts as a {header.kind} but cannot be decoded (cut off, damaged, or of a rare kind); "
        "copy or save it again"
    )


def _to_srgb(name: str, header: Header, pixels: Pixels) -> None:
    """In its place; a profile that is not converted is told once, for whole shops have one and the same."""
    from edge_tagger.photos import profile  # only such photos need it

    try:
        if header.profile:
            way = profile.way_of_profile(header.profile)
        else:
            way = profile.way_of_primaries(*(header.colours or (2, 2)))
    except profile.ProfileError as error:
        if str(error) not in _told and len(_told) < _MAX_TOLD:
            _told.add(str(error))
            warnings.warn(f"{name}: {error}; its colours are taken as sRGB; save it as sRGB", stacklevel=3)
        return
    if way is not None:
        profile.convert(pixels, way)


def _flags(header: Header, cover: int | None) -> int:
    if header.kind not in ("JPEG", "BMP"):  # JPEG has no alpha, and 32-bit BMP often has zeros for it
        return cv2.IMREAD_UNCHANGED
    flags = cv2.IMREAD_COLOR
    if header.kind == "JPEG" and cover is not None:
        shorter = min(header.width, header.height)
        flags = next((flag for part, flag in _REDUCED.items() if -(-shorter // part) >= cover), flags)
    return flags | cv2.IMREAD_IGNORE_ORIENTATION


def _to_rgb(decoded: NDArray[Any], clear: int | None) -> Pixels:
    """uint8 RGB over white, in strips: what is computed on the way stays small, and BGR is swapped in its place."""
    height, width = decoded.shape[:2]
    in_place = decoded.dtype == np.uint8 and decoded.shape[2:] == (3,)
    rgb: Pixels = decoded if in_place else np.empty((height, width, 3), dtype=np.uint8)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        strip = decoded[top : top + rows]
        if clear is not None and strip.ndim == 2:
            strip[strip == clear] = np.iinfo(strip.dtype).max
        rgb[top : top + rows] = _strip_to_rgb(strip)
    return rgb


def _strip_to_rgb(strip: Any) -> Pixels:
    if strip.dtype == np.uint16:
        strip = cv2.convertScaleAbs(strip, alpha=1 / 257)
    rgb: Pixels
    if strip.ndim == 2:
        rgb = cv2.cvtColor(strip, cv2.COLOR_GRAY2RGB)
    elif strip.shape[2] == 3:
        rgb = cv2.cvtColor(strip, cv2.COLOR_BGR2RGB)
    else:
        rgb = cv2.cvtColor(strip, cv2.COLOR_BGRA2RGB)
        alpha = strip[:, :, 3:].astype(np.uint16)
        if alpha.min() < 255:  # 255 * 255 + 127 fits in uint16
            rgb = ((rgb * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return rgb


def _turned(photo: Pixels, orientation: int) -> Pixels:
    """Upright, after Exif's orientation (1 to 8)."""
    if orientation > 4:
        photo = cast(Pixels, cv2.transpose(photo))
    if orientation in (3, 7):
        return cast(Pixels, cv2.flip(photo, -1))
    if orientation in (2, 6):
        return cast(Pixels, cv2.flip(photo, 1))
    if orientation in (4, 8):
        return cast(Pixels, cv2.flip(photo, 0))
    return photo


@lru_cache(maxsize=1)
def quiet_opencv() -> None:
    """OpenCV warns on stderr about damaged photos and cameras; our errors say so once."""
    if hasattr(cv2, "setLogLevel"):  # OpenCV 4.8
        cv2.setLogLevel(0)
    else:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
