from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas
import pytest

from edge_tagger.errors import CatalogueError
from edge_tagger.shops.dialects import CommaSeparated, TabSeparated, write_rows
from edge_tagger.shops.google_merchant import COLUMNS, columns, header, merge_row
from edge_tagger.shops.mapping import TaxonomyMapping
from edge_tagger.shops.merge import Policy
from edge_tagger.tagged import TaggedPhoto

Make = Callable[..., TaggedPhoto]


def test_columns_of_a_photo(mapping: TaxonomyMapping, tagged: Make) -> None:
    photo = tagged("category/Footwear/Shoes/Sports Shoes", "colour/Black/Black", "gender/Boys")
    assert columns(photo, mapping) == {
        "color": "Black",
        "gender": "male",
        "age_group": "kids",
        "product_type": "Footwear > Shoes > Sports Shoes",
        "google_product_category": "187",
    }
    assert columns(tagged(), mapping) == dict.fromkeys(COLUMNS, "")
    unisex = columns(tagged("gender/Unisex"), mapping)
    assert (unisex["gender"], unisex["age_group"]) == ("unisex", "")


def test_dominant_colours_stand_in_where_the_tag_names_none(mapping: TaxonomyMapping, tagged: Make) -> None:
    seen = ["Red", "Blue", "Green", "White"]
    assert columns(tagged("colour/Multi"), mapping, colours=seen)["color"] == "Red/Blue/Green"
    assert columns(tagged(), mapping, colours=seen)["color"] == "Red/Blue/Green"
    assert columns(tagged("colour/Blue"), mapping, colours=seen)["color"] == "Blue"
    assert columns(tagged("colour/Multi"), mapping)["color"] == ""


def test_limits_of_the_specification_hold(mapping: TaxonomyMapping, tagged: Make) -> None:
    long = [letter * 40 for letter in "abc"]
    assert columns(tagged(), mapping, colours=long)["color"] == "/".join(long[:2])
    assert columns(tagged(), mapping, colours=["x" * 41, "Red"])["color"] == "Red"
    deep = tagged("/".join(["category", *(f"{level:04}" * 10 for level in range(30))]))
    product_type = columns(deep, mapping)["product_type"]
    assert 700 < len(product_type) <= 750 and product_type.startswith("0000")


def test_a_product_type_is_one_path(mapping: TaxonomyMapping, tagged: Make) -> None:
    assert columns(tagged("category/Belts/Belts"), mapping)["product_type"] == "Belts"
    odd = tagged("category/Bags, Wallets/A > B")
    assert columns(odd, mapping)["product_type"] == "Bags; Wallets > A - B"


def test_a_feeds_cells_are_filled_or_written_over(mapping: TaxonomyMapping, tagged: Make) -> None:
    row = {"id": "7", "title": "T", "Color": "red", "google product category": "", "gender": "female"}
    photo = tagged("category/Footwear", "colour/Black", "gender/Men")
    merged = merge_row(row, photo, Policy(facets={"colour": "replace"}), mapping)
    assert merged == {
        "id": "7", "title": "T", "Color": "Black", "google product category": "187", "gender": "female",
        "age_group": "adult", "product_type": "Footwear",
    }  # fmt: skip
    assert list(merged) == sorted(merged, key=header(list(row)).index)


def test_a_feed_needs_ids() -> None:
    assert header(["id", "Age Group"]) == ["id", "Age Group", *(name for name in COLUMNS if name != "age_group")]
    with pytest.raises(CatalogueError, match="the shop has no column id"):
        header(["sku"], name="the shop")


@pytest.mark.parametrize(("dialect", "separator"), [(TabSeparated, "\t"), (CommaSeparated, ",")])
def test_another_reader_finds_every_product(
    tmp_path: Path, mapping: TaxonomyMapping, tagged: Make, dialect: type[CommaSeparated], separator: str
) -> None:
    titles = ['8" box, red', "tab\tin it", "two\nlines", "plain", ""]
    photo = tagged('category/Bags, Wallets/12" Case', "gender/Men")
    rows = [
        merge_row({"id": f"00{place}", "title": title}, photo, Policy(), mapping) for place, title in enumerate(titles)
    ]
    path = tmp_path / "feed.txt"
    write_rows(path, header(["id", "title"]), rows, dialect)
    frame = pandas.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
    assert frame.to_dict("records") == rows
    assert list(frame["title"]) == titles
    assert frame["product_type"][0] == 'Bags; Wallets > 12" Case'
