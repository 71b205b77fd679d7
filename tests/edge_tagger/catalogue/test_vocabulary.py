from __future__ import annotations

from pathlib import Path

import pytest

from edge_tagger.catalogue.source import Photo
from edge_tagger.catalogue.vocabulary import build_vocabulary
from edge_tagger.errors import CatalogueError
from edge_tagger.taxonomy import Facet

KIND = Facet("kind", ("top", "sub"))
DETAILS = Facet("details", ("details",), exclusive=False, separator="|")


def photos(*cells: tuple[str, str]) -> list[Photo]:
    return [Photo(Path("a.jpg"), {"top": top, "sub": sub}, "a.csv:2") for top, sub in cells]


def test_parents_stand_before_children_and_rare_tags_are_dropped() -> None:
    found = build_vocabulary(
        [KIND], photos(*[("Shoe", "Boot")] * 3, *[("Shoe", "Heel")] * 2, *[("Bag", "")] * 2, ("Hat", "")), min_count=2
    )
    assert [tag.id for tag in found.taxonomy.tags] == ["kind/Bag", "kind/Shoe", "kind/Shoe/Boot", "kind/Shoe/Heel"]
    assert found.counts == (2, 5, 3, 2)
    assert [(tag.id, count) for tag, count in found.dropped] == [("kind/Hat", 1)]
    assert found.contradictions == ()


def test_the_majority_of_parents_wins_and_is_listed() -> None:
    cells = [("Shoe", "Sandal")] * 3 + [("Sandals", "Sandal")] * 2 + [("Bag", "")] * 2
    found = build_vocabulary([KIND], photos(*cells), min_count=1)
    assert "kind/Shoe/Sandal" in [tag.id for tag in found.taxonomy.tags]
    assert "kind/Sandals/Sandal" not in [tag.id for tag in found.taxonomy.tags]
    counted = dict(zip([tag.id for tag in found.taxonomy.tags], found.counts, strict=True))
    assert counted["kind/Shoe/Sandal"] == counted["kind/Shoe"] == 5
    (contradiction,) = found.contradictions
    assert contradiction.kept == ("Shoe", "Sandal")
    assert contradiction.counts == ((("Shoe", "Sandal"), 3), (("Sandals", "Sandal"), 2))


def test_separated_labels_are_counted_each() -> None:
    cells = ["logo|stripe", "stripe", "", "none"]
    given = [Photo(Path("a.jpg"), {"details": cell}, "a.csv:2") for cell in cells]
    facet = Facet("details", ("details",), exclusive=False, separator="|", none="none")
    found = build_vocabulary([facet], given, min_count=1)
    assert [(tag.id, n) for tag, n in zip(found.taxonomy.tags, found.counts, strict=True)] == [
        ("details/logo", 1),
        ("details/stripe", 2),
    ]


def test_a_facet_with_nothing_to_learn_is_an_error() -> None:
    with pytest.raises(CatalogueError, match=r"facet 'kind' .* keeps 1 tags with at least 2 photos"):
        build_vocabulary([KIND], photos(*[("Shoe", "")] * 3, ("Bag", "")), min_count=2)
