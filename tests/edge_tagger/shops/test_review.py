from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge_tagger.catalogue.source import Photo
from edge_tagger.shops.measure_bands import count, lines, main
from edge_tagger.shops.review import Bands, columns, header
from edge_tagger.tagged import TaggedPhoto
from edge_tagger.taxonomy import Facet

Make = Callable[..., TaggedPhoto]


def test_the_lowest_score_of_a_facet_decides(tagged: Make) -> None:
    shoes, colour = tagged("category/Footwear/Shoes", score=0.9), tagged("colour/Blue", score=0.699)
    photo = TaggedPhoto((*shoes.tags, *colour.tags))
    facets = ["category", "colour", "gender"]
    assert columns(photo, facets) == {
        "review_category": "sure", "score_category": "0.900", "review_colour": "unsure", "score_colour": "0.699",
        "review_gender": "none", "score_gender": "",
    }  # fmt: skip
    assert header(facets) == list(columns(photo, facets))
    assert columns(photo, facets, Bands(0.95, 0.6))["review_category"] == "check"


def test_bands_stand_in_order() -> None:
    with pytest.raises(ValueError, match="0 <= check <= sure <= 1"):
        Bands(sure=0.5, check=0.6)


def test_answers_are_counted_by_band(tagged: Make) -> None:
    facets = (Facet("category", ("major", "minor")), Facet("colour", ("colour",), none="plain"))
    cells = [("Footwear", "Shoes"), ("Footwear", "Boots"), ("Footwear", "")]
    photos = [
        (Photo(Path("x.jpg"), {"major": major, "minor": minor, "colour": "plain"}, "x"), answer)
        for (major, minor) in cells
        for answer in (tagged("category/Footwear/Shoes", "colour/Blue"), tagged("category/Footwear", score=0.8))
    ]
    counts = count(photos, facets)
    assert counts == {("category", "sure", True): 1, ("category", "sure", False): 1, ("category", "check", True): 3}
    assert lines(counts)[2:] == [
        "| category | 50.0% of 2 | 100.0% of 3 | none |",
        "| all | 50.0% of 2 | 100.0% of 3 | none |",
    ]


@pytest.mark.shared
def test_the_documented_command_measures_the_bands(shared: Path, tmp_path: Path) -> None:
    source = shared / "data" / "fashion-products"
    wanted = (source / "products.csv").read_text(encoding="utf-8").splitlines()
    rows = [wanted[0], *[line for line in wanted[1:] if ",val," in line][:8]]
    (tmp_path / "few.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "images").mkdir()
    for line in rows[1:]:
        name = line.split(",")[1]
        (tmp_path / name).write_bytes((source / name).read_bytes())
    done = CliRunner().invoke(main, [str(tmp_path / "few.csv")])
    assert done.exit_code == 0, done.output
    assert "| all |" in done.output
    missing = CliRunner().invoke(main, [str(tmp_path / "few.csv"), "--split", "nope"])
    assert missing.exit_code == 1 and "its values are val" in missing.output
