"""The sizes that an AVIF's or HEIF's coded pictures have, whatever the boxes around them say.

A decoder unpacks what the coded picture says: 4 kB that call themselves 16x16 pixels can be 16000x16000. Sources: the
AV1 specification, 5.5 (sequence header), and ITU-T H.265, 7.3.2.2 (SPS).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from edge_tagger.photos.isobmff import Box, boxes, first_samples, items

_MAX_UNITS = 10_000
Size = tuple[int, int]


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("is cut off in its picture")
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def exponential(self) -> int:
        """An unsigned Exp-Golomb code, as both standards have it."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise ValueError("has a damaged picture")
        return (1 << zeros) - 1 + self.take(zeros)


def coded_sizes(data: bytes) -> list[Size]:
    """(width, height) in pixels of every coded picture, canvas and track that a file holds, alpha and tiles too.

    Raises ValueError for a picture that says no size, and struct.error or IndexError for boxes that are cut off.
    """
    found = boxes(data)
    sizes = [size for box in found for size in _described(data, box)]
    for kind, content in items(data, found):
        if kind == b"av01":
            sizes += _told(_av1(content))
        elif kind in (b"hvc1", b"hev1"):
            sizes += _hevc_stream(content)
        elif kind in (b"grid", b"iovl"):
            sizes.append(_canvas(kind, content))
    for description, sample in first_samples(data, found):
        sizes.append(struct.unpack_from(">HH", description, 32))
        if b"av01" in description:  # whichever of its entries counts
            sizes += _told(_av1(sample))
        if b"hvcC" in description:
            configuration = description[description.index(b"hvcC") + 4 :]
            sizes += _told([*_hevc_configuration(configuration), *_hevc_stream(sample)])
    return sizes


def _told(sizes: list[Size]) -> list[Size]:
    if not sizes:
        raise ValueError("has a picture that tells no size")
    return sizes


def _described(data: bytes, box: Box) -> Iterator[Size]:
    if box.kind == b"ispe":
        yield struct.unpack_from(">II", data, box.start + 4)
    elif box.kind == b"tkhd":
        width, height = struct.unpack_from(">II", data, box.end - 8)
        yield width >> 16, height >> 16
    elif box.kind == b"av1C":
        yield from _av1(data[box.start + 4 : box.end])
    elif box.kind == b"hvcC":
        yield from _told(_hevc_configuration(data[box.start : box.end]))


def _canvas(kind: bytes, content: bytes) -> Size:
    """Of a picture that is made of others."""
    place = 4 if kind == b"grid" else 10
    width, height = struct.unpack_from(">II" if content[1] & 1 else ">HH", content, place)
    return width, height


def _av1(data: bytes) -> list[Size]:
    """Of each sequence header."""
    sizes: list[Size] = []
    place = 0
    for _ in range(_MAX_UNITS):
        if place >= len(data):
            return sizes
        head = data[place]
        place += 2 if head & 4 else 1
        length = len(data) - place
        if head & 2:
            length, place = _leb128(data, place)
        if head >> 3 & 15 == 1:
            sizes.append(_av1_sequence(data[place : place + min(length, 1000)]))
        place += length
    raise ValueError("has too many parts")


def _leb128(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 56, 7):
        value |= (data[place] & 127) << shift
        place += 1
        if data[place - 1] < 128:
            break
    return value, place


def _av1_sequence(data: bytes) -> Size:
    bits = _Bits(data)
    bits.take(4)
    if bits.take(1):  # reduced, for still pictures
        bits.take(5)
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return _bound(width_bits, bits.take(width_bits)), _bound(height_bits, bits.take(height_bits))


def _bound(bits: int, largest: int) -> int:
    """A frame may give a size of its own in as many bits: encoders take no more than the largest needs."""
    return largest + 1 if bits <= max(1, largest.bit_length()) else 1 << bits


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = 0
    if bits.take(1):  # timing
        bits.take(64)
        if bits.take(1):
            bits.exponential()
        if bits.take(1):  # decoder model
            delay_bits = bits.take(5) + 1
            bits.take(42)
    has_delays = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if has_delays and bits.take(1):
            bits.take(4)


def _hevc_configuration(data: bytes) -> list[Size]:
    """Of each SPS in an hvcC."""
    sizes: list[Size] = []
    if len(data) < 23:
        return sizes
    if data[21] & 3 != 3:
        raise ValueError("has units whose lengths do not have 4 bytes")
    place = 23
    for _ in range(data[22]):
        (count,) = struct.unpack_from(">H", data, place + 1)
        place += 3
        for _ in range(count):
            (length,) = struct.unpack_from(">H", data, place)
            sizes += _hevc_unit(data[place + 2 : place + 2 + length])
            place += 2 + length
    return sizes


def _hevc_stream(data: bytes) -> list[Size]:
    """Of each SPS among an item's units, which lie behind lengths of 4 bytes. Most often there is none."""
    sizes: list[Size] = []
    place = 0
    for _ in range(_MAX_UNITS):
        if place + 4 > len(data):
            return sizes
        (length,) = struct.unpack_from(">I", data, place)
        sizes += _hevc_unit(data[place + 4 : place + 4 + min(length, 1000)])
        place += 4 + length
    raise ValueError("has too many parts")


def _hevc_unit(unit: bytes) -> list[Size]:
    if len(unit) < 3 or unit[0] >> 1 & 63 != 33:
        return []
    bits = _Bits(unit[2:1000].replace(b"\0\0\3", b"\0\0"))
    bits.take(4)
    layers = bits.take(3)
    bits.take(1 + 96)
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
    bits.exponential()
    if bits.exponential() == 3:
        bits.take(1)
    width = bits.exponential()
    return [(width, bits.exponential())]
