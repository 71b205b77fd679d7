"""Which file a cell names: forms of paths and addresses, several in one cell, names that differ from the disk's."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from edge_tagger.catalogue.photo_cell import PhotoCells, first_address

NFC, NFD = (unicodedata.normalize(form, "crème.jpg") for form in ("NFC", "NFD"))
NFD_FOLDER = unicodedata.normalize("NFD", "thé")
THERE = ("red.jpg", "blue.jpg", "in/red.jpg", "a, b.jpg", "a;b.jpg", "x%20y.jpg", "50% off.jpg", "UPPER.JPG", "#1.jpg")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "photos"
    (home / "in").mkdir(parents=True)
    for name in (*THERE, "red shirt.jpg", NFC, "both.jpg", "both.JPG"):
        (home / name).write_bytes(b"x")
    (tmp_path / "up.jpg").write_bytes(b"x")
    (home / NFD_FOLDER / "x y").mkdir(parents=True)
    (home / NFD_FOLDER / "x y" / NFC).write_bytes(b"x")
    return home


def found(folder: Path, cell: str) -> str:
    """The file below the folder, or why there is none."""
    photo = PhotoCells(folder).find(cell)
    return photo.refused or os.path.relpath(photo.path, folder)


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        *((name, name) for name in THERE),
        (" red.jpg\t", "red.jpg"),
        ('"red.jpg"', "red.jpg"),
        ("'red.jpg'", "red.jpg"),
        ("./red.jpg", "red.jpg"),
        ("gone.jpg", "gone.jpg"),
        # Web addresses: nothing is downloaded.
        ("https://cdn.shop/x/red%20shirt.jpg?v=1", "red shirt.jpg"),
        ("//cdn.shop/s/files/red.jpg?v=1,2#top", "red.jpg"),
        ("HTTPS://cdn.shop/red.jpg", "red.jpg"),
        ("http:\\\\cdn.shop\\x\\red.jpg", "red.jpg"),
        ("www.shop.com/x/red.jpg", "red.jpg"),
        ("ftp://shop/blue.jpg", "blue.jpg"),
        ("https://cdn.shop/in/red.jpg", "in/red.jpg"),
        ("https://cdn.shop/x%20y.jpg", "x%20y.jpg"),
        ("https://cdn.shop/x%2520y.jpg", "x%20y.jpg"),
        ("https://cdn.shop/w_400,h_300/red.jpg", "red.jpg"),
        ("https://cdn.shop/red.jpg?size=1,2&file=x.jpg", "red.jpg"),
        ("https://cdn.shop/gone%20now.jpg", "gone now.jpg"),
        ("https://cdn.shop/../../up.jpg", "up.jpg"),
        ("/wp-content/in/red.jpg?v=1", "in/red.jpg"),
        ("in/red.jpg?v=123#top", "in/red.jpg"),
        ("file:///home/me/photos/in/red.jpg", "in/red.jpg"),
        ("file:///C:/photos/red%20shirt.jpg", "red shirt.jpg"),
        # Windows
        ("in\\red.jpg", "in/red.jpg"),
        (".\\red.jpg", "red.jpg"),
        ("photos\\red.jpg", "red.jpg"),
        ("C:\\Users\\x\\photos\\in\\red.jpg", "in/red.jpg"),
        ("C:/Users/x\\red.jpg", "red.jpg"),
        ("C:/Users/x/in/red.jpg", "in/red.jpg"),
        ("\\\\server\\share\\red.jpg", "red.jpg"),
        # Names that differ from those on the disk.
        (NFC, NFC),
        (NFD, NFC),
        ("https://cdn.shop/cr%C3%A8me.jpg", NFC),
        ("https://cdn.shop/cre%CC%80me.jpg", NFC),
        ("https://cdn.shop/cr%E8me.jpg", NFC),
        (f"thé/x%20y/{NFD}", f"{NFD_FOLDER}/x y/{NFC}"),
        (f"https://shop/th%C3%A9/x%20y/{NFC}?v=1", f"{NFD_FOLDER}/x y/{NFC}"),
        (f"C:\\thé\\x y\\{NFD}", f"{NFD_FOLDER}/x y/{NFC}"),
        ("red%20shirt.jpg", "red shirt.jpg"),
        ("x y.jpg", "x%20y.jpg"),
        ("50%25%20off.jpg", "50% off.jpg"),
        ("red.JPG", "red.jpg"),
        ("UPPER.jpg", "UPPER.JPG"),
        ("both.JPG", "both.JPG"),
        ("both.Jpg", "both.Jpg"),  # two could be meant: none is
    ],
)
def test_a_cell_names_a_file(folder: Path, cell: str, name: str) -> None:
    assert found(folder, cell) == name


@pytest.mark.parametrize("between", [",", ", ", "|", " | ", ";", "\n", "\r\n", " ", ",\n"])
@pytest.mark.parametrize("start", ["https://shop/up/", "//shop/", "", "https://shop/up/w_1,h_2/"])
def test_the_first_of_several_addresses_counts(between: str, start: str) -> None:
    names = ["red.jpg?v=1" if start else "red.jpg", "b.PNG", "c d.webp"]
    assert first_address(between.join(start + name for name in names)) == start + names[0]
    assert first_address(f"{start}{names[0]}{between}") == start + names[0]


@pytest.mark.parametrize(
    ("cell", "first"),
    [
        ("red, large.jpg", "red, large.jpg"),
        ("red shirt.jpg", "red shirt.jpg"),
        ('"https://x/a.jpg", "https://x/b.jpg"', "https://x/a.jpg"),
        ('["https://x/a.jpg","https://x/b.jpg"]', "https://x/a.jpg"),
        ("https://x/image?id=1, https://x/image?id=2", "https://x/image?id=1"),
        ("https://x/a.jpg ! alt : red ! title : none", "https://x/a.jpg"),
        (", a.jpg", "a.jpg"),
        (" ;, ", ""),
    ],
)
def test_what_separates_addresses_stands_in_names_too(cell: str, first: str) -> None:
    assert first_address(cell) == first


def test_a_path_of_many_parts_takes_no_time(folder: Path) -> None:
    for cell in ("https://x" + "/a" * 10**5, "https://x" + "/a" * 2000, "a\\" * 2000, "a/" * 2000 + "b.jpg"):
        PhotoCells(folder).find(cell)


def test_a_cell_of_many_words_takes_no_time() -> None:
    assert len(first_address("word, " * 10**6)) < 10**5


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", "the image cell is blank"),
        (" \t", "the image cell is blank"),
        (",", ", names no photo"),
        ("a\0.jpg", "NUL byte"),
        ("../up.jpg", "../up.jpg lies outside"),
        ("..\\up.jpg", "../up.jpg lies outside"),
        ("%2E%2E/up.jpg", "../up.jpg lies outside"),
        ("https://x/..%2Fup.jpg", "../up.jpg lies outside"),
        ("/etc/hosts", "lies outside"),
        ("https://", "names no photo"),
        (f"data:image/png;base64,{'A' * 9000}", "AAA... names no photo"),
        ("https://shop", "names no photo"),
        ("https://[x/a.jpg?", ""),
        ("/x/gone.jpg", "is a path of elsewhere: neither x/gone.jpg nor gone.jpg is in"),
        ("D:\\a\\gone.jpg", "has backslashes, as Windows has them: neither a/gone.jpg nor gone.jpg is in"),
    ],
)
def test_what_is_no_photo_of_the_folder_is_refused(folder: Path, cell: str, reason: str) -> None:
    refused = PhotoCells(folder).find(cell).refused
    assert reason in refused and bool(refused) == bool(reason)


def test_a_name_of_older_systems_is_found(folder: Path) -> None:
    name = os.fsdecode(b"h\xe9 1.jpg")
    (folder / name).write_bytes(b"x")
    for cell in ("hé 1.jpg", "https://shop/h%C3%A9%201.jpg", "he\u0301 1.jpg"):
        assert found(folder, cell) == name


def test_two_addresses_with_one_name_do_not_share_its_file(folder: Path) -> None:
    cells = PhotoCells(folder)
    there = ["https://x/1/red.jpg", "https://x/2/red.JPG", "//x/1/red.jpg?v=2", "https://x/1/blue.jpg", "C:\\1\\up.jpg"]
    (folder / "Blue.jpg").write_bytes(b"x")
    there.append("https://x/9/Blue.jpg")
    cells.note([*there, "https://x/1/blue.jpg?v=3", "https://www.x/1/blue.jpg"])
    assert "two addresses have the same name red.jpg" in cells.find(there[0]).refused
    assert "put each at its own path there (1/red.jpg)" in cells.find(there[2]).refused
    assert not cells.find(there[3]).refused and not cells.find(there[-1]).refused and not cells.find("red.jpg").refused
    (folder / "1").mkdir()
    (folder / "1" / "red.jpg").write_bytes(b"x")
    cells = PhotoCells(folder)
    assert cells.find(there[0]).path == f"{folder}/1/red.jpg" and not cells.find(there[0]).refused
