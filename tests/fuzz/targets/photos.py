"""Photos of every format that is read: damaged anywhere, in the fields of their headers, in the order of the parts."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mutations import edge_value, mutate_bytes, set_integer
from PIL import Image, features
from target import Target
from targets import grammar

from edge_tagger.errors import PhotoError
from edge_tagger.images import Limits, load_photo, load_resized

_LIMITS = Limits(max_pixels=1_000_000, max_bytes=2**20)
_BYTES_PER_PIXEL = 24  # OpenCV's picture, ours, and what a decoder holds on the way
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".avif", ".heic")
_MOST_REAL = 100
_MOST_REAL_BYTES = 100_000


def _seeds(data: Path | None) -> Sequence[bytes]:
    if data is None:
        return _drawn()
    found = (path for path in sorted(data.rglob("*")) if path.suffix.lower() in _SUFFIXES)
    small = (path for path in found if path.stat().st_size <= _MOST_REAL_BYTES)
    return [*_drawn(), *(path.read_bytes() for path in islice(small, _MOST_REAL))]


def _drawn() -> list[bytes]:
    """A soft picture of 72 x 56 px in each kind of file, and a larger one as JPEG, which is decoded at a part of it."""
    noise = np.random.default_rng(0).integers(0, 256, (7, 9, 4), np.uint8)
    soft = cv2.resize(noise, (72, 56), interpolation=cv2.INTER_CUBIC)
    rgba, large = Image.fromarray(soft), Image.fromarray(cv2.resize(soft[:, :, :3], (360, 280)))
    rgb = rgba.convert("RGB")
    sixteen = Image.fromarray(soft[:, :, 0].astype(np.uint16) * 257)
    saved = [
        _saved(rgb, "JPEG", quality=90, exif=_exif(6)),
        _saved(rgb, "JPEG", progressive=True, subsampling=0),
        _saved(rgb, "JPEG", restart_marker_blocks=3),
        _saved(rgb.convert("L"), "JPEG"),
        _saved(rgb.convert("CMYK"), "JPEG"),
        _saved(large, "JPEG", quality=80),
        _saved(large, "JPEG", quality=50, progressive=True, exif=_exif(8)),
        _saved(rgba, "PNG"),
        _saved(rgb, "PNG", exif=_exif(5)),
        _saved(sixteen, "PNG"),
        _saved(rgb.quantize(16), "PNG", transparency=3),
        _saved(rgb.convert("1"), "PNG"),
        _saved(rgb, "WEBP", quality=80),
        _saved(rgba, "WEBP", lossless=True),
        _saved(rgba, "WEBP", exif=_exif(3)),
        _saved(rgb, "WEBP", save_all=True, append_images=[rgb.rotate(90), rgb.rotate(180)]),
        _saved(rgb, "BMP"),
        _saved(rgba, "BMP"),
        _saved(rgb.quantize(200), "BMP"),
        _saved(rgb.convert("1"), "BMP"),
        b"".join([_saved(rgb, "JPEG", quality=30), b"\0" * 64, _saved(rgb, "JPEG", quality=30)]),
    ]
    if cv2.haveImageWriter("photo.avif"):
        saved += [_encoded(".avif", soft[:, :, :3]), _encoded(".avif", soft)]
        if features.check("avif"):
            saved += [
                _saved(rgb, "AVIF", save_all=True, append_images=[rgb.rotate(180)]),
                _saved(rgba, "AVIF", save_all=True, append_images=[rgba.rotate(180)]),
            ]
    with suppress(ImportError):
        saved += _heics(rgb, rgba)
    return [*saved, _encoded(".png", soft.astype(np.uint16) * 257)]


def _heics(rgb: Any, rgba: Any) -> list[bytes]:
    import pillow_heif

    files = [io.BytesIO() for _ in range(3)]
    for file, picture, options in zip(files, (rgb, rgba, rgb), ({}, {}, {"tile_size": 64}), strict=True):
        pillow_heif.from_pillow(picture).save(file, quality=60, **options)
    return [file.getvalue() for file in files]


def _saved(picture: Any, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _encoded(suffix: str, pixels: Any) -> bytes:
    done, encoded = cv2.imencode(suffix, pixels)
    assert done, suffix
    return bytes(encoded)


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def _mutate(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    photo = rng.choice(seeds)
    if rng.random() < 0.3:
        photo = (grammar.with_boxes if photo[4:8] == b"ftyp" else grammar.with_profile)(rng, photo)
        if rng.random() < 0.6:
            return photo
    if rng.random() < 0.4:
        return mutate_bytes(rng, photo, seeds)
    damage = next((damage for magic, damage in _DAMAGES.items() if photo[magic[0] :].startswith(magic[1])), _avif)
    for _ in range(rng.choice((1, 1, 2, 3))):
        photo = damage(rng, photo)
    return mutate_bytes(rng, photo, seeds) if rng.random() < 0.1 else photo


def _rearranged(rng: random.Random, parts: list[bytes], last: int) -> list[bytes]:
    """A part left out, doubled, many times there, or moved."""
    parts, place = list(parts), rng.randrange(last)
    part = parts.pop(place)
    times = rng.choice((0, 1, 2, 300))
    place = rng.randrange(len(parts) + 1) if rng.random() < 0.5 else place
    return parts[:place] + [part] * times + parts[place:]


def _jpeg(rng: random.Random, photo: bytes) -> bytes:
    """Its segments up to the first scan."""
    segments, place = [], 2
    while photo[place : place + 1] == b"\xff" and place + 4 <= len(photo):
        end = place + 2 + int.from_bytes(photo[place + 2 : place + 4], "big")
        segments.append(photo[place:end])
        place = end
        if segments[-1][1:2] == b"\xda":
            break
    if not segments:
        return mutate_bytes(rng, photo)
    kind = rng.randrange(4)
    if kind == 0:
        segments = _rearranged(rng, segments, len(segments))
    elif kind == 1:
        segments.insert(0, _exif_segment(rng))
    else:  # SOF: precision, size, components and their sampling; DQT, DHT, DRI, SOS: everything
        chosen = rng.randrange(len(segments))
        segment = bytearray(segments[chosen])
        for _ in range(rng.choice((1, 1, 3))):
            set_integer(rng, segment, 1 + rng.randrange(min(len(segment), 24)), rng.choice((1, 1, 2)), "big")
        segments[chosen] = bytes(segment)
    return photo[:2] + b"".join(segments) + photo[place:]


def _exif_segment(rng: random.Random) -> bytes:
    """Of edge values: entries that lead anywhere, and directories that lead to themselves."""
    order = rng.choice("<>")
    entries = b"".join(
        struct.pack(order + "HHII", rng.choice((0x0112, edge_value(rng, 2))), rng.choice((3, 4, edge_value(rng, 2))),
                    edge_value(rng, 4), edge_value(rng, 4))
        for _ in range(rng.randint(0, 5))
    )  # fmt: skip
    directory, count = rng.choice((8, 8, edge_value(rng, 4))), rng.choice((len(entries) // 12, edge_value(rng, 2)))
    tiff = (b"II" if order == "<" else b"MM") + struct.pack(order + "HIH", 42, directory, count) + entries
    held = b"Exif\0\0" + tiff + rng.randbytes(rng.randint(0, 20))
    return b"\xff\xe1" + struct.pack(">H", len(held) + 2) + held


def _png(rng: random.Random, photo: bytes) -> bytes:
    """Its chunks, with checksums that are right most often."""
    chunks, place = [], 8
    while place + 12 <= len(photo):
        end = place + 12 + int.from_bytes(photo[place : place + 4], "big")
        chunks.append(photo[place + 4 : end - 4])
        place = end
    if not chunks:
        return mutate_bytes(rng, photo)
    kind = rng.randrange(6)
    if kind == 0:
        chunks = _rearranged(rng, chunks, len(chunks))
    elif kind == 1:
        name = rng.choice((b"tRNS", b"PLTE", b"eXIf", b"gAMA", b"iCCP", b"acTL", b"fcTL", b"sBIT", b"IDAT", b"zzZz"))
        held = _exif_segment(rng)[10:] if name == b"eXIf" else rng.randbytes(rng.choice((0, 1, 2, 6, 26, 768)))
        chunks.insert(rng.randrange(len(chunks) + 1), name + held)
    elif kind == 2:  # a bomb: a small chunk that unpacks to much
        chunks = [b"IDAT" + zlib.compress(bytes(2_000_000)) if chunk[:4] == b"IDAT" else chunk for chunk in chunks]
    else:
        chosen = 0 if rng.random() < 0.6 else rng.randrange(len(chunks))  # IHDR: size, depth, colours, interlacing
        chunk = bytearray(chunks[chosen])
        set_integer(rng, chunk, 4 + rng.randrange(max(1, len(chunk) - 4)), rng.choice((1, 1, 2, 4)), "big")
        chunks[chosen] = bytes(chunk)
    wrong = rng.random() < 0.1
    return photo[:8] + b"".join(
        struct.pack(">I", max(0, len(chunk) - 4)) + chunk + struct.pack(">I", zlib.crc32(chunk) ^ wrong)
        for chunk in chunks
    )


def _webp(rng: random.Random, photo: bytes) -> bytes:
    """Its chunks, in a RIFF of the right length most often."""
    chunks, place = [], 12
    while place + 8 <= len(photo):
        length = int.from_bytes(photo[place + 4 : place + 8], "little")
        chunks.append(photo[place : place + 8 + length + length % 2])
        place += 8 + length + length % 2
    if not chunks:
        return mutate_bytes(rng, photo)
    if rng.random() < 0.3:
        chunks = _rearranged(rng, chunks, len(chunks))
    else:
        chosen = rng.randrange(len(chunks))
        chunk = bytearray(chunks[chosen])
        start = 4 if rng.random() < 0.2 else 8
        set_integer(rng, chunk, start + rng.randrange(min(max(1, len(chunk) - start), 24)), rng.choice((1, 2, 3, 4)))
        chunks[chosen] = bytes(chunk)
    body = b"WEBP" + b"".join(chunks)
    length = edge_value(rng, 4) if rng.random() < 0.1 else len(body)
    return b"RIFF" + struct.pack("<I", length) + body


def _bmp(rng: random.Random, photo: bytes) -> bytes:
    """Its two headers and its palette."""
    changed = bytearray(photo)
    offset, width = rng.choice(((10, 4), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2), (30, 4), (34, 4), (46, 4)))
    set_integer(rng, changed, offset, width)
    if rng.random() < 0.3:
        set_integer(rng, changed, 54 + rng.randrange(64), 4)
    return bytes(changed)


def _avif(rng: random.Random, photo: bytes) -> bytes:
    """The boxes that describe it: sizes, places, properties."""
    changed = bytearray(photo)
    names = [place for name in (b"ispe", b"iloc", b"ipma", b"pixi", b"av1C", b"iinf", b"meta", b"colr", b"pitm")
             if (place := photo.find(name)) >= 0]  # fmt: skip
    start = rng.choice(names or [0]) - rng.choice((4, 0, 0, 0))
    set_integer(rng, changed, start + rng.choice((0, 4)) + rng.randrange(24), rng.choice((1, 2, 4)), "big")
    return bytes(changed)


_DAMAGES: dict[tuple[int, bytes], Callable[[random.Random, bytes], bytes]] = {
    (0, b"\xff\xd8"): _jpeg,
    (0, b"\x89PNG"): _png,
    (0, b"RIFF"): _webp,
    (0, b"BM"): _bmp,
    (4, b"ftyp"): _avif,
}


def _run(case: bytes) -> None:
    """One in three in full, the others as a model of 16 px takes them, from bytes or a file."""
    way = zlib.crc32(case) % 3
    if way == 0:
        photo = load_photo(case, limits=_LIMITS)
        assert photo.shape[0] * photo.shape[1] <= _LIMITS.max_pixels, f"{photo.shape} of at most 1 megapixel"
    else:
        photo = load_resized(case if way == 1 else io.BytesIO(case), 16, limits=_LIMITS)
        assert photo.shape == (16, 16, 3), photo.shape
    assert photo.dtype == np.uint8 and photo.ndim == 3 and photo.shape[2] == 3 and photo.size, photo.shape


TARGET = Target(
    error=PhotoError,
    memory_bytes=_BYTES_PER_PIXEL * _LIMITS.max_pixels + 8 * 2**20,
    seeds=_seeds,
    mutate=_mutate,
    run=_run,
)
