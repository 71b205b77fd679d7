from __future__ import annotations

from collections.abc import Callable

import pytest

from edge_tagger.shops.changes import changes
from edge_tagger.shops.merge import Policy, TagMerger, merge_cell, one_tag, split_tags
from edge_tagger.tagged import TaggedPhoto
from edge_tagger.taxonomy import Facet, Tag, Taxonomy

Make = Callable[..., TaggedPhoto]


def test_append_keeps_what_is_there(taxonomy: Taxonomy, tagged: Make) -> None:
    merger = TagMerger(taxonomy)
    assert merger.merge("sale, blue", tagged("colour/Black/Black")) == "sale, blue, Black"
    assert merger.merge("", tagged("category/Footwear/Shoes", "gender/Men")) == "Footwear, Shoes, Men"


def test_replace_takes_away_the_facets_own_tags_alone(taxonomy: Taxonomy, tagged: Make) -> None:
    merger = TagMerger(taxonomy, Policy(facets={"colour": "replace"}))
    assert merger.merge("sale, BLUE, Shoes", tagged("colour/Black")) == "sale, Shoes, Black"


def test_a_facet_without_an_answer_changes_nothing(taxonomy: Taxonomy, tagged: Make) -> None:
    merger = TagMerger(taxonomy, Policy("replace"))
    assert merger.merge("Blue, Men", tagged("gender/Boys")) == "Blue, Boys"


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_a_cell_that_has_the_tags_stays_to_the_letter(taxonomy: Taxonomy, tagged: Make, mode: str) -> None:
    cell = " black ,Sale,,black"
    assert TagMerger(taxonomy, Policy(mode)).merge(cell, tagged("colour/Black/Black")) == cell
    assert TagMerger(taxonomy, Policy(mode)).merge(cell, tagged()) == cell


def test_a_name_of_two_facets_gives_way_only_where_both_do(tagged: Make) -> None:
    twice = Taxonomy(
        (Facet("colour", ("c",)), Facet("usage", ("u",))), tuple(map(Tag.from_id, ("colour/Gold", "usage/Gold")))
    )
    photo = tagged("colour/Gold")
    assert TagMerger(twice, Policy(facets={"colour": "replace"})).merge("x, gold", photo) == "x, gold"
    assert TagMerger(twice, Policy("replace")).merge("x, gold", tagged("colour/Red")) == "x, gold, Red"
    both = tagged("colour/Red", "usage/Work")
    assert TagMerger(twice, Policy("replace")).merge("x, gold", both) == "x, Red, Work"


def test_tags_shown_in_another_language_are_known_as_the_facets_own(taxonomy: Taxonomy, tagged: Make) -> None:
    merger = TagMerger(taxonomy, Policy("replace"), display_names={"colour/Blue": "Blau"})
    assert merger.merge("Blau, Sale", tagged("colour/Black")) == "Sale, Black"


def test_commas_separate_and_quotes_stay(taxonomy: Taxonomy, tagged: Make) -> None:
    merged = TagMerger(taxonomy).merge('8" box', tagged('category/Bags, Wallets/12" Case'))
    assert merged == '8" box, Bags; Wallets, 12" Case'
    assert split_tags(merged) == ['8" box', "Bags; Wallets", '12" Case']
    assert one_tag("a,\n b") == "a; b"


def test_a_cell_of_one_value_is_filled_or_written_over_and_never_emptied() -> None:
    assert merge_cell(" ", "new", replace=False) == "new"
    assert merge_cell("old", "new", replace=False) == "old"
    assert merge_cell("old", "new", replace=True) == "new"
    assert merge_cell("old", "", replace=True) == "old"


def test_policies_are_read_from_words() -> None:
    policy = Policy.of(["replace", "colour=append"], ["category", "colour"])
    assert policy.replaces("category") and not policy.replaces("colour")
    with pytest.raises(ValueError, match="did you mean 'colour'"):
        Policy.of(["color=append"], ["category", "colour"])
    with pytest.raises(ValueError, match="give append or replace"):
        Policy.of(["overwrite"], ["category"])


def test_changes_are_told_cell_by_cell() -> None:
    before = {"Handle": "a", "Tags": "old, Sale", "color": ""}
    after = {"Handle": "a", "Tags": "Sale, Black, Men", "color": "Black", "gender": "male"}
    told = [str(change) for change in changes("a", before, after)]
    assert told == ["a  Tags: + Black, Men  - old", 'a  color: "" -> "Black"', 'a  gender: "" -> "male"']
    assert changes("a", before, before) == []
