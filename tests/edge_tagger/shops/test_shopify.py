from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas
import pytest

from edge_tagger.errors import CatalogueError
from edge_tagger.shops.dialects import CommaSeparated, write_rows
from edge_tagger.shops.mapping import TaxonomyMapping
from edge_tagger.shops.merge import Policy, TagMerger
from edge_tagger.shops.shopify import NEW_HEADER, Columns, merge_rows, new_rows, slug, title
from edge_tagger.tagged import TaggedPhoto
from edge_tagger.taxonomy import Taxonomy

Make = Callable[..., TaggedPhoto]
EXPORT = """\
Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Option1 Name,Option1 Value,Variant SKU,Image Src,Status
run,"Run ""Pro"", red","<p>Light,
quick</p>",Acme,,Shoes,"sale, ""new"", Blue",Size,41,R-41,https://x/1.jpg,active
run,,,,,,,,42,R-42,,
run,,,,,,,,,,https://x/2.jpg,
case,Case,,Acme,Luggage & Bags,Bags,,Title,Default Title,C-1,,active
,Nameless Shoe,,,,,,,,N-1,,draft
run,Another,,Acme,,,kept,,,,,active
"""


def read(text: str) -> tuple[list[str], list[dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    return list(reader.fieldnames or ()), list(reader)


def merge(
    tagged: Mapping[str, TaggedPhoto], taxonomy: Taxonomy, mapping: TaxonomyMapping, policy: Policy | None = None
) -> tuple[list[dict[str, str]], list[dict[str, str]], list[str]]:
    header, rows = read(EXPORT)
    problems: list[str] = []
    merger = TagMerger(taxonomy, policy or Policy())
    merged = merge_rows(rows, tagged.get, Columns.of(header), merger, mapping, on_problem=problems.append)
    return rows, list(merged), problems


def test_only_the_first_row_of_a_product_changes(taxonomy: Taxonomy, mapping: TaxonomyMapping, tagged: Make) -> None:
    photos = {"run": tagged("category/Footwear/Shoes/Sports Shoes", "colour/Black"), "case": tagged("gender/Men")}
    rows, merged, problems = merge(photos, taxonomy, mapping)
    assert [list(row) for row in merged] == [list(row) for row in rows]
    changed = [
        (place, column) for place, row in enumerate(rows) for column in row if row[column] != merged[place][column]
    ]
    assert changed == [(0, "Product Category"), (0, "Tags"), (3, "Tags")]
    assert merged[0]["Tags"] == 'sale, "new", Blue, Footwear, Shoes, Sports Shoes, Black'
    assert merged[0]["Product Category"] == "Apparel & Accessories > Shoes > Athletic Shoes"
    assert len(problems) == 1 and problems[0].startswith("row 6: the handle 'run' stood before")


def test_replace_writes_over_tags_and_category(taxonomy: Taxonomy, mapping: TaxonomyMapping, tagged: Make) -> None:
    photos = {"run": tagged("colour/Black"), "case": tagged("category/Footwear")}
    policy = Policy(facets={"colour": "replace", "category": "replace"})
    _, merged, _ = merge(photos, taxonomy, mapping, policy)
    assert merged[0]["Tags"] == 'sale, "new", Black'
    assert merged[3]["Product Category"] == "Apparel & Accessories > Shoes"


def test_a_product_without_a_handle_goes_by_its_title(
    taxonomy: Taxonomy, mapping: TaxonomyMapping, tagged: Make
) -> None:
    _, merged, _ = merge({"nameless-shoe": tagged("gender/Men")}, taxonomy, mapping)
    assert (merged[4]["Handle"], merged[4]["Tags"]) == ("", "Men")


def test_more_tags_than_shopify_takes_are_told_and_left_out(
    taxonomy: Taxonomy, mapping: TaxonomyMapping, tagged: Make
) -> None:
    row = {"Handle": "a", "Title": "A", "Tags": ", ".join(map(str, range(250)))}
    problems: list[str] = []
    (merged,) = merge_rows(
        [row], {"a": tagged("gender/Men")}.get, Columns.of(list(row)), TagMerger(taxonomy), mapping,
        on_problem=problems.append,
    )  # fmt: skip
    assert merged == row
    assert problems == ["row 1: 'a' would have 251 tags; Shopify takes 250; left as it is"]


def test_the_present_templates_names_are_known() -> None:
    columns = Columns.of(["Title", "URL handle", "Product category", "Tags"])
    assert (columns.handle, columns.category) == ("URL handle", "Product category")
    assert Columns.of(["Handle", "Title", "Tags"]).category is None


@pytest.mark.parametrize("missing", ["Handle", "Title", "Tags"])
def test_a_file_that_is_no_product_export_is_refused(missing: str) -> None:
    header = [column for column in ("Handle", "Title", "Tags") if column != missing]
    with pytest.raises(CatalogueError, match=f"shop.csv has no column {missing}"):
        Columns.of(header, name="shop.csv")


def test_other_readers_find_every_product(
    tmp_path: Path, taxonomy: Taxonomy, mapping: TaxonomyMapping, tagged: Make
) -> None:
    photo = tagged('category/Bags, Wallets/12" Case', "colour/Black")
    rows, merged, _ = merge({"run": photo, "case": photo}, taxonomy, mapping)
    path = tmp_path / "out.csv"
    write_rows(path, list(rows[0]), merged)
    frame = pandas.read_csv(path, dtype=str, keep_default_na=False)
    assert frame.to_dict("records") == merged
    assert [tag.strip() for tag in frame["Tags"][3].split(",")] == ["Bags; Wallets", '12" Case', "Black"]
    assert frame["Body (HTML)"][0] == "<p>Light,\nquick</p>"
    with path.open(encoding="utf-8", newline="") as stream:
        sniffed = csv.Sniffer().sniff(stream.read())
        stream.seek(0)
        again = list(csv.DictReader(stream, dialect=sniffed))
    assert (sniffed.delimiter, sniffed.quotechar, sniffed.doublequote) == (",", '"', True)
    assert again == merged


def test_a_row_with_a_column_of_its_own_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="extra"):
        write_rows(tmp_path / "out.csv", ["a"], [{"a": "1", "extra": "2"}], CommaSeparated)
    assert list(tmp_path.iterdir()) == []


def test_photos_become_drafts_with_handles_of_their_own(mapping: TaxonomyMapping, tagged: Make) -> None:
    shoe = tagged("category/Footwear/Shoes", "colour/Black/Black")
    photos = [("a/Red_Shirt (1).jpg", shoe), ("b/red-shirt-1.png", shoe), ("写真.jpg", tagged()), ("図.jpg", tagged())]
    rows = list(new_rows(photos, mapping))
    assert [tuple(row) for row in rows] == [NEW_HEADER] * 4
    assert [row["URL handle"] for row in rows] == ["red-shirt-1", "red-shirt-1-2", "写真", "図"]
    assert [row["Title"] for row in rows] == ["Red Shirt (1)", "red shirt 1", "写真", "図"]
    assert rows[0]["Tags"] == "Footwear, Shoes, Black"
    assert rows[0]["Product category"] == "Apparel & Accessories > Shoes"
    assert {row["Status"] for row in rows} == {"draft"} and {row["Product image URL"] for row in rows} == {""}


@pytest.mark.parametrize(
    ("name", "handle"),
    [
        ("Été à la Mer!  Taille 2", "ete-a-la-mer-taille-2"),
        ("100% M & Ms!!!", "100-m-ms"),
        ("Women's Snowboard", "womens-snowboard"),
        ("Women\u2019s “New” (2) [B]", "womens-new-2-b"),
        ("a b-c_d.e", "a-b-c_d-e"),
        ("Straße Ærø Łódź İstanbul ÞÓR", "strasse-aero-lodz-istanbul-thor"),
        ("Cafe\u0301", "cafe"),
        ("日本", "日本"),
        ("赤いシャツ ガ", "赤いシャツ-ガ"),
        ("Красная блузка", "красная-блузка"),
        ("한국어", "한국어"),
        ("साड़ी", "साड़ी"),
        ("\uff21\uff22\uff23", "abc"),
        ("---", ""),
        ("👕", ""),
    ],
)
def test_a_handle_is_made_as_shopify_makes_it(name: str, handle: str) -> None:
    assert slug(name) == unicodedata.normalize("NFC", handle)


def test_titles() -> None:
    assert title("__") == "__"


def test_products_without_a_handle_are_told_apart_by_their_titles() -> None:
    titles = [
        "赤いシャツ",
        "Красная блузка",
        "シャツ 1",
        "靴 1",
        "👕",
        "👖",
        "---",
        "Shirt!",
        "Shirt?",
        "Shirt!",
        "Hat",
    ]
    rows = [{"Title": name, "URL handle": "", "Tags": ""} for name in [*titles, ""]]
    columns = Columns.of(list(rows[0])).apart(rows)
    products = [columns.product(row) for row in rows]
    assert products[-1] == "" and all(products[:-1]) and len(set(products)) == len(set(titles)) + 1
    assert products[7] == products[9] == "Shirt!" and products[10] == "hat"
    assert columns.product({"Title": "Shirt?", "URL handle": " mine ", "Tags": ""}) == "mine"
