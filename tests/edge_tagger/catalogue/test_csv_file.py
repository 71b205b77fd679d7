from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from edge_tagger.catalogue.csv_file import CsvFile, column_of
from edge_tagger.errors import CatalogueError

TEXT = 'image,Title,Tags\r\na.jpg,"Café ""Été"", red","sale, ""new"""\r\n\r\nb.jpg,"two\nlines",\r\n'
ROWS = [
    {"image": "a.jpg", "Title": 'Café "Été", red', "Tags": 'sale, "new"'},
    {"image": "b.jpg", "Title": "two\nlines", "Tags": ""},
]


def write(folder: Path, data: bytes) -> Path:
    path = folder / "shop.csv"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("data", "encoding", "guessed"),
    [
        (TEXT.encode(), "utf-8", False),
        (codecs.BOM_UTF8 + TEXT.encode(), "utf-8-sig", False),
        (TEXT.encode("utf-16"), "utf-16", False),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "utf-16", False),
        (TEXT.encode("utf-16-le"), "utf-16-le", True),
        (TEXT.encode("utf-16-be"), "utf-16-be", True),
        (TEXT.encode("utf-32"), "utf-32", False),
        (TEXT.encode("latin-1"), "cp1252", True),
        (TEXT.encode("latin-1").replace(b"sale", b"sa\x81e"), "latin-1", True),
    ],
)
def test_the_encoding_is_found_out(tmp_path: Path, data: bytes, encoding: str, guessed: bool) -> None:
    file = CsvFile.open(write(tmp_path, data))
    assert (file.encoding, file.guessed, file.delimiter, file.rows) == (encoding, guessed, ",", 2)
    assert [row["Title"] for _, row in file] == [row["Title"] for row in ROWS]
    assert [row["image"] for _, row in file] == ["a.jpg", "b.jpg"]


def test_a_quote_of_windows_is_kept(tmp_path: Path) -> None:
    file = CsvFile.open(write(tmp_path, "image,Title\na.jpg,“Été”\n".encode("cp1252")))
    assert [row for _, row in file] == [{"image": "a.jpg", "Title": "“Été”"}]


def test_a_letter_that_a_chunk_ends_in_is_no_reason_to_guess(tmp_path: Path) -> None:
    head = "image,Title\na.jpg,"
    file = CsvFile.open(write(tmp_path, f"{head}{'x' * (2**20 - len(head) - 1)}é\n".encode()))
    assert (file.encoding, file.guessed) == ("utf-8", False)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_makes_columns(tmp_path: Path, delimiter: str) -> None:
    text = f'image{delimiter}"a,b;c"\n1.jpg{delimiter}x\n'
    file = CsvFile.open(write(tmp_path, text.encode()))
    assert [row for _, row in file] == [{"image": "1.jpg", "a,b;c": "x"}]


def test_a_long_description_is_read_and_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    file = CsvFile.open(write(tmp_path, f'image,body\na.jpg,"{"x" * 300_000}\n"\nb.jpg,y\n'.encode()))
    assert [line for line, _ in file] == [3, 4]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"image,a\n", "no rows"),
        (b"image,image\na,b\n", "two columns named 'image'"),
        (b"image,a\nx.jpg,1\ny.jpg\n", "line 3: 1 cells under 2"),
        (b"image,a\nx.jpg,1,2\n", "line 2: 3 cells under 2"),
        (b'image,a\nx.jpg,"1"2\n', "line 2"),
        (b'image,a\nx.jpg,"1\n', "line 2: unexpected end"),
        (codecs.BOM_UTF16_LE + b"i\0m", "is not utf-16"),
    ],
)
def test_what_is_no_table_is_refused_by_line(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        CsvFile.open(write(tmp_path, data))


def test_the_encoding_can_be_given(tmp_path: Path) -> None:
    path = write(tmp_path, "image,Title\na.jpg,Été\n".encode("cp1250"))
    assert next(iter(CsvFile.open(path, encoding="cp1250")))[1]["Title"] == "Été"
    with pytest.raises(CatalogueError, match="is not UTF-8"):
        CsvFile.open(path, encoding="utf-8")
    for name in ("klingon", "hex"):
        with pytest.raises(ValueError, match="such as utf-8"):
            CsvFile.open(path, encoding=name)


def test_a_file_that_is_not_there_and_one_that_changes(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"cannot read .*: No such file"):
        CsvFile.open(tmp_path / "none.csv")
    file = CsvFile.open(write(tmp_path, b"image\na.jpg\n"))
    assert not file.has_changed()
    file.path.write_bytes(b"image\na.jpg\nb.jpg\n")
    assert file.has_changed()
    file.path.unlink()
    assert file.has_changed()


def test_columns_are_found_as_people_spell_them() -> None:
    assert column_of(("Handle", "Image Src "), ("image", "image_src")) == "Image Src "
    assert column_of(("Handle",), ("image",)) is None
