"""The zip archive behind a `.tflite`, looked at as if it came from an enemy.

The central directory is judged first. Only an archive without a problem is unpacked, into memory, each file up to the
size that it declares.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

MAX_FILES = 256
MAX_FILE_BYTES = 16 * 2**20  # what edge_tagger.manifest reads at most
MAX_TOTAL_BYTES = 64 * 2**20
# Label files and JSON shrink to a tenth, no text of use to a hundredth; deflate's bound is 1032.
MAX_RATIO = 100
_MAX_NAME_CHARACTERS = 255
_LOCAL_HEADER_BYTES = 30
_BAD_NAME = re.compile(r"[\x00-\x1f\x7f\\]|^/|^[A-Za-z]:|(^|/)\.{1,2}(/|$)|^$")
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ValueError,
    OSError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    EOFError,
)


@dataclass(frozen=True)
class Archive:
    """`files`: name -> content, empty where there are `problems`; `compressed`: the names that are not stored."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    compressed: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def read_archive(data: bytes) -> Archive:
    """The archive behind a `.tflite`, an empty one where there is none. A bad one raises nothing, it has `problems`."""
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return Archive()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            problems = tuple(_problems(entries))
            if problems:
                return Archive(problems=problems)
            files = {entry.filename: _content(archive, entry) for entry in entries if not entry.is_dir()}
    except _BROKEN as error:
        return Archive(problems=(f"it cannot be read ({error})",))
    compressed = tuple(entry.filename for entry in entries if entry.compress_type != zipfile.ZIP_STORED)
    return Archive(files, compressed)


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    # read() without a number unpacks the whole stream, however long, before it cuts it to the declared size.
    with archive.open(entry) as file:
        return file.read(entry.file_size + 1)


def _problems(entries: list[zipfile.ZipInfo]) -> Iterator[str]:
    if len(entries) > MAX_FILES:
        yield f"it lists {len(entries)} files, over {MAX_FILES}"
        return
    for entry in entries:
        yield from (f"{entry.orig_filename!r} {what}" for what in _problems_of(entry))
    total = sum(entry.file_size for entry in entries)
    if total > MAX_TOTAL_BYTES:
        yield f"it unpacks to {total} bytes, over {MAX_TOTAL_BYTES}"
    twice = [name for name, count in Counter(entry.filename for entry in entries).items() if count > 1]
    yield from (f"{name!r} is listed twice, so readers see different files" for name in twice)
    placed = sorted(entries, key=lambda entry: entry.header_offset)
    for entry, following in pairwise(placed):
        end = entry.header_offset + _LOCAL_HEADER_BYTES + len(entry.orig_filename) + entry.compress_size
        if end > following.header_offset:
            yield f"{entry.orig_filename!r} and {following.orig_filename!r} share bytes, as in a zip bomb"


def _problems_of(entry: zipfile.ZipInfo) -> Iterator[str]:
    name, packed, unpacked = entry.orig_filename, entry.compress_size, entry.file_size
    if _BAD_NAME.search(name) or len(name) > _MAX_NAME_CHARACTERS:
        yield "is no plain name inside the archive (a path that leaves it, a control character, or too long)"
    if stat.S_ISLNK(entry.external_attr >> 16):
        yield "is a symbolic link"
    if entry.flag_bits & 1:
        yield "is encrypted"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        yield f"is compressed by method {entry.compress_type}, not stored or deflated"
    if unpacked > MAX_FILE_BYTES:
        yield f"unpacks to {unpacked} bytes, over {MAX_FILE_BYTES}"
    elif unpacked > MAX_RATIO * max(packed, 1):
        yield f"unpacks from {packed} to {unpacked} bytes, over {MAX_RATIO} times"
    if entry.compress_type == zipfile.ZIP_STORED and packed != unpacked:
        yield f"is stored in {packed} bytes but declares {unpacked}"
