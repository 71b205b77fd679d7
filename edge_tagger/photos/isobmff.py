"""The boxes of AVIF and HEIF: where their pictures lie. Sources: ISO/IEC 14496-12 and 23008-12."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_MAX_BOXES = 100_000
_MAX_DEPTH = 8
# Boxes that hold boxes -> bytes before the first of them
_HOLDERS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0}


@dataclass(frozen=True)
class Box:
    """`start` and `end` of what it holds, in the file; `path`: its own type after those of the boxes around it."""

    path: tuple[bytes, ...]
    start: int
    end: int
    holder: int = 0  # where the box around it begins

    @property
    def kind(self) -> bytes:
        """Four bytes."""
        return self.path[-1]


def boxes(data: bytes) -> list[Box]:
    """Every box of a file, outer ones first. Raises ValueError for more than can be meant, or one that has no end."""
    found: list[Box] = []
    todo: list[tuple[tuple[bytes, ...], int, int]] = [((), 0, len(data))]
    while todo:
        path, place, end = todo.pop(0)
        holder = place
        while place + 8 <= end:
            length, kind = struct.unpack_from(">I4s", data, place)
            start = place + 8
            if length == 1:
                (length,) = struct.unpack_from(">Q", data, start)
                start += 8
            stop = end if length == 0 else place + length
            if stop < start or (stop > end and kind != b"mdat"):
                raise ValueError("is cut off (a box has no end)")
            found.append(Box((*path, kind), start, min(stop, end), holder))
            if len(found) > _MAX_BOXES:
                raise ValueError("has too many parts")
            if kind in _HOLDERS and len(path) < _MAX_DEPTH:
                todo.append(((*path, kind), start + _HOLDERS[kind], stop))
            place = stop
    return found


def items(data: bytes, found: list[Box]) -> Iterator[tuple[bytes, bytes]]:
    """(type, content) of each item that the file describes, whichever is shown."""
    kinds: dict[int, set[bytes]] = {}
    inner = next((box.start for box in found if box.path == (b"meta", b"idat")), 0)
    for box in found:
        if box.path == (b"meta", b"iinf"):
            for item, kind in _kinds(data, box):
                kinds.setdefault(item, set()).add(kind)
    for box in found:
        if box.path == (b"meta", b"iloc"):
            for item, content in _contents(data, box, inner):
                for kind in sorted(kinds.get(item, ())):
                    yield kind, content


def _kinds(data: bytes, iinf: Box) -> Iterator[tuple[int, bytes]]:
    place = iinf.start + (6 if data[iinf.start] == 0 else 8)
    while place + 20 <= iinf.end:
        length, _, version = struct.unpack_from(">I4sB", data, place)
        wide = version >= 3
        (item,) = struct.unpack_from(">I" if wide else ">H", data, place + 12)
        at = place + (18 if wide else 16)
        yield item, data[at : at + 4]
        if length < 12:
            raise ValueError("has an item without a length")
        place += length


def _contents(data: bytes, iloc: Box, inner: int) -> Iterator[tuple[int, bytes]]:
    version = data[iloc.start]
    place = iloc.start + 4
    sizes, more = data[place], data[place + 1]
    place += 2
    id_bytes = 4 if version == 2 else 2
    widths = (sizes >> 4, sizes & 15, more >> 4, more & 15 if version in (1, 2) else 0)
    offset_bytes, length_bytes, base_bytes, index_bytes = widths

    def take(count: int) -> int:
        nonlocal place
        if place + count > iloc.end:
            raise ValueError("is cut off in its header")
        place += count
        return int.from_bytes(data[place - count : place], "big")

    for _ in range(take(id_bytes)):
        item = take(id_bytes)
        method = take(2) & 15 if version in (1, 2) else 0
        take(2)  # in which file
        if method > 1:
            raise ValueError("lays one picture inside another")
        base = take(base_bytes) + (inner if method == 1 else 0)
        parts, size_bytes = [], 0
        for _ in range(take(2)):
            take(index_bytes)
            offset, length = base + take(offset_bytes), take(length_bytes)
            parts.append(data[offset : offset + length if length else len(data)])
            size_bytes += len(parts[-1])
            if size_bytes > len(data):
                raise ValueError("has an item that is larger than the file")
        yield item, b"".join(parts)


def first_samples(data: bytes, found: list[Box]) -> Iterator[tuple[bytes, bytes]]:
    """(description, first sample) of each track. Raises ValueError where one has two tables of a kind."""
    tracks: dict[int, dict[bytes, Box]] = {}
    for box in found:
        if b"stbl" in box.path[:-1]:
            tables = tracks.setdefault(box.holder, {})
            if box.kind in tables and box.kind in (b"stsd", b"stsz", b"stco", b"co64"):
                raise ValueError("has two tables for one track")
            tables[box.kind] = box
    for tables in tracks.values():
        yield from _first_sample(data, tables)


def _first_sample(data: bytes, tables: dict[bytes, Box]) -> Iterator[tuple[bytes, bytes]]:
    stsd, stsz = tables.get(b"stsd"), tables.get(b"stsz")
    places = tables.get(b"stco") or tables.get(b"co64")
    if stsd is None:
        return
    description = data[stsd.start + 8 : stsd.end]
    sample = b""
    if stsz is not None and places is not None and places.end - places.start > 8:
        same, count = struct.unpack_from(">II", data, stsz.start + 4)
        size = same or (struct.unpack_from(">I", data, stsz.start + 12)[0] if count else 0)
        (place,) = struct.unpack_from(">Q" if places.kind == b"co64" else ">I", data, places.start + 8)
        sample = data[place : place + size]
    yield description, sample
