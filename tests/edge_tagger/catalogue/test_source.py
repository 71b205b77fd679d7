from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from edge_tagger.catalogue.source import read_catalogue
from edge_tagger.errors import CatalogueError, PhotoError


def write(folder: Path, text: str) -> Path:
    path = folder / "products.csv"
    path.write_bytes(text.encode())
    return path


def test_rows_keep_their_order_and_line_and_lose_blanks_around_cells(tmp_path: Path) -> None:
    text = '\ufeffimage,kind,name\nb.jpg, Shoe ,"two\nlines"\n\na.jpg,,x\n'
    catalogue = read_catalogue(write(tmp_path, text))
    assert catalogue.columns == ("image", "kind", "name")
    assert [photo.path.name for photo in catalogue.photos] == ["b.jpg", "a.jpg"]
    assert catalogue.photos[0].values["kind"] == "Shoe"
    assert catalogue.photos[1].values["kind"] == ""
    assert catalogue.photos[1].place == "products.csv:5"


def test_another_image_column(tmp_path: Path) -> None:
    catalogue = read_catalogue(write(tmp_path, "file,kind\nin/a.jpg,Shoe\n"), image_column="file")
    assert catalogue.photos[0].path == Path(tmp_path).resolve() / "in" / "a.jpg"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("image,kind\n", "no rows"),
        ("photo,kind\na.jpg,x\n", "no image column 'image'; it has photo, kind"),
        ("image,kind,kind\na.jpg,x,y\n", "two columns named 'kind'"),
        ("image,kind\na.jpg\n", "line 2"),
        ("image,kind\na.jpg,x,y\n", "line 2"),
        ("image,kind\n,x\n", "line 2: the image cell is blank"),
        ("image,kind\n../a.jpg,x\n", "line 2: the photo '../a.jpg' lies outside"),
        ("image,kind\n/etc/hosts,x\n", "lies outside"),
    ],
)
def test_bad_csv_files_are_refused_by_name_and_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        read_catalogue(write(tmp_path, text))


def test_a_link_out_of_the_folder_is_outside(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (inside / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    with pytest.raises(CatalogueError, match="lies outside"):
        read_catalogue(write(inside, "image\nlink.jpg\n"))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("image;kind;;\na.jpg;café;;\n;;;\n".encode("cp1252"), "read as cp1252 with semicolons, which is a guess"),
        ("sep=;\r\nimage;kind\r\na.jpg;café\r\n".encode(), "read as utf-8 with semicolons"),
        ("image\tkind\ra.jpg\tcafé\r".encode("utf-16"), "read as utf-16 with tabs"),
    ],
)
def test_a_csv_of_a_spreadsheet_is_read_as_by_tag_and_told(tmp_path: Path, data: bytes, told: str) -> None:
    path = tmp_path / "products.csv"
    path.write_bytes(data)
    with pytest.warns(UserWarning, match=told):
        catalogue = read_catalogue(path)
    assert catalogue.columns == ("image", "kind") and [photo.values["kind"] for photo in catalogue.photos] == ["café"]


def test_an_encoding_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_bytes("image,kind\na.jpg,Ź\n".encode("cp1250"))
    with pytest.warns(UserWarning, match="cp1250"):
        assert read_catalogue(path, encoding="cp1250").photos[0].values["kind"] == "Ź"
    with pytest.raises(CatalogueError, match="is not UTF-8"):
        read_catalogue(path, encoding="utf-8")
    with pytest.raises(CatalogueError, match="such as utf-8"):
        read_catalogue(path, encoding="klingon")


def test_a_row_that_cannot_be_used_leaves_the_others(tmp_path: Path) -> None:
    rows = ["image,kind", "a.jpg,x", ",x", "../up.jpg,y", 'b.jpg,"x"', "nul\0.jpg,x", "https://x/in/c.jpg?v=1,x"]
    catalogue = read_catalogue(write(tmp_path, "\n".join(rows) + "\n"))
    assert [bool(photo.refused) for photo in catalogue.photos] == [False, True, True, False, True, False]
    assert [photo.path.name for photo in catalogue.photos if not photo.refused] == ["a.jpg", "b.jpg", "c.jpg"]
    with pytest.raises(PhotoError, match=r"line 4: the photo '\.\./up\.jpg' lies outside"):
        catalogue.photos[2].file()


