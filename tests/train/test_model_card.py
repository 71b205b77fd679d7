from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edge_tagger.catalogue.source import read_catalogue
from edge_tagger.errors import RecipeError, RunError
from edge_tagger.measure import Measured, measure
from edge_tagger.train.model_card import Notes, command, plain, read_notes, write_model_card

ROOT = Path(__file__).resolve().parents[2]
NOTES = Notes("Drawn by a test.", "None.", ("To look at.",), ("All else.",), ("Tiny.",), "`make tiny`")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Twelve photos, red and blue in turn; the last blue one is labelled red."""
    rows = ["image,split,group,colour,light"]
    for place in range(12):
        rgb, labels = ((255, 0, 0), "Warm,Red") if place % 2 == 0 else ((0, 0, 255), "Cool,Blue")
        cv2.imwrite(str(tmp_path / f"{place}.png"), np.full((6, 9, 3), rgb[::-1], np.uint8))
        rows.append(f"{place}.png,test,{'Warm,Red' if place == 11 else labels},none")
    path = tmp_path / "photos.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def models(data: Path) -> list[Path]:
    return [data / "tiny-float32.tflite", data / "tiny-uint8.tflite"]


@pytest.fixture
def run(tmp_path: Path, data: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(data / "tiny.toml", folder / "recipe.toml")
    return folder


@pytest.fixture
def measured(models: list[Path], source: Path) -> tuple[Measured, ...]:
    return measure(models, read_catalogue(source))


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def made(measured: Measured, **provenance: object) -> Measured:
    return replace(measured, manifest=replace(measured.manifest, provenance=provenance))


def test_figures_of_all_models_and_the_tags_of_the_shipped_one(
    tmp_path: Path, run: Path, measured: tuple[Measured, ...]
) -> None:
    models = [made(measured[0], format="float32"), made(measured[1], format="int8", quantized="qat")]
    write_model_card(tmp_path / "CARD.md", run=run, measured=models, notes=NOTES)
    found = lines(tmp_path / "CARD.md")
    assert "|  | float32 | int8, quantization-aware |" in found
    assert "| colour, 12 photos | 91.7 | 91.7 |" in found
    red = next(line for line in found if line.startswith("| colour/Warm/Red |"))
    assert red.startswith("| colour/Warm/Red | 7 | 100.0 | 85.7 | 92.3 |") and red.endswith("| 0.500 |")
    assert "| light/bright | 0 | \N{EN DASH} | \N{EN DASH} | \N{EN DASH} | \N{EN DASH} | 0.500 |" in found
    assert "- Network: resnet10, stages 1 to 2 of 4, pooled (mean); 1 phase of training: train" in found
    assert any("`tiny-uint8.tflite` (int8, quantization-aware, " in line for line in found)
    for text in (NOTES.data, NOTES.weights, NOTES.reproduce, *(f"- {text[0]}" for text in (NOTES.limits,))):
        assert text in found


def test_every_table_has_as_many_cells_in_each_row(tmp_path: Path, run: Path, measured: tuple[Measured, ...]) -> None:
    write_model_card(tmp_path / "CARD.md", run=run, measured=measured, notes=NOTES)
    text = (tmp_path / "CARD.md").read_text(encoding="utf-8")
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    assert len(tables) == 5  # facets, overall, colour, light, tags
    for table in tables:
        assert len(table) > 2 and set(table[1]) <= set("| -:")
        assert len({line.count("|") for line in table}) == 1 and all(line.startswith("|") for line in table)
    assert "\n\n\n" not in text


def test_what_the_run_knows_stands_there(tmp_path: Path, run: Path, measured: tuple[Measured, ...]) -> None:
    facts = {
        "source": "photos.csv", "source_sha256": "ab12", "photos": {"train": 6097, "test": 12},
        "tags_dropped": {"colour/Teal": 4, "colour/Rust": 7}, "weights": "w.safetensors", "weights_sha256": "cd34",
        "versions": {"numpy": "2.0"},
    }  # fmt: skip
    model = made(measured[0], **facts)
    model = replace(model, manifest=replace(model.manifest, metrics={"val_ece_before": 0.02, "val_ece_after": 0.005}))
    (run / "comparison.json").write_text(json.dumps({"int8": "post-training"}))
    write_model_card(tmp_path / "CARD.md", run=run, measured=[model], notes=NOTES, split="check")
    text = (tmp_path / "CARD.md").read_text(encoding="utf-8")
    for expected in (
        "`photos.csv` (sha256 `ab12`). Photos by split: train 6,097, test 12.",
        "Tags with fewer than 3 training photos that are not learnt: 2.",
        "`w.safetensors` (sha256 `cd34`)", "Made with numpy 2.0", "ECE 2.00 before, 0.50 after",
        "the int8 file from post-training quantization was the better one", "12 photos of the split `check`",
    ):  # fmt: skip
        assert expected in text


def test_the_shipped_model_is_named_or_the_last(tmp_path: Path, run: Path, measured: tuple[Measured, ...]) -> None:
    path = tmp_path / "CARD.md"
    write_model_card(path, run=run, measured=measured, notes=NOTES, shipped=measured[0].name)
    assert "the file `tiny-float32.tflite`" in path.read_text()
    with pytest.raises(ValueError, match="'other' is none of the measured models"):
        write_model_card(path, run=run, measured=measured, notes=NOTES, shipped="other")
    with pytest.raises(ValueError, match="there are none"):
        write_model_card(path, run=run, measured=[], notes=NOTES)


def test_names_are_shown_as_they_are() -> None:
    assert plain("a|b <i> *c*_[d]") == r"a\|b \<i\> \*c\*\_\[d\]"


def test_the_notes_of_the_packaged_model_and_broken_ones(tmp_path: Path) -> None:
    notes = read_notes(ROOT / "train" / "fashion_card.toml")
    assert "Param Aggarwal" in notes.data and "MIT" in notes.data and "Apache-2.0" in notes.weights
    path = tmp_path / "notes.toml"
    for text, expected in (('data = "', "TOML|Expected|Unterminated"), ('date = "x"', "did you mean 'data'")):
        path.write_text(text)
        with pytest.raises(RecipeError, match=f"notes .*notes.toml cannot be used: .*({expected})"):
            read_notes(path)
    with pytest.raises(RecipeError, match="cannot be used"):
        read_notes(tmp_path / "none.toml")


def test_the_command_writes_the_card_or_says_in_one_line_why_not(
    tmp_path: Path, run: Path, source: Path, models: list[Path]
) -> None:
    def card(*words: object) -> tuple[int, str]:
        words = (run, *models, "--data", source, "--notes", ROOT / "train" / "fashion_card.toml", *words)
        result = CliRunner().invoke(command, [str(word) for word in words])
        return result.exit_code, result.stderr

    assert card("--out", tmp_path / "CARD.md", "--shipped", models[0])[0] == 0
    assert "the file `tiny-float32.tflite`" in (tmp_path / "CARD.md").read_text()
    code, message = card("--out", tmp_path / "none" / "CARD.md")
    assert code == 6 and "Error: cannot write" in message and "Traceback" not in message
    assert card("--out", tmp_path / "CARD.md", "--shipped", "x.tflite")[0] == 2
    assert card("--out", tmp_path / "CARD.md", "--split", "val")[0] == 4


def test_a_folder_that_is_no_run_and_a_broken_comparison(
    tmp_path: Path, run: Path, measured: tuple[Measured, ...]
) -> None:
    with pytest.raises(RunError, match=r"no recipe\.toml"):
        write_model_card(tmp_path / "CARD.md", run=tmp_path, measured=measured, notes=NOTES)
    (run / "comparison.json").write_text("{")
    with pytest.raises(RunError, match=r"comparison\.json"):
        write_model_card(tmp_path / "CARD.md", run=run, measured=measured, notes=NOTES)
    assert not (tmp_path / "CARD.md").exists()
