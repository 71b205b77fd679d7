"""Shops' files from a CSV with awkward cells, read back by readers that are not ours."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas
import pytest

from edge_tagger.bulk.journal import Journal
from edge_tagger.bulk.record import Record
from edge_tagger.bulk.shop_export import ShopExport, products_of
from edge_tagger.bulk.source import PhotoFiles
from edge_tagger.catalogue.csv_file import CsvFile
from edge_tagger.colours.dominant import Colour
from edge_tagger.shops.mapping import TaxonomyMapping
from edge_tagger.shops.merge import Policy, TagMerger
from edge_tagger.taxonomy import Facet, Tag, Taxonomy

Make = Callable[..., Record]
TAXONOMY = Taxonomy(
    (Facet("category", ("category",)), Facet("colour", ("colour",)), Facet("gender", ("gender",))),
    tuple(
        map(Tag.from_id, ("category/Footwear", "category/Accessories", "colour/Black", "colour/Multi", "gender/Men"))
    ),
)
SHOPIFY = """\
Handle,Title,Body (HTML),Product Category,Tags,Image Src,Status
run,"Run ""Pro"", red","<p>Light,
quick</p>",,"sale, ""new"", Black",https://x/1.jpg?v=2,active
run,,,,,https://x/2.jpg,
case,Case,,,"a,b",3.jpg,active
gone,Gone,,Shoes,kept,gone.jpg,active
run,Again,,,kept,4.jpg,active
"""
FEED = 'id,title,image_link,color\n1,"A ""b"", c",1.jpg,\n2,B,2.jpg,Blue\n3,C,gone.jpg,Red\n,D,1.jpg,\n'


def export(folder: Path, shop: str, text: str, tell: Callable[[str], object], *policy: str) -> ShopExport:
    (folder / "shop.csv").write_text(text)
    source = products_of(shop, CsvFile.open(folder / "shop.csv"))
    merger = TagMerger(TAXONOMY, Policy.of(policy, ("category", "colour", "gender")))
    return ShopExport(shop, source, merger, TaxonomyMapping.read(), tell)


def fill(made: ShopExport, journal: Journal, **records: Record) -> None:
    for item in made.source.items(journal.index):
        name = Path(item.path).stem
        journal.append(item.key, records.get(f"p{name}", Record(None, error=f"{name} does not exist")))


def test_shopify_gets_every_row_back_with_tags_merged(tmp_path: Path, journal: Journal, record: Make) -> None:
    told: list[str] = []
    made = export(tmp_path, "shopify", SHOPIFY, told.append, "colour=replace")
    fill(made, journal, p1=record("category/Footwear", "colour/Multi"), p3=record("category/Accessories"))
    made.write(tmp_path / "out.csv", journal)
    text = (tmp_path / "out.csv").read_bytes().decode()
    dialect = csv.Sniffer().sniff(text)
    assert (dialect.delimiter, dialect.quotechar, dialect.doublequote) == (",", '"', True)
    read = pandas.read_csv(tmp_path / "out.csv", keep_default_na=False, dtype=str)
    before = pandas.read_csv(tmp_path / "shop.csv", keep_default_na=False, dtype=str)
    assert list(read.columns) == list(before.columns) and len(read) == len(before)
    untouched = [column for column in before.columns if column not in ("Tags", "Product Category")]
    assert (read[untouched] == before[untouched]).all().all()
    assert read["Tags"].tolist() == ['sale, "new", Footwear, Multi', "", "a, b, Accessories", "kept", "kept"]
    assert read["Product Category"].tolist() == ["Apparel & Accessories > Shoes", "", "", "Shoes", ""]
    assert made.unmapped == {"category/Accessories": 1}
    assert len(told) == 1 and "'run' stood before" in told[0]


def test_a_feed_keeps_every_product_and_gets_columns(tmp_path: Path, journal: Journal, record: Make) -> None:
    made = export(tmp_path, "google", FEED, print)
    multi = Record(
        None, record("colour/Multi").tagged, colours=(Colour("#000080", 0.7, "Navy"), Colour("#ffffff", 0.2, "White"))
    )
    fill(made, journal, p1=multi, p2=record("category/Footwear", "colour/Black", "gender/Men"))
    for name, separator in (("out.csv", ","), ("out.tsv", "\t"), ("out.txt", "\t")):
        made.write(tmp_path / name, journal)
        read = pandas.read_csv(tmp_path / name, sep=separator, keep_default_na=False, dtype=str)
        assert read["id"].tolist() == ["1", "2", "3", ""] and read["title"][0] == 'A "b", c'
        assert read["color"].tolist() == ["Navy/White", "Blue", "Red", ""]
        assert read["google_product_category"].tolist() == ["", "187", "", ""]
        assert read["gender"].tolist() == ["", "male", "", ""] and read["age_group"][1] == "adult"


def test_changes_are_those_cells_that_the_file_would_have(tmp_path: Path, journal: Journal, record: Make) -> None:
    made = export(tmp_path, "google", FEED, print, "colour=replace")
    fill(made, journal, p1=record("colour/Multi"), p2=record("colour/Black"))
    assert list(map(str, made.changes(journal))) == ['2  color: "Blue" -> "Black"']


def test_photos_become_new_products_or_a_supplemental_feed(tmp_path: Path, journal: Journal, record: Make) -> None:
    for name in ("in/10443.jpg", "out/10443.png", "Red_Shirt.jpg", "broken.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    source = PhotoFiles([str(tmp_path)])
    told: list[str] = []
    merger = TagMerger(TAXONOMY)
    shopify, google = (
        ShopExport(shop, source, merger, TaxonomyMapping.read(), told.append) for shop in ("shopify", "google")
    )
    fill(shopify, journal, p10443=record("colour/Black"), pRed_Shirt=record("category/Footwear"))
    shopify.write(tmp_path / "new.csv", journal)
    read = pandas.read_csv(tmp_path / "new.csv", keep_default_na=False, dtype=str)
    assert read["URL handle"].tolist() == ["red-shirt", "10443", "10443-2"]  # in the order of their paths
    assert read["Status"].tolist() == ["draft"] * 3
    google.write(tmp_path / "new.tsv", journal)
    read = pandas.read_csv(tmp_path / "new.tsv", sep="\t", keep_default_na=False, dtype=str)
    assert read["id"].tolist() == ["Red_Shirt", "10443"] and read["color"].tolist() == ["", "Black"]
    assert len(told) == 1 and "another photo is called '10443'" in told[0]


def test_a_csv_of_another_kind_is_refused(tmp_path: Path) -> None:
    for shop, column in (("shopify", "Title"), ("google", "id")):
        with pytest.raises(Exception, match=f"has no column {column}"):
            export(tmp_path, shop, "Handle,image\na,1.jpg\n", print)


POSITIONS = """\
Handle,Title,Tags,Image Src,Image Position
red,Red,,https://x/back.jpg,2
red,,,,
red,,,https://x/front.jpg,1
bare,Bare,,,
odd,Odd,,a.jpg,
odd,,,b.jpg,x
odd,,,c.jpg,10
odd,,,d.jpg,9.0
"""


@pytest.mark.parametrize("spelt", ["Image Position", "Image position", "image position "])
def test_a_product_s_photo_is_that_of_the_first_position(tmp_path: Path, journal: Journal, spelt: str) -> None:
    made = export(tmp_path, "shopify", POSITIONS.replace("Image Position", spelt), print)
    assert [item.name for item in made.source.items(journal.index)] == ["https://x/front.jpg", "d.jpg"]
    assert [entry.product for entry in made.source.entries(journal)] == ["red", "odd"]
    assert made.source.count() == 3 and journal.index.count_without_photo() == 1


def test_an_id_that_comes_again_in_a_feed_is_told(tmp_path: Path, journal: Journal, record: Make) -> None:
    told: list[str] = []
    made = export(
        tmp_path, "google", "id,image_link,color\n1,1.jpg,\n1,2.jpg,\n,3.jpg,\n2,4.jpg,\n1 ,5.jpg,\n", told.append
    )
    fill(made, journal, p1=record("colour/Black"), p4=record("colour/Black"))
    rows = [after["color"] for _, _, after in made.rows(journal)]
    assert rows == ["Black", "", "", "Black", ""]
    assert [line[:33] for line in told] == ["row 2: the id '1' stood before; t", "row 5: the id '1' stood before; t"]


def test_a_feed_of_bare_quotes_comes_back_as_it_was(tmp_path: Path, journal: Journal, record: Make) -> None:
    header, rows = (
        "id\ttitle\timage_link\tcolor",
        ['1\t"Best" shirt\t1.jpg\tRed', '2\t5" disk\t2.jpg\t', "3\t\t3.jpg\tx"],
    )
    made = export(tmp_path, "google", "\n".join([header, *rows, ""]), print)
    fill(made, journal, p2=record("colour/Black", "category/Footwear"))
    made.write(tmp_path / "out.tsv", journal)
    lines = (tmp_path / "out.tsv").read_text().splitlines()
    assert lines[0].startswith(header) and [line.rsplit("\t", 4)[0] for line in lines[1:]] == [
        rows[0], rows[1] + "Black", rows[2]
    ]  # fmt: skip
    made.write(tmp_path / "out.csv", journal)
    assert pandas.read_csv(tmp_path / "out.csv")["title"][0] == '"Best" shirt'


def test_quoted_tabs_stay_quoted(tmp_path: Path, journal: Journal, record: Make) -> None:
    made = export(tmp_path, "google", 'id\ttitle\timage_link\n1\t"two\nlines"\t1.jpg\n', print)
    fill(made, journal, p1=record("colour/Black"))
    made.write(tmp_path / "out.tsv", journal)
    assert pandas.read_csv(tmp_path / "out.tsv", sep="\t")["title"][0] == "two\nlines"


def test_photos_whose_names_are_no_text_become_products(tmp_path: Path, journal: Journal, record: Make) -> None:
    for name in (b"h\xe9.jpg", b"h\xe8.jpg"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"x")
    source = PhotoFiles([str(tmp_path)])
    for item in source.items(journal.index):
        journal.append(item.key, record("colour/Black"))
    for shop, column, ids in (("shopify", "URL handle", ["h", "h-2"]), ("google", "id", ["h\\xe8", "h\\xe9"])):
        made = ShopExport(shop, source, TagMerger(TAXONOMY), TaxonomyMapping.read(), print)
        made.write(tmp_path / "out.csv", journal)
        assert pandas.read_csv(tmp_path / "out.csv", dtype=str)[column].tolist() == ids


def test_no_spreadsheet_runs_a_cell_of_ours_and_yours_stay(tmp_path: Path, journal: Journal, record: Make) -> None:
    taxonomy = Taxonomy(
        (Facet("category", ("category",)), Facet("colour", ("colour",)), Facet("gender", ("gender",))),
        (Tag("category", ("=cmd",)), Tag("colour", ("@x",)), Tag("gender", ("+y",))),
    )
    text = 'Handle,Title,Tags,Image Src\n=a,=B,,1.jpg\n-c,+D,"=e, f",2.jpg\n'
    made = replace(export(tmp_path, "shopify", text, print), merger=TagMerger(taxonomy))
    fill(made, journal, p1=record("category/=cmd", "colour/@x"), p2=record("category/=cmd"))
    made.write(tmp_path / "out.csv", journal)
    with (tmp_path / "out.csv").open(newline="") as file:
        _, *rows = csv.reader(file)
    assert rows == [["=a", "=B", "'=cmd, @x", "1.jpg"], ["-c", "+D", "=e, f, =cmd", "2.jpg"]]


def test_products_of_photos_are_no_formulas(tmp_path: Path, journal: Journal, record: Make) -> None:
    (tmp_path / "=1+1.jpg").write_bytes(b"x")
    source, told = PhotoFiles([str(tmp_path)]), list[str]()
    for item in source.items(journal.index):
        journal.append(item.key, record("colour/Black"))
    for shop, column in (("shopify", "Title"), ("google", "id")):
        made = ShopExport(shop, source, TagMerger(TAXONOMY), TaxonomyMapping.read(), told.append)
        made.write(tmp_path / "out.csv", journal)
        assert pandas.read_csv(tmp_path / "out.csv", dtype=str)[column].tolist() == ["'=1+1"]
    assert len(told) == 1 and "a spreadsheet would run its id" in told[0]
