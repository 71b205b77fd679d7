from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_tagger.catalogue.source import Catalogue, Photo, read_catalogue
from edge_tagger.errors import CatalogueError, ManifestError, PhotoError
from edge_tagger.evaluate import evaluate, figures, label_notes
from edge_tagger.evaluation_table import format_table
from edge_tagger.measure import measure

# Photo's colour (RGB), then the cells: group, colour, light. The tiny model sees the mean colour and is always right
# about it; the labels of some rows are not.
ROWS = (
    ((255, 0, 0), "Warm", "Red", "none"),
    ((255, 255, 0), "Warm", "Yellow", "bright"),
    ((0, 255, 0), "Cool", "Green", ""),
    ((0, 0, 255), "Cool", "Green", "none"),  # wrong below, right above
    ((0, 0, 255), "Cool", "Teal", "none"),  # a label that the model does not know
    ((255, 0, 0), "Warm", "", "bright"),  # no deeper label; bright is wrong
    ((0, 0, 0), "", "", "dark"),
    ((255, 255, 255), "", "", "bright"),
)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    with (tmp_path / "photos.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "group", "colour", "light"])
        for place, (colour, *cells) in enumerate(ROWS):
            cv2.imwrite(str(tmp_path / f"{place}.png"), np.full((5, 9, 3), colour[::-1], np.uint8))
            writer.writerow([f"{place}.png", *cells])
    return read_catalogue(tmp_path / "photos.csv")


def models(data: Path) -> list[Path]:
    return [data / "tiny-float32.tflite", data / "tiny-uint8.tflite"]


def test_figures_against_counting_by_hand(catalogue: Catalogue, data: Path) -> None:
    result = evaluate(models(data)[:1], catalogue, threads=1)
    row = result["models"][0]
    colour = row["facets"]["colour"]
    assert row["photos"] == 8 and result["failed"] == 0
    assert colour["levels"]["group"] == {"top1": 1.0, "coverage": 1.0, "photos": 6}
    assert colour["levels"]["colour"] == {"top1": 0.6, "coverage": 0.8, "photos": 5}
    assert colour["top1"] == pytest.approx(4 / 6, abs=1e-6)  # one photo counts at the level of its group
    assert colour["coverage"] == pytest.approx(5 / 6, abs=1e-6)
    # bright: found in 2 of 3 photos that have it; dark: in its one.
    assert row["facets"]["light"]["f1"] == pytest.approx(2 * 3 / (4 + 3), abs=1e-6)


def test_the_documented_json(catalogue: Catalogue, data: Path) -> None:
    result = evaluate(models(data), catalogue, threads=1)
    for row in result["models"]:
        row["path"] = Path(row["path"]).name
    assert result == json.loads((data / "evaluation.json").read_text())


def test_the_raw_material_gives_the_same_figures(catalogue: Catalogue, data: Path) -> None:
    measured = measure(models(data), catalogue, threads=1)
    assert figures(measured) == evaluate(models(data), catalogue, threads=1)
    first = measured[0]
    assert first.photos == catalogue.photos and first.scores.dtype == np.float32
    colour, light = first.manifest.taxonomy.facets
    assert first.truths(colour)[4] == ["Cool", "Teal"] and first.truths(colour)[5] == ["Warm", None]
    assert first.truths(light)[0] == [None]  # a "none" cell labels nothing
    with pytest.raises(ValueError, match=r"answers are \[8, 1\], not \[8, 8\]"):
        replace(first, answers=first.answers[:, :1])


def test_the_table_has_a_row_for_each_model(catalogue: Catalogue, data: Path) -> None:
    first, _, levels = format_table(evaluate(models(data), catalogue, threads=1)).partition("top-1 by level")
    head, float_row, int8_row, difference = first.strip().splitlines()
    assert head.split()[:4] == ["model", "MB", "colour", "top-1"]
    assert "66.7" in float_row and "66.7" in int8_row and "+0.0" in difference
    assert "100.0" in levels and "8 photos" in levels


def test_models_with_other_facets_share_a_table() -> None:
    row = {
        "path": "a",
        "size_bytes": 10,
        "photos": 1,
        "map_macro": 0.5,
        "map_micro": 0.5,
        "f1_macro": None,
        "f1_micro": 1,
    }
    rows = [
        {**row, "facets": {"type": {"top1": 0.5, "coverage": 1, "levels": {"class": {"top1": 0.5}}}}},
        {**row, "facets": {"light": {"map": 0.25, "f1": None}}},
    ]
    for each in rows:
        each["difference"] = {**row, "facets": {}}
    lines = format_table({"models": rows, "failed": 2}).splitlines()
    assert "25.0" in lines[2] and lines[1].count("-") == 3
    assert lines[-1] == "1 photos; 2 more could not be read"


def test_unreadable_photos_are_told_and_left_out(catalogue: Catalogue, data: Path) -> None:
    catalogue.photos[1].path.write_bytes(b"")
    failed: list[str] = []
    steps: list[int] = []

    def note(photo: Photo, error: PhotoError) -> None:
        failed.append(f"{photo.place}: {error}")

    result = evaluate(models(data), catalogue, threads=1, on_progress=steps.append, on_failure=note)
    assert result["failed"] == 1 and result["models"][0]["photos"] == 7
    assert len(failed) == 1 and failed[0].startswith("photos.csv:3: ") and "0 bytes" in failed[0]
    assert sum(steps) == 8


def relabelled(catalogue: Catalogue, changed: dict[str, dict[str, str]], *, without: str = "") -> Catalogue:
    """The catalogue with other words in its columns, and without one of them."""
    columns = tuple(column for column in catalogue.columns if column != without)
    photos = [
        replace(photo, values={c: changed.get(c, {}).get(photo.values[c], photo.values[c]) for c in columns})
        for photo in catalogue.photos
    ]
    return replace(catalogue, columns=columns, photos=tuple(photos))


def test_a_facet_whose_column_is_missing_is_named_and_the_others_are_measured(catalogue: Catalogue, data: Path) -> None:
    whole = evaluate(models(data), catalogue, threads=1)["models"][1]
    for column in ("colour", "light"):
        for other in (
            relabelled(catalogue, {}, without=column),
            replace(catalogue, columns=tuple(c for c in catalogue.columns if c != column)),
        ):
            row = evaluate(models(data), other, threads=1)["models"][1]
            told = {each["column"]: each["not_measured"] for each in row["labels"]}
            assert told == {"group": None, "colour": None, "light": None} | {column: "there is no such column"}
            facets = row["facets"]
            if column == "light":
                assert facets["light"] == {"map": None, "f1": None} and facets["colour"] == whole["facets"]["colour"]
            else:
                assert facets["colour"]["levels"]["colour"] == {"top1": None, "coverage": None, "photos": 0}
                assert facets["colour"]["top1"] == facets["colour"]["levels"]["group"]["top1"] == 1.0
                assert facets["light"] == whole["facets"]["light"]


def test_labels_that_the_model_does_not_know_are_named_with_their_likeness(catalogue: Catalogue, data: Path) -> None:
    other = relabelled(catalogue, {"colour": {"Red": "RED"}, "light": {"bright": "brigh\u200bt"}})
    measured = measure(models(data)[:1], other, threads=1)
    row = figures(measured)["models"][0]
    _, colour, light = row["labels"]
    assert (colour["facet"], colour["labels"], colour["not_measured"]) == ("colour", 5, None)
    assert colour["unknown"] == [
        {"label": "RED", "photos": 1, "first": "photos.csv:2", "known_as": "Red"},
        {"label": "Teal", "photos": 1, "first": "photos.csv:6", "known_as": None},
    ]
    assert light["unknown"][0]["known_as"] == "bright" and light["not_measured"] is None
    assert label_notes(measured)[0].endswith(
        "colour by colour: 2 of 5 labels are none of the model's and count as wrong: "
        "'RED' (1 photos, first at photos.csv:2; the model has 'Red'), 'Teal' (1 photos, first at photos.csv:6)"
    )


def test_where_no_label_is_known_there_is_no_figure_and_nothing_else_counts_it(
    catalogue: Catalogue, data: Path
) -> None:
    colours = {name: name.lower() for name in ("Red", "Yellow", "Green", "Teal")}
    whole, other = (
        evaluate(models(data), each, threads=1)["models"][0]
        for each in (relabelled(catalogue, {}, without="colour"), relabelled(catalogue, {"colour": colours}))
    )
    assert "'green' (2 photos, first at photos.csv:4; the model has 'Green')" in other["labels"][1]["not_measured"]
    assert {key: other[key] for key in other if key != "labels"} == {
        key: whole[key] for key in whole if key != "labels"
    }
    lights = relabelled(catalogue, {"light": {"bright": "hell", "dark": "dunkel", "none": "hell"}})
    assert evaluate(models(data), lights, threads=1)["models"][0]["facets"]["light"] == {"map": None, "f1": None}


def test_where_nothing_can_be_measured_no_photo_is_looked_at(catalogue: Catalogue, data: Path) -> None:
    nothing = {"bright": "", "dark": "", "none": "", "Warm": "hot", "Cool": ""}
    other = relabelled(catalogue, {"group": nothing, "light": nothing}, without="colour")
    steps: list[int] = []
    for each in (other, replace(other, columns=("image",))):
        with pytest.raises(CatalogueError, match=r"photos.csv has no label to measure .*tiny-float32.tflite by: "):
            evaluate(models(data), each, threads=1, on_progress=steps.append)
    assert not steps
    assert measure(models(data)[:1], other, threads=1, need_labels=False)[0].fits[0].not_measured


def test_what_cannot_be_measured_is_an_error(catalogue: Catalogue, data: Path) -> None:
    with pytest.raises(ManifestError, match=r"bare-int8.tflite has no edge_tagger.json"):
        evaluate([data / "bare-int8.tflite"], catalogue)
    for photo in catalogue.photos:
        photo.path.unlink()
    with pytest.raises(CatalogueError, match="none of the 8 photos"):
        evaluate(models(data), catalogue)
