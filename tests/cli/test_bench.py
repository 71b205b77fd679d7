from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edge_tagger.cli import main

DATA = Path(__file__).resolve().parents[1] / "data"
TINY = DATA / "tiny-uint8.tflite"
QUICK = ("--num-runs", "3", "--warmup-runs", "0")


def bench(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["bench", *map(str, arguments)])


def test_a_row_for_each_model_device_and_number_of_threads(tmp_path: Path) -> None:
    files = [tmp_path / f"bench.{kind}" for kind in ("json", "csv", "md")]
    result = bench(
        TINY, DATA / "two-inputs.tflite", *QUICK, "--threads", "1,2", "--json", files[0], "--csv", files[1],
        "--markdown", files[2],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    head, *rows = result.stdout.splitlines()[:5]
    assert head.split()[:5] == ["model", "device", "threads", "size", "MB"] and head.endswith("runtime")
    assert [row.split()[:3] for row in rows] == [
        [model, "local", threads] for model in (TINY.name, "two-inputs.tflite") for threads in ("1", "2")
    ]
    assert len({len(line) for line in (head, *rows)}) == 1
    assert "Times in ms: 3 runs, in 3 rounds; before them 0 to warm up." in result.stdout
    assert "3 samples are too few for p99" in result.stdout
    assert [len(r["rounds"]) for r in json.loads(files[0].read_text())["results"]] == [3] * 4
    with files[1].open(newline="") as file:
        assert [(row["threads"], row["samples"]) for row in csv.DictReader(file)] == [("1", "3"), ("2", "3")] * 2
    assert files[2].read_text().startswith("| model | device | threads |")
    again = bench(TINY, "--resume", "--json", files[0], *QUICK, "--threads", "1,2")
    assert again.exit_code == 0 and again.stdout.splitlines()[1] == rows[0]


def test_models_of_one_name_are_told_apart(tmp_path: Path) -> None:
    other = tmp_path / TINY.name
    other.write_bytes((DATA / "bare-int8.tflite").read_bytes())
    result = bench(TINY, other, *QUICK)
    assert [line.split()[0] for line in result.stdout.splitlines()[1:3]] == [str(TINY), str(other)]


def test_a_model_cut_in_half_is_one_line_and_no_json(tmp_path: Path) -> None:
    whole = (DATA / "bare-int8.tflite").read_bytes()
    (tmp_path / "cut.tflite").write_bytes(whole[: len(whole) // 2])
    result = bench(tmp_path / "cut.tflite", *QUICK, "--json", tmp_path / "bench.json")
    assert result.exit_code == 5
    assert result.stdout == "" and "cut off" in result.stderr and "Traceback" not in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["cut.tflite"]


def test_a_device_that_fails_is_told_the_others_go_on_and_the_exit_code_is_9(tmp_path: Path) -> None:
    devices = tmp_path / "devices.toml"
    devices.write_text(
        '[old]\naddress = "local"\npython = "/nowhere/python"\n\n[new]\naddress = "local"\nemulated = true\n'
    )
    result = bench(TINY, *QUICK, "--devices", devices, "--device", "old", "--device", "new")
    assert result.exit_code == 9
    assert [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert result.stdout.splitlines()[1].split()[:3] == [TINY.name, "new", "(emulated)"]
    assert "new: emulated; its times say nothing about a real device" in result.stdout


def test_labelled_photos_give_accuracy_and_the_way_from_the_jpeg(products: Path) -> None:
    result = bench(TINY, *QUICK, "--photos", products, "--split", "test", "--profile")
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    accuracy = next(words for words in lines if words[:2] == [TINY.name, "local"] and words[-1] == "bit-equal")
    assert accuracy[2:4] == ["4", "100.0"]
    assert any(words[:3] == ["from", "JPEG", "to"] for words in lines)
    assert "operators" in result.stdout or "profile unavailable" in result.stdout


def test_a_chart_of_latency_against_accuracy(products: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chart = ("--chart", tmp_path / "chart.png")
    result = bench(TINY, *QUICK, "--photos", products, *chart)
    assert result.exit_code == 0, result.output
    image = cv2.imread(str(tmp_path / "chart.png"))
    assert image is not None and image.shape[1] == 1280 and len(np.unique(image)) > 20
    (tmp_path / "chart.png").unlink()
    result = bench(DATA / "two-inputs.tflite", *QUICK, "--photos", products, *chart)
    assert result.exit_code == 0 and "was not drawn" in result.stderr and not (tmp_path / "chart.png").exists()
    monkeypatch.setattr("edge_tagger.charts.find_spec", lambda _: None)
    result = bench(TINY, *QUICK, "--photos", products, *chart)
    assert result.exit_code == 8 and result.stderr.startswith("Error: --chart needs matplotlib; run pip install")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("nope.tflite",), 5, "cannot read the model nope.tflite"),
        ((DATA / "make_models.py",), 5, "not a .tflite"),
        ((TINY, "--device", "moon"), 9, "give local, ssh://"),
        ((TINY, "--json", "nope/bench.json"), 6, "folder does not exist"),
        ((TINY, "--csv", "nope/bench.csv"), 6, "folder does not exist"),
        ((TINY, "--photos", "nope.csv"), 4, "does not exist"),
        ((TINY, "--num-runs", "0"), 2, "num-runs"),
        ((TINY, "--num-runs", "2", "--rounds", "3"), 2, "3 rounds cannot share 2 runs"),
        ((TINY, "--threads", "1,x"), 2, "different numbers"),
        ((TINY, "--threads", "2,2"), 2, "different numbers"),
        ((TINY, "--threads", "0"), 2, "different numbers"),
        ((TINY, "--resume"), 2, "name it with --json"),
        ((TINY, "--chart", "chart.png"), 2, "give labelled photos with --photos"),
        ((TINY, "--chart", "nope/chart.png"), 6, "folder does not exist"),
        ((), 2, "MODEL"),
    ],
)
def test_bad_input_is_one_line_and_its_exit_code(arguments: tuple[str | Path, ...], code: int, message: str) -> None:
    result = bench(*arguments)
    assert result.exit_code == code
    assert message in result.stderr and result.stdout == ""


@pytest.mark.shared
def test_models_that_others_made(shared: Path) -> None:
    models = sorted((shared / "models" / "third_party").glob("*.tflite"))
    result = bench(*models, *QUICK)
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()[1:4]] == [model.name for model in models]
