"""Photos that are the same file, or look the same: sha256 of the bytes and a perceptual hash of the picture.

The hash is pHash (Christoph Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010): the
photo as 64x64 grey pixels, its discrete cosine transform, and for each of the lowest 16x16 frequencies whether it lies
above their median. 256 bits and not the usual 64, which white backgrounds fill with agreement: among 7,804 product
photos in 4,986 known groups of look-alikes, 64 bits within a distance of 2 joined 1,681 pairs of different groups.

NEAR_BITS was set on the same photos (30.4 million pairs of different groups) and on changed copies of 301 of them:

    bits apart  pairs joined  of different groups  largest chain
    0..12                111                    4              3
    0..16                132                   10              3
    0..20                213                   47             16
    0..24                408                  135             29

The 10 pairs at 16 are one product in two colours, or one model in two shirts; from 20 on, any two men in shirts. Within
16 bits lie all copies saved as JPEG of quality 50, halved, doubled, blurred (sigma 1.5) or turned grey, 98% of those
20 levels brighter, 73% of those turned by 1 degree, 69% of those that lost 1% at each edge, and 4% of those that lost
2%. Mirrored copies are not found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_tagger.errors import PhotoError
from edge_tagger.images import load_photo
from edge_tagger.progress import Progress

NEAR_BITS = 16
_SIDE, _LOW = 64, 16
_WORDS = _LOW * _LOW // 64
# Grey levels. Under it a picture has no structure to compare, and its hash would be noise.
_MIN_STD = 1.0
_ROWS, _COLUMNS = 256, 4096
_POPCOUNT16 = np.array([bin(value).count("1") for value in range(1 << 16)], dtype=np.uint8)

Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Fingerprint:
    """sha256 of the file's bytes (32 bytes) and perceptual hash of the picture (256 bits in 32 bytes)."""

    sha256: bytes
    bits: bytes


def fingerprint(path: Path) -> Fingerprint:
    """The fingerprint of one photo. Raises PhotoError where it is missing or cannot be decoded.

    A photo without structure (a plain colour) takes its sha256 for bits, so that only its exact copies are like it.
    """
    pixels = load_photo(path)
    try:
        digest = hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        raise PhotoError(f"cannot read {path}: {error.strerror}") from error
    return Fingerprint(digest, perceptual_bits(pixels) or digest)


def perceptual_bits(pixels: NDArray[np.uint8]) -> bytes | None:
    """The 256 bits of a photo (uint8 [height, width, 3], RGB), or None for one without structure."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    if small.std() < _MIN_STD:
        return None
    low = cv2.dct(small)[:_LOW, :_LOW]
    return np.packbits(low > np.median(low)).tobytes()


def fingerprints(paths: Sequence[Path]) -> list[Fingerprint | PhotoError]:
    """The fingerprint of each photo, or the error that it gave. Decodes on all cores and shows progress."""

    def one(path: Path) -> Fingerprint | PhotoError:
        try:
            return fingerprint(path)
        except PhotoError as error:
            return error

    found = []
    with ThreadPoolExecutor() as pool, Progress(len(paths), "looking at photos", unit="photo") as progress:
        for result in pool.map(one, paths):
            found.append(result)
            progress.update()
    return found


def groups(prints: Sequence[Fingerprint], *, near_bits: int = NEAR_BITS) -> NDArray[np.intp]:
    """int [n]: the group of each photo, numbered in order of first appearance.

    Two photos share a group where they are the same file, where at most `near_bits` bits of their hashes differ, or
    where a chain of such photos joins them.
    """
    if not prints:
        return np.zeros(0, dtype=np.intp)
    hashes = np.frombuffer(b"".join(p.bits for p in prints), dtype=np.uint64).reshape(len(prints), _WORDS)
    # Each hash once: ten thousand copies of one placeholder picture would give 50 million pairs.
    unique, which = np.unique(hashes, axis=0, return_inverse=True)
    parents = list(range(len(unique)))
    for first, second in near_pairs(unique, near_bits):
        join(parents, first, second)
    return numbered([find(parents, place) for place in which.ravel().tolist()])


def near_pairs(hashes: Words, near_bits: int) -> Iterator[tuple[int, int]]:
    """Places (i, j), i < j, of hashes (uint64 [n, 4]) that differ in at most `near_bits` bits.

    All pairs in blocks of 256 by 4096, so that memory stays flat. The last of the four words (the highest
    frequencies, which differ most) is compared first; the others only where it is close enough.
    """
    count = len(hashes)
    with Progress(count, "comparing photos", unit="photo") as progress:
        for row in range(0, count, _ROWS):
            rows = hashes[row : row + _ROWS]
            for column in range(row, count, _COLUMNS):
                columns = hashes[column : column + _COLUMNS]
                i, j = np.nonzero(_ones(rows[:, None, -1] ^ columns[None, :, -1]) <= near_bits)
                i, j = i[i + row < j + column], j[i + row < j + column]
                close = _ones(rows[i] ^ columns[j]).sum(axis=1, dtype=np.int64) <= near_bits
                yield from zip((i[close] + row).tolist(), (j[close] + column).tolist(), strict=True)
            progress.update(len(rows))


def find(parents: list[int], place: int) -> int:
    """The root of `place` in a union-find forest, halving the path on the way."""
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = parents[place]
    return place


def join(parents: list[int], first: int, second: int) -> None:
    """Put two places of a union-find forest under one root, the smaller."""
    low, high = sorted((find(parents, first), find(parents, second)))
    parents[high] = low


def numbered(names: Sequence[object]) -> NDArray[np.intp]:
    """int [n]: each name as a number, in order of first appearance."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.intp)


def _ones(words: Words) -> NDArray[np.uint8]:
    """How many bits are set in each word. numpy before 2.0 has no bitwise_count."""
    if hasattr(np, "bitwise_count"):
        return np.asarray(np.bitwise_count(words), dtype=np.uint8)
    halves = np.ascontiguousarray(words).view(np.uint16).reshape(*words.shape, 4)
    return np.asarray(_POPCOUNT16[halves].sum(axis=-1), dtype=np.uint8)
