from __future__ import annotations

import bz2
import gzip
import http.client
import io
import lzma
import zipfile
import zlib
from typing import Any

import pytest

from edge_tagger.errors import PhotoError
from edge_tagger.images import load_photo

DATA = bytes(range(256)) * 40


class Raises:
    name = "shirt.jpg"

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def read(self, _size: int) -> bytes:
        raise self.error


def damaged_zip() -> Any:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("shirt.jpg", DATA)
    changed = bytearray(file.getvalue())
    changed[300] ^= 1
    return zipfile.ZipFile(io.BytesIO(bytes(changed))).open("shirt.jpg")


@pytest.mark.parametrize(
    ("file", "cause"),
    [
        (gzip.open(io.BytesIO(gzip.compress(DATA)[:-9])), "EOFError"),  # noqa: SIM115
        (bz2.open(io.BytesIO(bz2.compress(DATA)[:-9])), "EOFError"),  # noqa: SIM115
        (lzma.open(io.BytesIO(lzma.compress(DATA)[:-60] + b"x" * 60)), "LZMAError"),  # noqa: SIM115
        (damaged_zip(), "BadZipFile"),
        (Raises(zlib.error("invalid\nblock")), "shirt.jpg.*invalid block"),
        (Raises(http.client.IncompleteRead(b"", 5)), "shirt.jpg.*IncompleteRead"),
        (Raises(RuntimeError("password required")), "shirt.jpg.*password required"),
    ],
)
def test_whatever_an_open_file_raises_is_told_as_a_photo_error(file: Any, cause: str) -> None:
    with pytest.raises(PhotoError, match=f"cannot read .*{cause}"):
        load_photo(file)


def test_ctrl_c_while_a_file_is_read_stays_one() -> None:
    with pytest.raises(KeyboardInterrupt):
        load_photo(Raises(KeyboardInterrupt()))  # type: ignore[arg-type]
