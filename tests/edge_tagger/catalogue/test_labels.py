from __future__ import annotations

from pathlib import Path

import pytest

from edge_tagger.catalogue.labels import cell_paths, encode
from edge_tagger.catalogue.source import Photo
from edge_tagger.taxonomy import Facet, Tag, Taxonomy

KIND = Facet("kind", ("top", "sub"))
DETAILS = Facet("details", ("details",), exclusive=False, separator="|", none="none")
TAXONOMY = Taxonomy(
    (KIND, DETAILS),
    (
        Tag("kind", ("Bag",)),
        Tag("kind", ("Shoe",)),
        Tag("kind", ("Shoe", "Boot")),
        Tag("kind", ("Shoe", "Heel")),
        Tag("details", ("logo",)),
        Tag("details", ("stripe",)),
    ),
)


def photo(top: str = "", sub: str = "", details: str = "") -> Photo:
    return Photo(Path("a.jpg"), {"top": top, "sub": sub, "details": details}, "products.csv:2")


@pytest.mark.parametrize(
    ("cell", "paths"),
    [
        ("", None),
        ("none", []),
        ("stripe", [("stripe",)]),
        (" stripe | logo |stripe||", [("stripe",), ("logo",)]),
    ],
)
def test_separated_cells(cell: str, paths: object) -> None:
    assert cell_paths(DETAILS, {"details": cell}) == paths


@pytest.mark.parametrize(
    ("top", "sub", "paths"),
    [("Shoe", "Boot", [("Shoe", "Boot")]), ("Shoe", "", [("Shoe",)]), ("", "Boot", None), ("", "", None)],
)
def test_levels_down_to_the_first_blank(top: str, sub: str, paths: object) -> None:
    assert cell_paths(KIND, {"top": top, "sub": sub}) == paths


@pytest.mark.parametrize(
    ("given", "targets"),
    [
        (photo(), [-1, -1, -1, -1, -1, -1]),
        (photo("Shoe", "Boot", "logo"), [0, 1, 1, 0, 1, 0]),
        (photo("Shoe", "", "none"), [0, 1, -1, -1, 0, 0]),
        (photo("Bag", "", "stripe|logo"), [1, 0, 0, 0, 1, 1]),
        (photo("Shoe", "Sandal", "pocket"), [0, 1, 0, 0, 0, 0]),  # labels that the taxonomy does not have
        (photo("Hat", ""), [0, 0, 0, 0, -1, -1]),
        (photo("Bag", "Boot"), [0, 1, 1, 0, -1, -1]),  # the taxonomy's parent wins
    ],
)
def test_targets(given: Photo, targets: list[int]) -> None:
    assert encode(TAXONOMY, [given])[0].tolist() == targets


def test_no_photos() -> None:
    assert encode(TAXONOMY, []).shape == (0, 6)
