from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_tagger.bulk.index import Index
from edge_tagger.bulk.inputs import open_source
from edge_tagger.bulk.journal import Journal
from edge_tagger.bulk.record import Record
from edge_tagger.bulk.rows import PhotoRows, ProductRows
from edge_tagger.bulk.source import Item, PhotoFiles
from edge_tagger.catalogue.csv_file import CsvFile
from edge_tagger.errors import CatalogueError


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.PNG", "deep/c.webp", ".hidden/d.jpg", ".e.jpg", "notes.txt", "tags.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def items(source: PhotoFiles | PhotoRows) -> list[Item]:
    index = Index()
    try:
        return list(source.items(index))
    finally:
        index.close()


def names(source: PhotoFiles | PhotoRows) -> set[str]:
    return {item.name for item in items(source)}


def test_a_folder_is_all_photos_below_it(shop: Path) -> None:
    source = PhotoFiles([str(shop)])
    assert names(source) == {f"{shop}/{name}" for name in ("b.jpg", "a.PNG", "deep/c.webp")}
    assert source.count() == 3


def test_globs_and_names_and_what_two_inputs_name_comes_once(shop: Path) -> None:
    source = PhotoFiles([f"{shop}/**/*.webp", f"{shop}/*.jpg", f"{shop}/b.jpg", f"{shop}/gone.jpg"])
    assert names(source) == {f"{shop}/{name}" for name in ("b.jpg", "deep/c.webp", "gone.jpg")}
    assert len(items(source)) == 3


def test_a_file_whose_name_looks_like_a_glob_is_that_file(shop: Path) -> None:
    (shop / "shirt[1].jpg").write_bytes(b"x")
    assert names(PhotoFiles([f"{shop}/shirt[1].jpg"])) == {f"{shop}/shirt[1].jpg"}


def test_links_that_lead_out_and_links_to_folders_are_refused(tmp_path: Path) -> None:
    shop, elsewhere = tmp_path / "shop", tmp_path / "elsewhere"
    for folder in (shop, elsewhere):
        folder.mkdir()
        (folder / "a.jpg").write_bytes(b"x")
    (shop / "again.jpg").symlink_to("a.jpg")
    (shop / "gone.jpg").symlink_to("none.jpg")
    (shop / "out.jpg").symlink_to(elsewhere / "a.jpg")
    (shop / "loop").symlink_to(shop)
    (shop / "notes").symlink_to("/etc/hosts")
    refused = {Path(item.name).name: item.refused for item in items(PhotoFiles([str(shop)]))}
    assert set(refused) == {"a.jpg", "again.jpg", "gone.jpg", "out.jpg", "loop"}
    assert [name for name, reason in sorted(refused.items()) if reason] == ["loop", "out.jpg"]
    assert "outside" in refused["out.jpg"] and "not followed" in refused["loop"]


def test_the_first_photos_come_before_the_folder_is_read_to_its_end(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, read = os.scandir, []

    class Counted:
        def __init__(self, path: str) -> None:
            self._entries = real(path)

        def __enter__(self) -> Counted:
            return self

        def __exit__(self, *_: object) -> None:
            self._entries.close()

        def __iter__(self) -> Counted:
            return self

        def __next__(self) -> os.DirEntry[str]:
            read.append(1)
            return next(self._entries)

    for number in range(200):
        (shop / f"{number}.jpg").write_bytes(b"x")
    source = PhotoFiles([str(shop)])
    monkeypatch.setattr("edge_tagger.bulk.source.os.scandir", Counted)
    next(source.found())
    assert len(read) < 20


@pytest.mark.parametrize("given", ["none", "none/*.jpg", "*.none"])
def test_what_is_not_there_is_told(tmp_path: Path, given: str) -> None:
    with pytest.raises(CatalogueError, match="glob in quotes"):
        PhotoFiles([str(tmp_path / given)])


def rows(folder: Path, text: str) -> CsvFile:
    (folder / "shop.csv").write_text(text)
    return CsvFile.open(folder / "shop.csv")


def test_cells_name_photos_below_the_folder_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "out.jpg").symlink_to("/etc/hosts")
    cells = ["a.jpg", "in/b.jpg", "https://cdn.shop/x/red%20shirt.jpg?v=1", "../up.jpg", "/etc/hosts", "out.jpg", " "]
    file = rows(tmp_path, "\n".join(["id,Image Src", *(f"{n},{cell}" for n, cell in enumerate(cells))]) + "\n")
    found = items(PhotoRows(file, folder=tmp_path / "photos"))
    assert [item.path.removeprefix(f"{tmp_path}/photos/") for item in found[:3]] == [
        "a.jpg",
        "in/b.jpg",
        "red shirt.jpg",
    ]
    assert [item.refused.partition(" ")[2][:12] for item in found] == [
        "",
        "",
        "",
        *["lies outside"] * 3,
        "image cell i",
    ]


def test_an_image_column_is_found_or_named(tmp_path: Path) -> None:
    file = rows(tmp_path, "id,Foto\n1,a.jpg\n")
    with pytest.raises(CatalogueError, match="no image column; it has id, Foto; name the one"):
        PhotoRows(file)
    with pytest.raises(CatalogueError, match="no image column 'foto'"):
        PhotoRows(file, image_column="foto")
    assert [item.name for item in items(PhotoRows(file, image_column="Foto"))] == ["a.jpg"]


def test_a_product_is_its_first_photo(tmp_path: Path, journal: Journal) -> None:
    text = "id,image\nrun,\n,b.jpg\n,c.jpg\nbare,\nshoe,d.jpg\nrun,e.jpg\nout,../x.jpg\n"
    source = ProductRows(rows(tmp_path, text), lambda row: row["id"])
    found = list(source.items(journal.index))
    assert [item.name for item in found] == ["b.jpg", "d.jpg", "../x.jpg"]
    assert source.count() == 5 and journal.index.count_without_photo() == 1
    for item in found[:2]:
        journal.append(item.key, Record(None, error=item.name))
    entries = [(entry.product, entry.name, entry.record.error) for entry in source.entries(journal)]
    assert entries[:2] == [("run", "b.jpg", "b.jpg"), ("shoe", "d.jpg", "d.jpg")]
    assert entries[2][0] == "out" and "outside" in entries[2][2]


def test_a_csv_that_changes_meanwhile_is_told(tmp_path: Path, journal: Journal) -> None:
    source = PhotoRows(rows(tmp_path, "image\na.jpg\n"))
    (tmp_path / "shop.csv").write_text("image\nb.jpg\nc.jpg\n")
    with pytest.raises(CatalogueError, match=r"shop\.csv was changed meanwhile"):
        list(source.entries(journal))


def test_inputs_are_a_csv_alone_or_photos(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_bytes("image;Name\na.jpg;Été\n".encode("latin-1"))
    told: list[str] = []
    source = open_source([str(tmp_path / "shop.csv")], tell=told.append)
    assert source.columns == ("image", "Name")
    assert "read as cp1252 with semicolons, which is a guess" in told[0]
    with pytest.raises(CatalogueError, match="one CSV alone"):
        open_source([str(tmp_path / "shop.csv"), str(shop)], tell=print)
    with pytest.raises(ValueError, match="are about a CSV"):
        open_source([str(shop)], encoding="utf-8", tell=print)
