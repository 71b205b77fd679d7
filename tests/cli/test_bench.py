from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge_tagger.cli import main

DATA = Path(__file__).resolve().parents[1] / "data"
TINY = DATA / "tiny-uint8.tflite"
QUICK = ("--num-runs", "3", "--warmup-runs", "0")


def bench(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["bench", *map(str, arguments)])


def test_one_aligned_row_for_each_model(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    result = bench(TINY, DATA / "two-inputs.tflite", *QUICK, "--threads", "2", "--json", path)
    assert result.exit_code == 0, result.output
    head, *rows = result.stdout.splitlines()[:3]
    assert head.split("  ")[0] == "model" and head.endswith("images/s  peak MB")
    assert [row.split()[0] for row in rows] == ["tiny-uint8.tflite", "two-inputs.tflite"]
    assert len({len(line) for line in (head, *rows)}) == 1
    assert all(len(row.split()) == 12 for row in rows)
    assert "3 runs after 0 to warm up, 2 threads" in result.stdout
    assert [len(found["samples_ms"]) for found in json.loads(path.read_text())["results"]] == [3, 3]


def test_models_of_one_name_are_told_apart(tmp_path: Path) -> None:
    other = tmp_path / TINY.name
    other.write_bytes(TINY.read_bytes())
    result = bench(TINY, other, *QUICK)
    assert [line.split()[0] for line in result.stdout.splitlines()[1:3]] == [str(TINY), str(other)]


def test_a_model_cut_in_half_is_one_line_and_no_json(tmp_path: Path) -> None:
    whole = (DATA / "bare-int8.tflite").read_bytes()
    (tmp_path / "cut.tflite").write_bytes(whole[: len(whole) // 2])
    result = bench(tmp_path / "cut.tflite", "--json", tmp_path / "bench.json")
    assert result.exit_code == 5
    assert result.stdout == "" and "cut off" in result.stderr and "Traceback" not in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["cut.tflite"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("nope.tflite",), 5, "cannot read the model nope.tflite"),
        ((DATA / "make_models.py",), 5, "not a .tflite"),
        ((TINY, "--device", "ssh://pi"), 9, "--device local"),
        ((TINY, "--json", "nope/bench.json"), 6, "folder does not exist"),
        ((TINY, "--num-runs", "0"), 2, "num-runs"),
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
