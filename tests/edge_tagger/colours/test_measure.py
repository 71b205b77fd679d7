"""What the table of agreement counts."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edge_tagger.catalogue.source import read_catalogue
from edge_tagger.colours.measure import count, lines, main
from edge_tagger.colours.palette import built_in


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    labels = {"red": "Red", "navy": "Blue", "wrong": "Green", "blank": "", "empty": "Red"}
    colours = {"red": (200, 30, 40), "navy": (31, 42, 76), "wrong": (200, 30, 40), "blank": (31, 42, 76)}
    for name in labels:
        photo = np.full((80, 80, 3), 255, np.uint8)
        photo[20:60, 20:60] = colours.get(name, (255, 255, 255))
        cv2.imwrite(str(tmp_path / f"{name}.png"), photo[..., ::-1])
    rows = [f"{name}.png,{label},val" for name, label in labels.items()]
    path = tmp_path / "products.csv"
    path.write_text("image,colourGroup,split\n" + "\n".join(rows) + "\n")
    return path


def test_groups_are_held_against_labels_and_blanks_left_out(catalogue: Path) -> None:
    counts, took_ms = count(read_catalogue(catalogue).photos, built_in(), "colourGroup")
    assert counts == {("Red", "Red"): 1, ("Blue", "Blue"): 1, ("Green", "Red"): 1, ("Red", "no product"): 1}
    assert took_ms > 0
    assert lines(counts) == [
        "| label | photos | same | most others |",
        "| --- | ---: | ---: | --- |",
        "| Red | 2 | 50.0% | no product 1 |",
        "| Blue | 1 | 100.0% |  |",
        "| Green | 1 | 0.0% | Red 1 |",
        "| all | 4 | 50.0% | |",
    ]


def test_the_command_prints_the_table_and_one_line_for_what_is_wrong(catalogue: Path) -> None:
    done = CliRunner().invoke(main, [str(catalogue)])
    assert done.exit_code == 0
    assert "| all | 4 | 50.0% | |" in done.output
    done = CliRunner().invoke(main, [str(catalogue), "--column", "colour"])
    assert done.exit_code == 1
    assert "has no column 'colour'" in done.output


@pytest.mark.shared
def test_colours_of_real_products_agree_with_their_labels(shared: Path) -> None:
    photos = read_catalogue(shared / "data" / "fashion-products" / "products.csv").where("split", "val").photos[::4]
    counts, _ = count(photos, built_in(), "colourGroup")
    same = sum(number for (label, answer), number in counts.items() if label == answer)
    assert same / counts.total() >= 0.6
