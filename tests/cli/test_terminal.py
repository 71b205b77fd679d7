"""What is in names, labels, cells and models is printed by every command so that it cannot move the terminal."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edge_tagger.cli import main
from edge_tagger.convert.redescribe import redescribe
from edge_tagger.manifest import Manifest, read_manifest

EVIL = "e\x1b]0;PWN\a\x9b\u202e\nx"
ESCAPED = r"e\x1b]0;PWN\x07\x9b\u202e\nx"
RECIPE = 'name = "c"\n[data]\nmin_count = 1\n[facets.c]\ncolumn = "c"\n'


def ends(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    text = result.stdout + result.stderr
    assert all(line.isprintable() for line in text.split("\n")), text
    return result.exit_code, text


@pytest.fixture
def model(data: Path) -> Path:
    return data / "tiny-uint8.tflite"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / f"{EVIL}.png"
    cv2.imwrite(str(path), np.full((9, 9, 3), (0, 0, 255), np.uint8))
    return path


@pytest.fixture
def evil_model(tmp_path: Path, data: Path) -> Path:
    """Its name, tags, facets and provenance are."""
    value = read_manifest(data / "tiny-uint8.tflite").to_json()
    evil = json.dumps(EVIL.replace("\n", ""))[1:-1]  # a label file has a line for each tag
    text = json.dumps(value).replace("Warm", evil)
    value = {**json.loads(text), "name": "tiny", "provenance": {EVIL: EVIL}}
    (tmp_path / "m.json").write_text(json.dumps(Manifest.from_json(value).to_json()))
    return redescribe(data / "tiny-uint8.tflite", tmp_path, manifest=tmp_path / "m.json")


def test_names_of_photos(photo: Path, model: Path) -> None:
    code, text = ends("tag", photo, "--model", model)
    assert code == 0 and ESCAPED in text
    assert ends("tag", photo, photo, "--model", model, "--json")[0] == 0
    for words in ([photo], [photo, "--json"]):
        assert ends("colours", *words)[0] == 0
    assert ESCAPED in ends("tag", f"{photo}.none", "--model", model)[1]
    assert ESCAPED in ends("explain", f"{photo}.none", "--out", photo.with_name("o.png"), "--model", model)[1]


def test_tags_of_models(evil_model: Path, photo: Path, tmp_path: Path, products: Path) -> None:
    for words in ([], ["--json"]):
        code, text = ends("tag", photo, "--model", evil_model, *words)
        assert code == 0 and "PWN" in text
        assert "PWN" in ends("inspect", evil_model, *words)[1]
        ends("check", evil_model, *words)
    assert "PWN" in ends("explain", photo, "--model", evil_model, "--out", tmp_path / "heat.png")[1]
    assert "tiny-uint8" in ends("evaluate", evil_model, "--data", products, "--split", "all")[1]


def test_labels(photo: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_bytes("".join(f"{n}\x1b]0;PWN\a\n" for n in range(8)).encode())
    words = ["--model", data / "logits-float32.tflite", "--labels", tmp_path / "l.txt"]
    assert r"\x1b]0;PWN" in ends("tag", photo, *words)[1]
    assert r"PWN" in ends("explain", photo, *words, "--out", tmp_path / "heat.png")[1]


def test_cells_of_csvs(tmp_path: Path, model: Path) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    rows = [("image", "c")]
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), pixels)
        rows.append((f"{number}.png", f"x{number % 2}{EVIL}"))
    with (tmp_path / "d.csv").open("w", newline="") as file:
        csv.writer(file).writerows([*rows, (f"none{EVIL}.png", "x")])
    text = ends("data", "check", tmp_path / "d.csv", "--recipe", tmp_path / "r.toml")[1]
    assert r"x1e\x1b]0;PWN" in text
    with (tmp_path / "s.csv").open("w", newline="") as file:
        shop = [("Handle", "Title", "Tags", "Image Src"), (f"h{EVIL}", "b", EVIL, "0.png"), ("i", "b", "c", EVIL)]
        cv2.imwrite(str(tmp_path / "0.png"), np.full((9, 9, 3), (0, 0, 255), np.uint8))
        csv.writer(file).writerows(shop)
    code, text = ends("tag", tmp_path / "s.csv", "--format", "shopify", "--dry-run", "--model", model)
    assert code == 4 and "PWN" in text, text


@pytest.mark.parametrize(
    "words",
    [
        [EVIL],
        [f"--{EVIL}"],
        ["tag", "x.png", f"--{EVIL}"],
        ["tag", "x.png", "--policy", EVIL, "--out", "x.csv", "--format", "shopify"],
        ["tag", "x.png", "--bands", EVIL, "--out", "x.csv", "--review"],
        ["tag", "x.png", "--out", EVIL],
        ["bench", "x", "--threads", EVIL],
        ["bench", "x", "--preset", EVIL],
        ["bench", "x", "--device", EVIL],
        ["convert", EVIL, "--float32"],
        ["convert", "x", "--mean", EVIL],
        ["watch", EVIL],
        ["inspect", EVIL],
        ["check", EVIL],
        ["compare", EVIL, EVIL],
        ["compare", "x", "y", "--fail-on", EVIL],
        ["train", "x.csv", "--recipe", EVIL, "--out", "x"],
        ["data", "check", EVIL, "--recipe", EVIL],
        ["bundle", EVIL, "--pi", "x.tar.gz"],
        ["bundle", "x", "--pi", EVIL],
    ],
)
def test_what_is_wrong_with_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    code, text = ends(*words)
    assert code != 0 and text and not list(tmp_path.iterdir())


def test_names_that_are_no_text_on_a_strict_terminal(photo: Path, model: Path) -> None:
    odd = os.fsencode(photo.parent) + b"/\xff\x1b.png"
    photo.rename(os.fsdecode(odd))
    program = [sys.executable, "-c", "from edge_tagger.cli import main; main()"]
    for words in (["tag", odd], ["tag", odd + b"none"], ["colours", odd], ["inspect", odd]):
        done = subprocess.run(
            [*program, *words, *(["--model", model] if words[0] == "tag" else [])], capture_output=True, check=False,
            env={**os.environ, "PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8:strict"},
        )  # fmt: skip
        text = (done.stdout + done.stderr).decode()
        assert done.returncode in (0, 4, 5) and "Traceback" not in text and "\x1b" not in text, text