def test_a_folder_has_one_class_for_each_sub_folder(tmp_path: Path) -> None:
    for name in ("shoe/a.jpg", "shoe/deep/b.PNG", "bag/c.webp", ".hidden/d.jpg", "bag/notes.txt", "loose.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    catalogue = read_catalogue(tmp_path)
    assert catalogue.columns == ("class",)
    assert [(photo.place, photo.values["class"]) for photo in catalogue.photos] == [
        ("bag/c.webp", "bag"),
        ("shoe/a.jpg", "shoe"),
        ("shoe/deep/b.PNG", "shoe"),
    ]


def test_links_of_a_folder_are_followed_inside_it_alone(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    (shop / "shoe").mkdir(parents=True)
    (shop / "shoe" / "a.jpg").write_bytes(b"x")
    (shop / "shoe" / "again.jpg").symlink_to("a.jpg")
    (shop / "shoe" / "gone.jpg").symlink_to("nowhere.jpg")
    (shop / "shoe" / "round").symlink_to(shop / "shoe")  # a loop
    (shop / "shoe" / "notes").symlink_to("/etc/hosts")  # no photo: nobody reads it
    assert {photo.place for photo in read_catalogue(shop).photos} == {
        "shoe/a.jpg",
        "shoe/again.jpg",
        "shoe/gone.jpg",
    }


@pytest.mark.filterwarnings("ignore:.*is a link to a folder")
@pytest.mark.parametrize("link", ["shoe/b.jpg", "shoe/deep", "bag"])
def test_links_out_of_a_folder_are_refused_and_the_others_read(tmp_path: Path, link: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.jpg").write_bytes(b"x")
    (tmp_path / "shop" / "shoe").mkdir(parents=True)
    (tmp_path / "shop" / "shoe" / "a.jpg").write_bytes(b"x")
    target = tmp_path / "elsewhere"
    (tmp_path / "shop" / link).symlink_to(target / "secret.jpg" if link.endswith(".jpg") else target)
    catalogue = read_catalogue(tmp_path / "shop")
    reasons = [*(photo.refused for photo in catalogue.photos if photo.refused), *catalogue.left_out]
    assert len(reasons) == 1 and re.search(f"{link} is a link to .*(outside|not followed)", reasons[0])
    assert [photo.place for photo in catalogue.photos if not photo.refused] == ["shoe/a.jpg"]
    (tmp_path / "shop" / "shoe" / "a.jpg").unlink()
    with pytest.raises(CatalogueError, match=f"{link} is a link to .*(outside|not followed)"):
        read_catalogue(tmp_path / "shop")


HIDDEN = (".ipynb_checkpoints", "__MACOSX", "@eaDir", ".git", "$RECYCLE.BIN")


def test_hidden_files_are_no_photos(tmp_path: Path) -> None:
    for name in (*HIDDEN, *(f"shoe/{name}" for name in HIDDEN), "shoe"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "a.jpg").write_bytes(b"x")
    for name in ("._a.jpg", ".a.jpg", ".DS_Store", "Thumbs.db"):
        (tmp_path / "shoe" / name).write_bytes(b"x")
    assert [photo.place for photo in read_catalogue(tmp_path).photos] == ["shoe/a.jpg"]


def test_one_folder_that_cannot_be_read_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("bag", "shoe", "shoe/deep"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").write_bytes(b"x")
    real = os.scandir

    def scandir(path: str) -> Any:
        if os.fspath(path).endswith(("bag", "deep")):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr("edge_tagger.catalogue.photo_files.os.scandir", scandir)
    with pytest.warns(UserWarning, match="cannot read the folder .*: Permission denied"):
        catalogue = read_catalogue(tmp_path)
    assert [photo.place for photo in catalogue.photos] == ["shoe/a.jpg"] and len(catalogue.left_out) == 2


def test_names_that_are_no_text_are_marked(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"h\xe9")
    folder.mkdir()
    Path(folder, os.fsdecode(b"\xff.jpg")).write_bytes(b"x")
    (photo,) = read_catalogue(tmp_path).photos
    assert (photo.place, photo.values["class"]) == ("h\ufffd/\ufffd.jpg", "h\ufffd") and photo.path.exists()


def test_a_folder_without_photos_and_a_source_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="no photos in sub-folders"):
        read_catalogue(tmp_path)
    with pytest.raises(CatalogueError, match="does not exist"):
        read_catalogue(tmp_path / "nope.csv")


def test_require_and_where(tmp_path: Path) -> None:
    catalogue = read_catalogue(write(tmp_path, "image,kind\na.jpg,x\nb.jpg,y\n"))
    assert [photo.path.name for photo in catalogue.where("kind", "y").photos] == ["b.jpg"]
    with pytest.raises(CatalogueError, match="its values are x, y"):
        catalogue.where("kind", "z")
    with pytest.raises(CatalogueError, match="no column 'colour'"):
        catalogue.require(["kind", "colour"])
