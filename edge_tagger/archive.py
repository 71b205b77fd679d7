"""The zip archive behind the flatbuffer of a `.tflite`, where TFLite Metadata keeps its associated files.

Files come from strangers: nothing is unpacked that was not asked for, nor beyond a limit. The standard library's
zipfile reads as many entries as there are, and importing it alone takes 8 ms of about 200 to the first tags. Format:
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16; no zip64, for a
flatbuffer ends at 2 GiB.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

MAX_FILES = 1_000
MAX_FILE_BYTES = 16 * 2**20
MAX_ARCHIVE_BYTES = 64 * 2**20
_LOCAL = struct.Struct("<4s22xHH")  # mark; lengths of name and extra
_ENTRY = struct.Struct("<4s4xHH4xIIIHHH8xI")  # mark, flags, method, crc, sizes; lengths of three texts; place
_END = struct.Struct("<4s6xHIIH")  # mark, number of entries, size and place of the directory, length of the comment
_ENCRYPTED, _UTF8 = 0x1, 0x800
_STORED, _DEFLATED = 0, 8


@dataclass(frozen=True)
class _Entry:
    name: str
    flags: int
    method: int
    crc32: int
    packed_bytes: int
    size_bytes: int
    place: int


def split_model(data: bytes) -> tuple[bytes, bytes]:
    """A `.tflite` as (flatbuffer, archive behind it); the archive is empty where there is none."""
    size_bytes = flatbuffer_bytes(data)
    return data[:size_bytes], data[size_bytes:]


def flatbuffer_bytes(data: bytes) -> int:
    """The size of what stands before the archive, in bytes."""
    try:
        return min((entry.place for entry in _directory(data)), default=len(data))
    except ValueError:
        return len(data)


def associated_files(data: bytes) -> dict[str, bytes]:
    """Name -> content of the files packed behind the flatbuffer of a `.tflite`, in memory, whatever their names.

    Files over 16 MiB are left out, and those after the first 64 MiB. Empty where the archive is damaged, encrypted, or
    has more than 1,000 files; of two with one name the later counts, as in zipfile.
    """
    files: dict[str, bytes] = {}
    left = MAX_ARCHIVE_BYTES
    try:
        for entry in _directory(data):
            if entry.size_bytes <= min(MAX_FILE_BYTES, left):
                files[entry.name] = _unpack(data, entry)
                left -= entry.size_bytes
    except (ValueError, zlib.error):
        return {}
    return files


def _directory(data: bytes) -> list[_Entry]:
    """The entries of the archive, or none where there is no archive. Raises ValueError where it is damaged."""
    end = data.rfind(b"PK\5\6", max(0, len(data) - _END.size - 0xFFFF))
    if end < 0 or end + _END.size > len(data):
        return []
    _, count, size_bytes, place, _ = _END.unpack_from(data, end)
    start = end - size_bytes
    shift = start - place  # not 0 where a whole archive was appended: its places count from its own start
    if min(start, shift) < 0 or count > MAX_FILES:
        raise ValueError("a directory that is not where it should be, or too long")
    entries = []
    for _ in range(count):
        if start + _ENTRY.size > end:
            raise ValueError("a directory that is shorter than it says")
        mark, flags, method, crc32, packed_bytes, unpacked_bytes, *lengths, header = _ENTRY.unpack_from(data, start)
        text, start = start + _ENTRY.size, start + _ENTRY.size + sum(lengths)
        if mark != b"PK\1\2" or start > end or header + shift + _LOCAL.size > end:
            raise ValueError("a damaged entry")
        name = data[text : text + lengths[0]]
        encoding = "utf-8" if flags & _UTF8 or name.isascii() else "cp437"  # which takes a while to load
        entries.append(
            _Entry(name.decode(encoding), flags, method, crc32, packed_bytes, unpacked_bytes, header + shift)
        )
    return entries


def _unpack(data: bytes, entry: _Entry) -> bytes:
    """Raises ValueError or zlib.error where the entry is not what the directory says of it."""
    mark, *lengths = _LOCAL.unpack_from(data, entry.place)
    start = entry.place + _LOCAL.size + sum(lengths)
    packed = data[start : start + entry.packed_bytes]
    if mark != b"PK\3\4" or entry.flags & _ENCRYPTED or entry.method not in (_STORED, _DEFLATED):
        raise ValueError("an entry of a kind that is not read")
    content = packed
    if entry.method == _DEFLATED:
        content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, entry.size_bytes + 1)
    if len(content) != entry.size_bytes or zlib.crc32(content) != entry.crc32:
        raise ValueError("an entry that is not what the directory says")
    return content
