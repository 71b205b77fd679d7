from __future__ import annotations

import codecs
import os
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
        (b'image,a\nx.jpg,"1"2\n', "line 2.*double quote ends with one, and those inside are doubled"),
        (b"image;a;;\nx.jpg;1;;2\ny.jpg;1;2\n", "columns 3 and 4, which have no name"),
        (b"sep=;\nimage;a\nx.jpg;1;2\n", "line 3: 3 cells under 2 column names; quote cells that contain a semicolon"),
        (b"image, image\na,b\n", "two columns named 'image'"),
        (b"id\tt\n1\t2\t3\n", "line 2: 3 cells under 2"),
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
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("pipe.csv", "."):
        with pytest.raises(CatalogueError, match=r"cannot read .*: it is not a regular file"):
            CsvFile.open(tmp_path / name)
    file = CsvFile.open(write(tmp_path, b"image\na.jpg\n"))
    assert not file.has_changed()
    file.path.write_bytes(b"image\na.jpg\nb.jpg\n")
    assert file.has_changed()
    file.path.unlink()
    assert file.has_changed()


def test_columns_are_found_as_people_spell_them() -> None:
    assert column_of(("Handle", "Image Src "), ("image", "image_src")) == "Image Src "
    assert column_of(("Handle",), ("image",)) is None


PLAIN = [{"id": "1", "title": "a", "image": "x.jpg"}, {"id": "2", "title": "", "image": "y.jpg"}]


@pytest.mark.parametrize(
    "text",
    [
        "id,title,image\n1,a,x.jpg\n2,,y.jpg\n",
        "id,title,image\r1,a,x.jpg\r2,,y.jpg\r",
        "sep=;\r\nid;title;image\r\n1;a;x.jpg\r\n2;;y.jpg\r\n",
        '"sep=|"\nid|title|image\n1|a|x.jpg\n2||y.jpg\n',
        "SEP=\t\nid\ttitle\timage\n1\ta\tx.jpg\n2\t\ty.jpg\n",
        "sep=:\nid:title:image\n1:a:x.jpg\n2::y.jpg\n",
        "id;title;image;;\n1;a;x.jpg;;\n;;;;\n2;;y.jpg\n;;\n \n",
        "id,title,,image\n1,a,,x.jpg,,\n2,,,y.jpg\n,,,,,,\n",
        '"id","title","image"\n"1","a","x.jpg"\n"2","","y.jpg"\n',
        'id, "title", "image"\n1, "a", "x.jpg"\n2, , "y.jpg"\n',
        "\ufeff\ufeffid,title,image\n1,a,x.jpg\n2,,y.jpg",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_tables_of_spreadsheets_are_the_same_table(tmp_path: Path, text: str, encoding: str) -> None:
    if encoding == "cp1252":
        text = text.lstrip("\ufeff")
    file = CsvFile.open(write(tmp_path, text.encode(encoding)))
    assert file.columns == ("id", "title", "image")
    assert [row for _, row in file] == PLAIN


def test_a_mark_is_no_letter_of_the_first_column_whatever_encoding_is_named(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-16-le"):
        path = write(tmp_path, "\ufeffid,image\n1,a.jpg\n".encode(encoding))
        assert CsvFile.open(path, encoding=encoding).columns == ("id", "image")


def test_one_column_without_a_name_keeps_its_cells(tmp_path: Path) -> None:
    file = CsvFile.open(write(tmp_path, b",image,,Title \n0,a.jpg,, x\n"))
    assert [row for _, row in file] == [{"": "0", "image": "a.jpg", "Title ": " x"}]
    assert (file.column("Title"), file.column(" image"), file.column("none")) == ("Title ", "image", None)


def test_utf16_without_a_mark_is_found_where_few_letters_are_latin(tmp_path: Path) -> None:
    file = CsvFile.open(write(tmp_path, ("image,Title\n" + "1.jpg,赤いシャツ一枚\n" * 50).encode("utf-16-le")))
    assert (file.encoding, file.columns) == ("utf-16-le", ("image", "Title"))


@pytest.mark.parametrize(
    ("rows", "titles", "quoted"),
    [
        (['1\t"Best" shirt\ta'], ['"Best" shirt'], False),
        (['1\t"Best shirt\ta', '2\tshirt"\tb'], ['"Best shirt', 'shirt"'], False),
        (['1\t"Best shirt\ta'], ['"Best shirt'], False),
        (['1\t5" disk\ta', '2\t"7""\tb'], ['5" disk', '"7""'], False),
        (['1\t"A ""b"""\ta', "2\tc\tb"], ['A "b"', "c"], True),
        (['1\t"two\nlines"\ta'], ["two\nlines"], True),
        (['1\t"tab\there"\ta'], ["tab\there"], True),
        (["1\tplain\ta"], ["plain"], False),
    ],
)
def test_quotes_of_a_file_with_tabs(tmp_path: Path, rows: list[str], titles: list[str], quoted: bool) -> None:
    header = '"id"\t"title"\timage' if quoted or rows[0].count('"') else "id\ttitle\timage"
    text = "\n".join([header, *rows, ""])
    for delimiter in "\t|":
        file = CsvFile.open(write(tmp_path, text.replace("\t", delimiter).encode()))
        assert file.columns == ("id", "title", "image") and file.dialect.quoted == quoted
        assert [row["title"].replace("|", "\t") for _, row in file] == titles
