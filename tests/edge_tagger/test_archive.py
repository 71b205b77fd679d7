from __future__ import annotations

import random
import struct
import tracemalloc
import zipfile
from io import BytesIO

import pytest

from edge_tagger.archive import MAX_FILES, associated_files, flatbuffer_bytes, split_model

FLATBUFFER = b"\x1c\0\0\0TFL3" + bytes(range(200))


def packed(files: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED, before: bytes = FLATBUFFER) -> bytearray:
    buffer = BytesIO(before)
    buffer.seek(0, 2)
    with zipfile.ZipFile(buffer, "a", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return bytearray(buffer.getvalue())


def bomb(sizes: list[int]) -> bytearray:
    """Files of zeros, a thousandth of their size."""
    return packed([(f"{place}.txt", bytes(size)) for place, size in enumerate(sizes)], zipfile.ZIP_DEFLATED)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_zipfile_writes_is_read(method: int) -> None:
    files = [("labels.txt", b"a\nb\n"), ("größe.json", b"{}"), ("empty", b""), ("../../etc/x", b"stays in memory")]
    data = bytes(packed(files, method))
    assert associated_files(data) == dict(files)
    assert split_model(data) == (FLATBUFFER, data[len(FLATBUFFER) :])


def test_an_archive_that_was_appended_whole_is_read() -> None:
    """Its places count from its own start, as after `cat model.tflite files.zip`."""
    data = FLATBUFFER + bytes(packed([("a", b"1"), ("b", b"2")], before=b""))
    assert associated_files(data) == {"a": b"1", "b": b"2"} and flatbuffer_bytes(data) == len(FLATBUFFER)


@pytest.mark.parametrize("data", [b"", FLATBUFFER, b"PK\5\6", FLATBUFFER + b"PK\5\6" + bytes(17)])
def test_where_there_is_no_archive_all_is_flatbuffer(data: bytes) -> None:
    assert associated_files(data) == {} and split_model(data) == (data, b"")


def test_what_is_read_of_a_bomb_is_bounded() -> None:
    assert len(associated_files(bytes(bomb([15 * 2**20] * 6)))) == 4
    assert associated_files(bytes(bomb([17 * 2**20]))) == {}
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = packed([("a", b"1"), ("a", b"2")])
    assert associated_files(bytes(twice)) == {"a": b"2"}


def test_a_file_that_lies_about_its_size_is_not_unpacked() -> None:
    data = bomb([100 * 2**20])
    struct.pack_into("<I", data, data.rindex(b"PK\1\2") + 24, 5)  # the size in the central directory
    tracemalloc.start()
    try:
        assert associated_files(bytes(data)) == {}
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()


def test_files_that_share_their_bytes_stay_within_the_limit() -> None:
    """A thousand entries of one 15 MiB file: a bomb without depth."""
    data = bomb([15 * 2**20, 1])
    directory = data.index(b"PK\1\2")
    first = bytes(data[directory : data.index(b"PK\1\2", directory + 4)])
    entries = b"".join(first[:-5] + f"{place:03}xx".encode() for place in range(1000))
    end = struct.pack("<4s4xHHIIH", b"PK\5\6", 1000, 1000, len(entries), directory, 0)
    assert len(associated_files(bytes(data[:directory] + entries + end))) == 4


@pytest.mark.parametrize(
    ("offset", "layout", "value"),
    [
        (8, "<H", 0x1),  # encrypted
        (10, "<H", 12),  # bzip2
        (16, "<I", 1),  # crc32
        (20, "<I", 0xFFFFFFFF),  # zip64
        (42, "<I", 10**6),  # place
        (0, "<I", 0),  # mark
        (28, "<H", 0xFFFF),  # length of the name
    ],
)
def test_an_entry_of_another_kind_gives_nothing(offset: int, layout: str, value: int) -> None:
    data = packed([("a", b"1")])
    struct.pack_into(layout, data, data.rindex(b"PK\1\2") + offset, value)
    assert associated_files(bytes(data)) == {}


def test_too_many_files_are_none() -> None:
    assert len(associated_files(bytes(packed([(str(place), b"") for place in range(MAX_FILES)])))) == MAX_FILES
    assert associated_files(bytes(packed([(str(place), b"") for place in range(MAX_FILES + 1)]))) == {}


def test_damage_anywhere_is_no_crash_and_nothing_wrong_is_read() -> None:
    files = [("labels.txt", b"a\nb\n" * 20), ("edge_tagger.json", b"{}" * 30)]
    whole, known, generator = packed(files, zipfile.ZIP_DEFLATED), {content for _, content in files}, random.Random(0)
    for place in range(len(whole)):
        assert set(associated_files(bytes(whole[:place])).values()) <= known
    for _ in range(3000):
        damaged = bytearray(whole)
        for _ in range(generator.randint(1, 8)):
            damaged[generator.randrange(len(FLATBUFFER), len(whole))] = generator.randrange(256)
        found = associated_files(bytes(damaged))
        assert set(found.values()) <= known or b"" in found.values()  # the crc32 tells every other change
        assert 0 <= flatbuffer_bytes(bytes(damaged)) <= len(damaged)
