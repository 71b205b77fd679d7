"""Files that are read back: whatever is wrong with one, it is an OSError or a ValueError of one line."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_tagger.reading import parse_toml, read_array, read_bytes, read_json, read_text, read_toml, reason, utf8_name


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00\x76\x00" + text.encode().ljust(117) + b"\n"


WHOLE = npy(np.arange(6, dtype=np.int8).reshape(2, 3))


def test_an_array_comes_back(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(WHOLE)
    for mapped in (False, True):
        read = read_array(tmp_path / "a.npy", kind=np.int8, shape=(None, 3), mapped=mapped)
        assert read.tolist() == [[0, 1, 2], [3, 4, 5]] and isinstance(read, np.memmap) == mapped


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        WHOLE[:30],
        WHOLE[:-1],
        b"PK\x03\x04" + bytes(30),
        npy(np.array([{}], dtype=object)),
        npy(np.zeros((2, 3), np.float32)),
        npy(np.zeros((2, 4), np.int8)),
        npy(np.zeros(6, np.int8)),
        npy(np.int8(1)),
        header("{'descr': '|i1', 'fortran_order': False, 'shape': (10000000000000, 3), }"),  # 30 TB
        header("{'descr': '|i1', 'fortran_order': False, 'shape': (-1, 3), }"),
        header("{'descr': 'x', 'fortran_order': False, 'shape': (2, 3), }"),
        header("{"),
        header("(" * 110),
    ],
)  # fmt: skip
def test_a_damaged_array_is_a_value_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"^it is "):
        read_array(tmp_path / "a.npy", kind=np.int8, shape=(None, 3))


def test_an_archive_is_no_array(tmp_path: Path) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        np.savez(file, a=np.zeros(3))
    with pytest.raises(ValueError, match="archive"):
        read_array(tmp_path / "a.npy", kind=np.int8, shape=(None,))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "Expecting value"),
        (b'{"a": 1', "Expecting"),
        (b"\xff\xfe", "not UTF-8 .byte 0 is 0xff"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number of 5000 digits"),
        (b'{"a": [1e999]}', "too large"),
        (b'{"a": NaN}', "NaN"),
    ],
)
def test_damaged_json_is_a_value_error(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError, match=why):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("content", [b"a = ", b"\xff", b"a = " + b"[" * 100_000, b"a = " + b"9" * 5000 + b"x"])
def test_damaged_toml_is_a_value_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        read_toml(tmp_path / "a.toml")


def test_deep_toml_is_refused_and_a_mark_is_no_part_of_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_toml("a = " + "[" * 80 + "]" * 80)
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfa = nan")
    assert read_toml(tmp_path / "a.toml")["a"] != 0


def test_only_regular_files_of_a_bounded_size_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "big").write_bytes(bytes(11))
    for name, why in (("", "it is a folder"), ("pipe", "it is not a regular file"), ("big", "it has over 10 bytes")):
        with pytest.raises(ValueError, match=why):
            read_bytes(tmp_path / name, most=10)
    with pytest.raises(FileNotFoundError) as missing:
        read_text(tmp_path / "none")
    assert reason(missing.value) == "No such file or directory"


def test_a_name_that_is_no_utf8_can_stand_in_json() -> None:
    assert utf8_name(Path(os.fsdecode(b"folder/caf\xe9.csv"))) == "caf\ufffd.csv"
