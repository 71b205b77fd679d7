"""Hostile archives: named for what they are, and never unpacked."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Callable

import pytest

from edge_tagger.convert.check import archive as module
from edge_tagger.convert.check.archive import read_archive

ZEROS = bytes(2**20)


def packed(files: dict[str, bytes], *, compression: int = zipfile.ZIP_STORED, twice: bool = False) -> bytes:
    whole = io.BytesIO(b"\0\0\0\0TFL3" + bytes(100))
    whole.seek(0, io.SEEK_END)
    with warnings.catch_warnings(), zipfile.ZipFile(whole, "a", compression) as archive:
        warnings.simplefilter("ignore")
        for name, content in [*files.items()] * (2 if twice else 1):
            archive.writestr(name, content)
    return whole.getvalue()


def central(data: bytes, offset: int, form: str, value: int) -> bytes:
    """`data` with one field of the first central header set."""
    place = data.index(b"PK\x01\x02") + offset
    return data[:place] + struct.pack(form, value) + data[place + struct.calcsize(form) :]


def linked() -> bytes:
    return central(packed({"link": b"/etc/passwd"}), 38, "<I", 0o120777 << 16)


def overlapping() -> bytes:
    """The second entry points into the first one's bytes."""
    data = packed({"a": bytes(200), "b": b"x"})
    second = data.rindex(b"PK\x01\x02") + 42
    return data[:second] + struct.pack("<I", data.index(b"PK\x03\x04") + 50) + data[second + 4 :]


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "a path upwards": (lambda: packed({"../../evil": b"x"}), "'../../evil' is no plain name"),
    "an absolute path": (lambda: packed({"/etc/cron.d/evil": b"x"}), "no plain name"),
    "a path of Windows": (lambda: packed({"C:evil": b"x", "a\\b": b"x"}), "no plain name"),
    "a control character": (lambda: packed({"a\x1b[2J": b"x"}), "no plain name"),
    "a long name": (lambda: packed({"a" * 300: b"x"}), "no plain name"),
    "a link": (linked, "symbolic link"),
    "an encrypted file": (lambda: central(packed({"a": b"x"}), 8, "<H", 1), "encrypted"),
    "another compression": (lambda: central(packed({"a": b"x"}), 10, "<H", 99), "compressed by method 99"),
    "a bomb": (lambda: packed({"a": ZEROS}, compression=zipfile.ZIP_DEFLATED), "over 100 times"),
    "a big file": (lambda: central(packed({"a": b"x"}), 24, "<I", 2**31), "unpacks to 2147483648 bytes"),
    "a stored file that grows": (lambda: central(packed({"a": b"xx"}), 24, "<I", 90), "in 2 bytes but declares 90"),
    "many files": (lambda: packed({f"f{n}": b"" for n in range(300)}), "lists 300 files"),
    "a name listed twice": (lambda: packed({"a": b"x"}, twice=True), "listed twice"),
    "overlapping files": (overlapping, "share bytes"),
    "a flipped byte": (lambda: packed({"a": b"xyz"}).replace(b"xyz", b"xyy"), "cannot be read"),
    "a cut directory": (lambda: packed({"a": b"xyz"}).replace(b"PK\x01\x02", b"PK\x00\x00"), "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_named_and_left_alone(name: str) -> None:
    make, what = HOSTILE[name]
    found = read_archive(make())
    assert what in "; ".join(found.problems)
    assert found.files == {}


def test_a_total_over_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TOTAL_BYTES", 5)
    assert "unpacks to 6 bytes" in read_archive(packed({"a": b"xyz", "b": b"xyz"})).problems[0]


def test_a_good_archive() -> None:
    found = read_archive(packed({"labels.txt": b"a\nb\n", "docs/x.txt": b"x"}))
    assert found.problems == () and found.compressed == ()
    assert found.files == {"labels.txt": b"a\nb\n", "docs/x.txt": b"x"}
    text = b"".join(b"label %d\n" % n for n in range(100))
    small = read_archive(packed({"labels.txt": text}, compression=zipfile.ZIP_DEFLATED))
    assert small.compressed == ("labels.txt",) and small.files["labels.txt"] == text


def test_no_archive() -> None:
    assert read_archive(b"\0\0\0\0TFL3" + bytes(100)) == read_archive(b"")


def test_a_stream_longer_than_it_declares_is_not_unpacked_whole() -> None:
    data = packed({"a": bytes(90_000)}, compression=zipfile.ZIP_DEFLATED)
    lying = central(data, 24, "<I", 100)
    found = read_archive(lying)
    assert found.files == {} and "cannot be read" in found.problems[0]
