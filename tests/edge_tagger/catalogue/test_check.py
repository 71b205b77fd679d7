from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge_tagger.catalogue.check import Check, check_catalogue
from edge_tagger.catalogue.cooccurrence import cooccurring
from edge_tagger.catalogue.report import as_json, as_text
from edge_tagger.catalogue.source import read_catalogue
from edge_tagger.table import table
from edge_tagger.taxonomy import Facet, Tag, Taxonomy

KIND = Facet("kind", ("top", "sub"))
COLOUR = Facet("colour", ("colour",))
HEADER = ["image", "split", "top", "sub", "colour"]


@pytest.fixture
def messy(draw, write_csv, tmp_path: Path) -> Path:
    """Twenty photos with two of everything that a check must find."""
    rows = []
    for n in range(20):
        draw(f"{n}.png", n)
        kind = ["Shoe", "Boot"] if n % 2 else ["Bag", "Purse"]
        rows.append([f"{n}.png", "val" if n % 5 == 0 else "train", *kind, "Red" if n % 2 else "Blue"])
    rows[3][2] = "Boots"  # Boot under a second parent
    rows[4][4] = rows[6][4] = ""
    rows[8][4] = "Teal"
    draw("copy.png", 1)
    draw("like.png", 5, brighter=6)
    (tmp_path / "empty.jpg").touch()
    rows += [["copy.png", "train", "Bag", "Purse", "Blue"], ["like.png", "train", "Shoe", "Boot", "Red"]]
    rows += [["empty.jpg", "train", "Bag", "", ""], ["gone.jpg", "train", "Bag", "", ""]]
    return write_csv(HEADER, rows)


@pytest.fixture
def found(messy: Path) -> Check:
    return check_catalogue(read_catalogue(messy), [KIND, COLOUR], min_count=2, split_column="split")


def test_the_counts(found: Check) -> None:
    assert found.photos == 24 and len(found.split.photos) == 22
    assert found.split_sizes == {"train": 17, "val": 4, "left out": 1}
    levels = {level.column: level for level in found.levels}
    assert list(levels) == ["top", "sub", "colour"]
    assert (levels["colour"].labelled, levels["colour"].blank) == (20, 2)
    colours = {count.tag.name: (count.photos, count.kept) for count in levels["colour"].tags}
    assert colours["Red"] == ({"train": 8, "val": 2, "left out": 1}, True)
    assert colours["Teal"] == ({"train": 1, "val": 0, "left out": 0}, False)
    assert [count.tag.name for count in levels["colour"].too_rare] == ["Teal"]


def test_copies_look_alikes_leaks_and_broken_photos(found: Check) -> None:
    assert [[photo.path.name for photo in group] for group in found.copies] == [["1.png", "copy.png"]]
    assert [[photo.path.name for photo in group] for group in found.lookalikes] == [["5.png", "like.png"]]
    assert [(leak.photo.path.name, leak.other.path.name) for leak in found.leaks] == [("like.png", "5.png")]
    assert [photo.place for photo, _ in found.unreadable] == ["products.csv:24", "products.csv:25"]


def test_problems_and_warnings(found: Check) -> None:
    assert found.problems == ("2 photos are missing or cannot be decoded; restore them or remove their rows",)
    (contradiction,) = found.contradictions
    assert contradiction.kept == ("Shoe", "Boot")
    told = "\n".join(found.warnings)
    assert "1 photos are left out" in told
    assert "1 files stand in several rows with different labels, the first at products.csv:3" in told
    assert "name another parent" not in told  # one of eleven is no large minority


def test_a_large_minority_of_parents_is_warned_of(draw, write_csv) -> None:
    rows = []
    for n in range(10):
        draw(f"{n}.png", n)
        rows.append([f"{n}.png", "val" if n > 7 else "train", "Shoe" if n % 2 else "Boots", "Boot", "Red"])
    rows.append([draw("bag.png", 10).name, "train", "Bag", "", "Red"])
    found = check_catalogue(read_catalogue(write_csv(HEADER, rows)), [KIND], min_count=1, split_column="split")
    assert "kind: 5 of 10 photos of 'Boot' name another parent than the rest" in found.warnings


def test_a_facet_with_one_tag_is_a_problem_and_the_rest_is_still_reported(messy: Path) -> None:
    found = check_catalogue(read_catalogue(messy), [KIND, COLOUR], min_count=9, split_column="split")
    assert [problem for problem in found.problems if "facet 'colour'" in problem]
    assert len(found.levels) == 3


def test_the_json_has_everything(found: Check) -> None:
    value = json.loads(json.dumps(as_json(found)))
    assert list(value) == [
        "format",
        "source",
        "photos",
        "readable",
        "min_count",
        "splits",
        "levels",
        "pairs",
        "unreadable",
        "copies",
        "lookalikes",
        "contradictions",
        "leaks",
        "warnings",
        "problems",
    ]
    assert value["leaks"] == [
        {
            "place": "products.csv:23",
            "split": "train",
            "twin": "products.csv:7",
            "twin_split": "val",
            "reason": "same look",
        }
    ]
    assert value["levels"][2]["tags"][0] == {
        "tag": "colour/Red",
        "photos": {"train": 8, "val": 2, "left out": 1},
        "kept": True,
    }


def test_the_text_caps_long_lists(draw, write_csv) -> None:
    rows = []
    for n in range(12):
        draw(f"{n}.png", n)
        rows.append([f"{n}.png", "val" if n > 9 else "train", "Shoe", "Boot", "Red" if n % 2 else "Blue"])
    rows += [[f"gone{n}.png", "train", "Shoe", "Boot", "Red"] for n in range(100)]
    found = check_catalogue(read_catalogue(write_csv(HEADER, rows)), [COLOUR], min_count=1, split_column="split")
    text = as_text(found)
    assert "and 92 more" in text and len(text.splitlines()) < 60
    assert len(as_json(found)["unreadable"]) == 100


def test_a_table_is_aligned() -> None:
    assert table([["a", "1"], ["long", "1,000"]]) == ["a         1", "long  1,000"]


def test_cooccurrence_is_the_phi_coefficient_over_photos_where_both_are_known() -> None:
    taxonomy = Taxonomy(
        (Facet("a", ("a",)), Facet("b", ("b",)), Facet("d", ("d",), exclusive=False, separator="|")),
        (Tag("a", ("x",)), Tag("a", ("y",)), Tag("b", ("u",)), Tag("d", ("p",)), Tag("d", ("q",))),
    )
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, 200)
    u = np.where(rng.random(200) < 0.8, x, 1 - x)
    p, q = u, np.where(rng.random(200) < 0.6, u, 0)
    targets = np.stack([x, 1 - x, u, p, q], axis=1).astype(np.int8)
    targets[:50, 2] = -1
    pairs = {(pair.first.id, pair.second.id): pair for pair in cooccurring(taxonomy, targets, min_photos=1)}
    known = slice(50, None)
    assert pairs["a/x", "b/u"].correlation == pytest.approx(np.corrcoef(x[known], u[known])[0, 1])
    assert pairs["a/x", "b/u"].photos == (x[known] & u[known]).sum()
    assert pairs["a/x", "b/u"].lift == pytest.approx((x[known] & u[known]).mean() / (x[known].mean() * u[known].mean()))
    assert pairs["b/u", "d/p"].correlation == pytest.approx(1)
    assert ("d/p", "d/q") in pairs  # an any-of facet's own tags may go together
    assert ("a/x", "a/y") not in pairs and ("a/y", "b/u") not in pairs
