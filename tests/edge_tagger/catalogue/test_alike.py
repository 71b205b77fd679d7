from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from edge_tagger.catalogue.alike import Alike, find_alike, is_no_label, look_alike_key, visible
from edge_tagger.catalogue.check import check_catalogue
from edge_tagger.catalogue.report import as_json, as_text
from edge_tagger.catalogue.source import Photo, read_catalogue
from edge_tagger.taxonomy import Facet

COLOUR = Facet("colour", ("colour",))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Red", "RED"),
        ("Straße", "STRASSE"),
        ("\u0130zmir", "izmir"),
        ("Crème", unicodedata.normalize("NFD", "Crème")),
        ("\uff32ed", "Red"),
        ("Red", "Red\u200b"),
        ("Red", "R\u00aded"),
        ("Red", "\u202aRed\u202c"),
        ("Red", "\ufeffRed"),
        ("Red", "Red\u2800"),
        ("é", "e\u200b\u0301"),
        ("Navy Blue", "Navy\u00a0Blue"),
        ("Navy Blue", "Navy-Blue"),
        ("T-Shirt", "T\u2011Shirt"),
        ("T-Shirt", "Tshirt"),
        ("Men's", "Men\u2019s"),
        ("Men's", "Men&#39;s"),
        ("Red", "R\u0435d"),  # Cyrillic
        ("1", "1.0"),
        ("1", "01"),
        ("38.5", "38,50"),
        ("1000", "1,000"),
        ("36-38", "36\u201338"),
    ],
)
def test_labels_that_look_alike_share_a_key(first: str, second: str) -> None:
    assert first != second and look_alike_key(first) == look_alike_key(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [("Red", "Rod"), ("1", "10"), ("1", "-1"), ("36-38", "3638"), ("10", "1.0"), ("1,000", "1"), ("Creme", "Crème")],
)
def test_other_labels_do_not(first: str, second: str) -> None:
    assert look_alike_key(first) != look_alike_key(second)


@pytest.mark.parametrize(
    "label",
    ["N/A", "n/a", "NA", "null", "None", "NaN", "-", "\u2014", "?", "unknown", "N / A", "#N/A", "\u200b", "<NA>"],
)
def test_words_for_no_label(label: str) -> None:
    assert is_no_label(label)


def test_a_label_of_one_letter_or_sign_is_one() -> None:
    assert not any(map(is_no_label, ("S", "0", "Nana", "Other", "#1", "A-")))


def photos(column: str, *cells: str) -> list[Photo]:
    return [Photo(Path(f"{n}.png"), {column: cell}, f"p.csv:{n + 2}") for n, cell in enumerate(cells)]


def test_a_facets_own_word_for_none_and_cells_of_several_labels() -> None:
    details = Facet("details", ("details",), exclusive=False, separator="|", none="none")
    found = find_alike([details], photos("details", "none", "Bow|pocket", "bow", "None", "", "n/a|Bow"))
    assert [[each.label for each in group.spellings] for group in found] == [
        ["none", "None"],
        ["Bow", "bow"],
        ["None", "n/a"],
    ]
    assert [group.no_label for group in found] == [False, False, True]
    assert str(found[1]) == (
        "details: 'Bow' (2 photos, first at p.csv:3), 'bow' (1 photos, first at p.csv:4): these look alike and are "
        "different labels; write them the same way"
    )


def test_each_level_of_a_facet_is_looked_at_on_its_own() -> None:
    kind = Facet("kind", ("top", "sub"))
    rows = [Photo(Path("a"), {"top": a, "sub": b}, "a") for a, b in (("Shoe", "Boot"), ("Bag", "boot"), ("bag", "BAG"))]
    assert [(each.column, [s.label for s in each.spellings]) for each in find_alike([kind], rows)] == [
        ("top", ["Bag", "bag"]),
        ("sub", ["Boot", "boot"]),
    ]


def test_what_cannot_be_seen_or_told_apart_is_shown_as_escapes() -> None:
    assert visible("Red\u200b\u00a0x\x1b") == r"Red\u200b\xa0x\x1b"
    assert visible(unicodedata.normalize("NFD", "è")) == r"e\u0300" and visible("Grün") == "Grün"
    (found,) = find_alike([COLOUR], photos("colour", "Red", "R\u0435d"))
    assert isinstance(found, Alike) and r"'R\u0435d'" in str(found)


def test_the_check_lists_them_and_keeps_them_apart(draw, write_csv) -> None:
    cells = ["Red", "red", "Blue", "N/A"] * 3
    for n in range(12):
        draw(f"{n}.png", n)
    source = write_csv(
        ["image", "colour", "split"], [[f"{n}.png", c, "val" if n > 7 else "train"] for n, c in enumerate(cells)]
    )
    found = check_catalogue(read_catalogue(source), [COLOUR], min_count=1, split_column="split")
    assert {count.tag.name for count in found.levels[0].tags} == {"Red", "red", "Blue", "N/A"}
    for told in (as_text(found).partition("Warnings")[2], "\n".join(as_json(found)["warnings"])):
        assert (
            "colour: 'Red' (3 photos, first at products.csv:2), 'red' (3 photos, first at products.csv:3): the" in told
        )
        assert "colour: 'N/A' (3 photos, first at products.csv:5): a word for no label" in told
    assert found.problems == ()
