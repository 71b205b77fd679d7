from __future__ import annotations

import csv
import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edge_tagger.cli import main

RECIPE = """
name = "tiny"
[data]
min_count = 2
[facets.kind]
column = "kind"
[facets.details]
column = "details"
separator = "|"
"""


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["data", "check", *map(str, arguments)])


def draw(path: Path, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(20, 220, (16, 16, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.resize(pixels, (64, 64), interpolation=cv2.INTER_NEAREST))


def good_rows(folder: Path) -> list[list[str]]:
    rows = []
    for n in range(30):
        draw(folder / f"{n}.png", n)
        rows.append([f"{n}.png", "AB"[n % 2], ["red|striped", "", "striped", "red"][n % 4]])
    return rows


def catalogue(
    folder: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = ("image", "kind", "details")
) -> Path:
    (folder / "tiny.toml").write_text(RECIPE)
    with (folder / "products.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return folder / "products.csv"


def huge_png() -> bytes:
    """A header that promises 30,000x30,000 pixels, and nothing behind it."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def test_a_good_catalogue_ends_with_0_and_the_json_is_whole(tmp_path: Path) -> None:
    source = catalogue(tmp_path, good_rows(tmp_path))
    result = check(source, "--recipe", tmp_path / "tiny.toml", "--json", tmp_path / "report.json")
    assert result.exit_code == 0, result.output
    assert "30 photos, 30 readable" in result.stdout
    value = json.loads((tmp_path / "report.json").read_text())
    assert value["problems"] == []
    assert [(level["column"], level["blank"]) for level in value["levels"]] == [("kind", 0), ("details", 8)]
    assert {tag["tag"] for tag in value["levels"][1]["tags"]} == {"details/red", "details/striped"}


def test_broken_photos_are_listed_with_their_lines_and_end_with_1(tmp_path: Path) -> None:
    rows = good_rows(tmp_path)
    (tmp_path / "text.jpg").write_text("this is text")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "huge.png").write_bytes(huge_png())
    rows += [[name, "A", "red"] for name in ("text.jpg", "empty.jpg", "huge.png", "gone.jpg")]
    result = check(catalogue(tmp_path, rows), "--recipe", tmp_path / "tiny.toml")
    assert result.exit_code == 1
    for line, name in ((32, "text.jpg"), (33, "empty.jpg"), (34, "huge.png"), (35, "gone.jpg")):
        assert any(f"products.csv:{line}: " in told and name in told for told in result.stdout.splitlines())
    assert "4 photos are missing or cannot be decoded" in result.stdout


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (("image", "sort", "details"), [["0.png", "A", ""]], "no column 'kind'; it has image, sort, details"),
        (("photo", "kind", "details"), [["0.png", "A", ""]], "no image column 'image'"),
        (("image", "kind", "details"), [], "no rows"),
        (("image", "kind", "details"), [["../0.png", "A", ""]], "line 2: the photo '../0.png' lies outside"),
        (("image", "kind", "details"), [["0.png", "A", ""]], "no photo in split 'val'"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_no_json(
    tmp_path: Path, header: Sequence[str], rows: Sequence[Sequence[str]], message: str
) -> None:
    draw(tmp_path / "0.png", 0)
    result = check(
        catalogue(tmp_path, rows, header), "--recipe", tmp_path / "tiny.toml", "--json", tmp_path / "report.json"
    )
    assert result.exit_code == 4
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1 and message in errors[0]
    assert result.stdout == "" and not (tmp_path / "report.json").exists()


def test_a_folder_needs_no_recipe(tmp_path: Path) -> None:
    for n in range(40):
        draw(tmp_path / "AB"[n % 2] / f"{n}.png", n)
    result = check(tmp_path)
    assert result.exit_code == 0, result.output
    assert "class: A 20, B 20" in result.stdout


def test_a_csv_without_recipe_is_told_which_there_are(tmp_path: Path) -> None:
    result = check(catalogue(tmp_path, []))
    assert result.exit_code == 2
    assert "classes" in result.stderr and "fashion" in result.stderr


def test_neither_a_source_nor_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    assert check(tmp_path / "nope.csv").exit_code == 4
    assert check(catalogue(tmp_path, []), "--recipe", "nope").exit_code == 3


def test_no_tensorflow_is_loaded() -> None:
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom edge_tagger.cli import main\n"
        "assert CliRunner().invoke(main, ['data', 'check', 'nope.csv']).exit_code == 4\n"
        "assert 'tensorflow' not in sys.modules and 'tf_keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.shared
def test_the_real_catalogue(shared: Path, tmp_path: Path) -> None:
    source = shared / "data" / "fashion-products" / "products.csv"
    result = check(source, "--recipe", "fashion", "--json", tmp_path / "report.json")
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) < 120
    value = json.loads((tmp_path / "report.json").read_text())
    assert value["photos"] == value["readable"] == 7804
    assert value["splits"]["test"] == 876
    assert value["splits"]["left out"] == len(value["leaks"]) < 20
    assert {contradiction["kept"][-1] for contradiction in value["contradictions"]} >= {"Sandals", "Flip Flops"}
