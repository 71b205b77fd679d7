from __future__ import annotations

from pathlib import Path

import pytest

from edge_tagger.catalogue.source import read_catalogue
from edge_tagger.errors import CatalogueError


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


def test_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_bytes(b"image,kind\na.jpg,caf\xe9\n")
    with pytest.raises(CatalogueError, match="UTF-8"):
        read_catalogue(path)


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


@pytest.mark.parametrize("link", ["shoe/b.jpg", "shoe/deep", "bag"])
def test_links_out_of_a_folder_are_refused(tmp_path: Path, link: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.jpg").write_bytes(b"x")
    (tmp_path / "shop" / "shoe").mkdir(parents=True)
    (tmp_path / "shop" / "shoe" / "a.jpg").write_bytes(b"x")
    target = tmp_path / "elsewhere"
    (tmp_path / "shop" / link).symlink_to(target / "secret.jpg" if link.endswith(".jpg") else target)
    with pytest.raises(CatalogueError, match=f"{link} is a link to .*outside"):
        read_catalogue(tmp_path / "shop")


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
