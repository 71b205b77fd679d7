"""The second kind of source: a folder with one sub-folder for each class, from photos to a tag; and names of files that
are not UTF-8."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge_tagger.cli import main

RECIPE = """
name = "classes"
[data]
min_count = 3
[facets.class]
column = "class"
[model]
backbone = "resnet10"
stages = 2
image_size = 32
[[phases]]
name = "train"
epochs = 3
batch_size = 8
[quantize]
steps = 2
calibration_photos = 8
"""


@pytest.fixture()
def folder(drawn: Path, tmp_path: Path) -> Path:
    """Drawn products, sorted into folders by their department; some names are not UTF-8."""
    with drawn.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["department"]:
                (tmp_path / "photos" / row["department"]).mkdir(parents=True, exist_ok=True)
                source = drawn.parent / row["image"]
                odd = b"\xe9" if row["department"] == "Apparel" else b""
                name = os.fsdecode(source.stem.encode() + odd + b".jpg")
                shutil.copy(source, tmp_path / "photos" / row["department"] / name)
    return tmp_path / "photos"


def test_a_folder_of_classes_becomes_a_tagger(folder: Path, tmp_path: Path) -> None:
    def run(*arguments: str | Path) -> str:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    (tmp_path / "mine.toml").write_text(RECIPE)
    assert "Apparel" in run("data", "check", folder)
    out = tmp_path / "run"
    run("train", folder, "--recipe", tmp_path / "mine.toml", "--out", out)
    run("convert", out, "--int8", "--max-drop", "100")
    model = out / "classes-int8.tflite"
    assert "class" in run("evaluate", model, "--data", folder, "--split", "test", "--run", out)
    photo = next((folder / "Footwear").iterdir())
    assert "{" in run("tag", photo, "--model", model, "--json")
