"""The commands that need TensorFlow, and what they say to bad input."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edge_tagger.cli import main
from edge_tagger.convert.sources import read_run

LIMITED = (
    "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    "resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); "
    "from edge_tagger.cli import main; main()"
)


def run(*arguments: str | Path | int) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def told(result: Result, exit_code: int) -> str:
    """The one line of an error, after checking that there is no more than that."""
    assert result.exit_code == exit_code, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1 and "Traceback" not in result.output
    return lines[0]


@pytest.fixture()
def recipe(data: Path) -> Path:
    return data / "tiny.toml"


def test_a_csv_needs_a_recipe_and_the_choices_are_listed(drawn: Path, tmp_path: Path) -> None:
    result = run("train", drawn, "--out", tmp_path / "run")
    assert result.exit_code == 2 and "classes, demo, fashion" in result.stderr


@pytest.mark.parametrize(
    ("csv", "message"),
    [
        ("image,department,type,colour,details\na.jpg,A,B,C,d\n", "no column 'split'"),
        ("photo,department,type,colour,details,split\na.jpg,A,B,C,d,train\n", "no image column 'image'"),
        ("image,department,type,colour,details,split\n", "no rows"),
        ("image,department,type,colour,details,split\n../a.jpg,A,B,C,d,train\n", "outside the CSV's folder"),
    ],
)
def test_a_source_that_cannot_be_used_ends_before_training(
    tmp_path: Path, recipe: Path, csv: str, message: str
) -> None:
    (tmp_path / "p.csv").write_text(csv)
    result = run("train", tmp_path / "p.csv", "--recipe", recipe, "--out", tmp_path / "run")
    assert message in told(result, 4)


@pytest.mark.parametrize("content", [b"", b"this is text"])
def test_photos_that_are_none_are_named_with_their_line(
    drawn: Path, recipe: Path, tmp_path: Path, content: bytes
) -> None:
    shutil.copytree(drawn.parent, tmp_path / "drawn")
    (tmp_path / "drawn" / "images" / "00003.jpg").write_bytes(content)
    limit = tmp_path / "drawn" / "products.csv"
    limit.write_text("\n".join(limit.read_text().splitlines()[:12]) + "\n")
    result = run("train", limit, "--recipe", recipe, "--out", tmp_path / "run")
    assert "products.csv:5" in told(result, 4) and "at most 5%" in result.stderr


def test_an_unknown_key_of_a_recipe_is_named(drawn: Path, recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(recipe.read_text().replace("min_count", "min_cuont"))
    result = run("train", drawn, "--recipe", tmp_path / "mine.toml", "--out", tmp_path / "run")
    assert "did you mean 'min_count'" in told(result, 3)
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_a_run_is_not_overwritten(trained: Any) -> None:
    assert "--resume" in told(run("train", trained.source, "--recipe", trained.recipe, "--out", trained.run), 6)


def test_convert_writes_what_was_asked_and_says_so(trained: Any, tmp_path: Path) -> None:
    result = run("convert", trained.run, "--float16", "--int8", "--max-drop", 100, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny-tagger-float16.tflite", "tiny-tagger-int8.tflite"]
    assert result.stdout.count(" MB") == 2


def test_convert_asks_for_a_format(trained: Any) -> None:
    result = run("convert", trained.run)
    assert result.exit_code == 2 and "--float32, --float16, --dynamic, --int8, --int16x8" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--float16", "--io", "uint8"], "--io is about --int8"),
        (["--float16", "--quantized", "qat"], "--quantized is about --int8"),
        (["--int8", "--quantized", "qat", "--representative", "x"], "brings its own ranges"),
        (["--int8", "--mean", "1,2,x"], "is not one number, or three"),
        (["--int8", "--labels", "labels.txt"], "--labels: a run knows these itself"),
    ],
)
def test_options_that_do_not_belong_together_are_told(trained: Any, options: list[str], message: str) -> None:
    result = run("convert", trained.run, *options)
    assert result.exit_code == 2 and message in result.stderr


def test_a_file_that_loses_too_much_ends_with_exit_code_1(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edge_tagger.convert import verify

    monkeypatch.setattr(verify, "macro_map", lambda _targets, scores: 1.0 if scores.mean() == before else 0.9)
    before = verify.read_reference(read_run(trained.run)).scores.mean()
    assert "not written; --layers" in told(run("convert", trained.run, "--int8", "--out", tmp_path), 1)
    assert not list(tmp_path.iterdir())


def test_converting_what_is_no_run_says_what_is(tmp_path: Path) -> None:
    assert "not a run" in told(run("convert", tmp_path, "--int8"), 7)


@pytest.mark.parametrize("command", ["train", "convert"])
def test_a_disk_that_fills_leaves_no_half_written_file(trained: Any, tmp_path: Path, command: str) -> None:
    arguments = {
        "train": ["train", trained.source, "--recipe", trained.recipe, "--out", tmp_path / "out"],
        "convert": ["convert", trained.run, "--float32", "--out", tmp_path / "out"],
    }[command]
    if command == "convert":
        (tmp_path / "out").mkdir()
    program = LIMITED.format(limit=90_000)
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 6, done.stderr
    assert "cannot write" in done.stderr and "File too large" in done.stderr and "Traceback" not in done.stderr
    left = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert left <= {"recipe.toml", "provenance.json", "manifest.json"}


def test_a_trained_model_goes_through_every_command(trained: Any) -> None:
    model = trained.models["int8"]
    photo = trained.source.parent / "images" / "00000.jpg"
    for arguments in (
        ["evaluate", *trained.models.values(), "--data", trained.source, "--split", "test"],
        ["evaluate", model, "--data", trained.source, "--split", "val", "--run", trained.run],
        ["tag", photo, "--model", model],
        ["inspect", model],
        ["bench", model, "--num-runs", "3", "--warmup-runs", "1"],
    ):
        result = run(*arguments)
        assert result.exit_code == 0, result.output
        assert result.stdout.strip()


def test_a_split_of_a_run_that_is_not_there_is_told(trained: Any, tmp_path: Path) -> None:
    model = trained.models["int8"]
    result = run("evaluate", model, "--data", trained.source, "--split", "tset", "--run", trained.run)
    assert "its splits are test, train, val" in told(result, 7)
    assert "is not a run" in told(
        run("evaluate", model, "--data", trained.source, "--split", "test", "--run", tmp_path), 7
    )


def test_a_model_cut_in_half_is_told_by_every_command(trained: Any, tmp_path: Path) -> None:
    cut = tmp_path / "cut.tflite"
    whole = trained.models["int8"].read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    photo = trained.source.parent / "images" / "00000.jpg"
    told(run("tag", photo, "--model", cut), 5)
    told(run("evaluate", cut, "--data", trained.source, "--split", "test"), 5)
    told(run("inspect", cut), 5)


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(
    drawn: Path, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edge_tagger.train import finetune

    def interrupted(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(finetune, "train", interrupted)
    result = run("train", drawn, "--recipe", recipe, "--out", tmp_path / "run")
    assert result.exit_code == 130
    assert "--resume" in result.stderr and "Traceback" not in result.output
