from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_tagger import models, read_manifest
from edge_tagger.errors import MappingError
from edge_tagger.shops.mapping import BUILT_IN, TaxonomyMapping
from edge_tagger.tagged import TaggedPhoto
from edge_tagger.tagger import DEFAULT_MODEL
from edge_tagger.taxonomy import Taxonomy

NO_EQUIVALENT = [
    "category/Accessories",
    "category/Accessories/Accessories",
    "category/Accessories/Accessories/Accessory Gift Set",
    "category/Accessories/Bags",
    "category/Accessories/Eyewear",
]


@pytest.fixture(scope="module")
def released() -> Taxonomy:
    return read_manifest(Path(models.__path__[0]) / DEFAULT_MODEL).taxonomy


def test_the_built_in_mapping_covers_the_released_model(mapping: TaxonomyMapping, released: Taxonomy) -> None:
    mapping.require_tags_of(released)
    assert mapping.shopify.version == "2026-08"
    assert mapping.google.version == "2021-09-21"
    for shop in (mapping.shopify, mapping.google):
        assert shop.unmapped(released, "category") == NO_EQUIVALENT
    genders = {tag.id for tag in released.tags if tag.facet == "gender"}
    assert set(mapping.audience) == genders


def test_the_files_comment_names_the_tags_that_have_no_equivalent() -> None:
    comment = " ".join(
        line.removeprefix("#") for line in BUILT_IN.read_text(encoding="utf-8").splitlines() if line.startswith("#")
    )
    for identity in NO_EQUIVALENT:
        assert identity in comment or identity.rpartition("/")[2] in comment


def test_ids_and_paths_are_those_of_the_published_trees(mapping: TaxonomyMapping) -> None:
    """Both lists are trees: a Shopify id extends its parent's, and equal ids have equal paths."""
    paths = {category.id.rpartition("/")[2]: category.path for category in mapping.shopify.categories.values()}
    for number, path in paths.items():
        assert number.count("-") == path.count(" > "), (number, path)
        for other, longer in paths.items():
            assert other.startswith(f"{number}-") == longer.startswith(f"{path} > "), (path, longer)
    numbers = {category.id: category.path for category in mapping.google.categories.values()}
    assert len(set(numbers.values())) == len(numbers)


def test_a_tag_without_an_entry_takes_the_nearest_above(
    mapping: TaxonomyMapping, tagged: Callable[..., TaggedPhoto]
) -> None:
    new = tagged("category/Footwear/Shoes/Clogs")
    category = mapping.google.of(new, "category")
    assert category is not None and (category.id, category.path) == ("187", "Apparel & Accessories > Shoes")
    assert mapping.shopify.of(tagged("category/Toys"), "category") is None
    assert mapping.shopify.of(tagged("colour/Black"), "category") is None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('version = "2026-08"', "version = 2026-08", "line"),
        ('version = "2026-08"', "version = 2026", "'shopify.version' must be str, not 2026"),
        ("[shopify]", "[shopfy]", "unknown key 'shopfy'; did you mean 'shopify'?"),
        ('lb-1", path', 'lb-1", pth', "Backpacks.pth'; did you mean 'path'?"),
        ('"187"', '"Shoes"', "the id of 'category/Footwear' is 'Shoes'; ids of that list look like 1604"),
        ('gender = "male"', 'gender = "mal"', "the gender of 'gender/Boys' is 'mal'; Google takes male, female"),
        ("Luggage & Bags > Backpacks", "Luggage & Bags >Backpacks > ", "write A > B > C"),
        ("Clothing > Shorts", "Clothing > Shirts & Tops > ", "write A > B > C"),
        ('"category/Apparel" =', '"category" =', "'category' is not a tag"),
    ],
)
def test_a_broken_mapping_says_where(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = BUILT_IN.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(MappingError, match=re.escape(told)) as refused:
        TaxonomyMapping.read(path)
    assert "\n" not in str(refused.value) and str(path) in str(refused.value)


def test_one_id_has_one_path(tmp_path: Path) -> None:
    text = BUILT_IN.read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(
        text.replace('"204", path = "Apparel & Accessories > Clothing > Pants"', '"204", path = "Pants"', 1)
    )
    with pytest.raises(MappingError, match="category 204"):
        TaxonomyMapping.read(path)


def test_a_file_that_is_missing_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="cannot read the mapping"):
        TaxonomyMapping.read(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'[shopify]\nversion = "\xe9"\n')
    with pytest.raises(MappingError, match="cannot be used"):
        TaxonomyMapping.read(tmp_path / "latin.toml")


def test_a_tag_that_the_model_lacks_is_told_with_the_nearest(tmp_path: Path, released: Taxonomy) -> None:
    path = tmp_path / "mine.toml"
    text = BUILT_IN.read_text(encoding="utf-8").replace("Bottomwear/Jeans", "Bottomwear/Jean")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MappingError, match="did you mean 'category/Apparel/Bottomwear/Jeans'"):
        TaxonomyMapping.read(path).require_tags_of(released)


def test_the_built_in_file_is_sorted(mapping: TaxonomyMapping) -> None:
    for shop in (mapping.shopify, mapping.google):
        assert list(shop.categories) == sorted(shop.categories)
