"""Ways to damage bytes. Each case makes its own generator, so that its number alone gives it again."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_EDGES = (0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def generator(seed: int, target: str, case: int) -> random.Random:
    """A text as seed gives the same numbers in every process and version of Python."""
    return random.Random(f"{seed} {target} {case}")


def edge_value(rng: random.Random, width: int) -> int:
    """An integer of `width` bytes near a border of its range, or any."""
    if rng.random() < 0.3:
        return rng.getrandbits(8 * rng.randint(1, width))
    return int(rng.choice(_EDGES) % 2 ** (8 * width))


def set_integer(rng: random.Random, data: bytearray, place: int, width: int, order: str = "little") -> None:
    """Put an edge value there, or move what stands there by a little. Nothing happens beyond the end."""
    if place < 0 or place + width > len(data):
        return
    value = edge_value(rng, width)
    if rng.random() < 0.25:
        here = int.from_bytes(data[place : place + width], "little" if order == "little" else "big")
        value = (here + rng.choice((-4, -1, 1, 4))) % 2 ** (8 * width)
    data[place : place + width] = value.to_bytes(width, "little" if order == "little" else "big")


def mutate_bytes(rng: random.Random, data: bytes, others: Sequence[bytes] = (b"",)) -> bytes:
    """One to four damages of any kind, without knowing what the bytes mean."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        data = rng.choice(_DAMAGES)(rng, data, others)
    return data


def _span(rng: random.Random, data: bytes) -> tuple[int, int]:
    """Of any length, short ones most often."""
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.randint(0, 2 ** rng.randint(0, max(1, len(data).bit_length()))))


def _flip(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(min(len(data), rng.choice((1, 1, 3, 20)))):
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _set(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        order = rng.choice(("little", "big"))
        set_integer(rng, changed, rng.randrange(len(data) + 1), rng.choice((1, 2, 4, 8)), order)
    return bytes(changed)


def _cut(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _remove(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _span(rng, data)
    return data[:start] + data[end:]


def _repeat(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _span(rng, data)
    return data[:end] + data[start:end] * rng.choice((1, 1, 1, 10)) + data[end:]


def _zero(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _span(rng, data)
    return data[:start] + bytes([rng.choice((0, 0, 0xFF))]) * (end - start) + data[end:]


def _insert(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.randbytes(rng.randint(1, 64)) + data[place:]


def _splice(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """The head of one and the tail of another, or a piece of another inside."""
    other = rng.choice(others)
    start, end = _span(rng, other)
    place = rng.randrange(len(data) + 1)
    return data[:place] + (other[start:] if rng.random() < 0.5 else other[start:end] + data[place:])


_DAMAGES: tuple[Callable[[random.Random, bytes, Sequence[bytes]], bytes], ...] = (
    _flip,
    _set,
    _cut,
    _remove,
    _repeat,
    _zero,
    _insert,
    _splice,
)
