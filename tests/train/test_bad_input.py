"""What goes wrong in a training is told in one line, with its exit code, and leaves nothing half-written."""

from __future__ import annotations

import csv
import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from safetensors.numpy import load_file

from edge_tagger.cli import main
from edge_tagger.errors import RunError
from edge_tagger.manifest import Manifest
from edge_tagger.train import finetune, fit
from edge_tagger.train.checkpoint import read_counters
from edge_tagger.train.keras import tf

BASE = """
name = "small"
[data]
split = "split"
min_count = 3
[facets.colour]
column = "colour"
[model]
backbone = "resnet10"
stages = 1
image_size = 16
[quantize]
steps = 1
calibration_photos = 8
"""
PHASE = '[[phases]]\nname = "calm"\nlayers = "all"\nbatch_size = 16\n'
DIVERGING = '[[phases]]\nname = "wild"\nlayers = "all"\nbatch_size = 16\nlearning_rate = 1e30\n'


@pytest.fixture()
def edge_tagger_train(tmp_path: Path) -> Callable[..., Result]:
    """Runs `edge-tagger train SOURCE --out tmp_path/run ...` with the text of a recipe."""

    def run(source: Path, recipe: str, *more: str | Path) -> Result:
        (tmp_path / "recipe.toml").write_text(recipe)
        out = ["--recipe", tmp_path / "recipe.toml", "--out", tmp_path / "run"]
        return CliRunner().invoke(main, [str(word) for word in ("train", source, *out, *more)])

    return run


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights that fit BASE, so that a head alone can be trained."""
    return weights_of("resnet10", tmp_path_factory.mktemp("start") / "start.safetensors")


@pytest.fixture()
def only_phases(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training ends after its phases."""
    for later in ("finish_float", "finish_quantized", "compare"):
        monkeypatch.setattr(finetune, later, lambda *_: None)


def weights_of(backbone: str, path: Path) -> Path:
    from edge_tagger.train.resnet import build, get_weights
    from edge_tagger.train.weights import save_weights

    save_weights(path, get_weights(build(backbone, folded=False, stages=1, image_size=16, tags=2)))
    return path


def told(result: Result, exit_code: int) -> str:
    """The one line of an error."""
    assert result.exit_code == exit_code, (result.output, result.exception)
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1 and "Traceback" not in result.output
    return lines[0]


def left_behind(folder: Path) -> list[Path]:
    return list(folder.rglob(".*"))


def relabelled(drawn: Path, folder: Path, change: Callable[[dict[str, str]], None]) -> Path:
    """The drawn catalogue with other cells."""
    with drawn.open(newline="") as file:
        rows = list(csv.DictReader(file))
    shutil.copytree(drawn.parent / "images", folder / "images")
    for row in rows:
        change(row)
    with (folder / "products.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "products.csv"


@pytest.mark.usefixtures("only_phases")
def test_a_loss_that_is_no_number_names_phase_and_step_and_keeps_what_is_done(
    drawn: Path, tmp_path: Path, edge_tagger_train: Callable[..., Result]
) -> None:
    line = told(edge_tagger_train(drawn, BASE + PHASE + DIVERGING), 7)
    assert "phase 'wild'" in line and "step" in line and "lower the learning rate" in line
    assert [path.name for path in (tmp_path / "run/checkpoints").iterdir()] == ["calm.safetensors"]
    logged = [json.loads(text)["phase"] for text in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert logged == ["calm"] and not left_behind(tmp_path)


def test_weights_that_the_last_step_broke_are_not_saved(tmp_path: Path) -> None:
    """Its loss was finite: the derivative of a root at 0 is not."""
    weight = tf.Variable([4.0], name="weight")
    targets = [tf.constant([1.0]), tf.constant([0.0])]

    with pytest.raises(RunError, match="weights of phase 'last' are not finite after step 2"):
        fit.fit(
            "last",
            loss=lambda target: tf.reduce_sum(tf.sqrt(weight * target)),
            variables=[weight],
            state=[weight],
            batches=lambda epoch, _first: [(targets[epoch],)],
            schedule=fit.Schedule(steps_per_epoch=1, total_steps=2, learning_rate=0.1),
            checkpoint=tmp_path / "last.safetensors",
        )
    assert read_counters(tmp_path / "last.safetensors")["step"] == 1
    assert all(np.isfinite(value).all() for value in load_file(tmp_path / "last.safetensors").values())


def test_an_exclusive_facet_with_one_tag_is_refused(
    drawn: Path, tmp_path: Path, edge_tagger_train: Callable[..., Result]
) -> None:
    source = relabelled(drawn, tmp_path, lambda row: row.update(colour="Red"))
    assert "facet 'colour' (colour) keeps 1 tags" in told(edge_tagger_train(source, BASE + PHASE), 4)


def test_facets_with_one_tag_or_one_root_and_a_tag_absent_from_validation_train(
    drawn: Path, tmp_path: Path, edge_tagger_train: Callable[..., Result]
) -> None:
    def change(row: dict[str, str]) -> None:
        row["department"] = "Apparel"
        row["details"] = "bow" if "bow" in row["details"] else "none"
        if row["split"] == "val" and row["colour"] == "red":
            row["colour"] = "blue"

    facets = '[facets.category]\nlevels = ["department", "type"]\n'
    facets += '[facets.details]\ncolumn = "details"\nseparator = "|"\nnone = "none"\n'
    source = relabelled(drawn, tmp_path, change)
    result = edge_tagger_train(source, BASE.replace("[model]", facets + "[model]") + PHASE)
    assert result.exit_code == 0, (result.output, result.exception)
    warning = next(line for line in result.stderr.splitlines() if "have no photo in the validation split" in line)
    assert warning.startswith("Warning: ") and "colour/red" in warning
    manifest = Manifest.from_json(json.loads((tmp_path / "run/manifest.json").read_text()))
    ids = [tag.id for tag in manifest.taxonomy.tags]
    assert "details/bow" in ids and "category/Apparel" in ids and np.isfinite(manifest.thresholds).all()
    assert not left_behind(tmp_path)


def test_weights_of_another_architecture_are_refused_before_a_run_is_there(
    drawn: Path, tmp_path: Path, edge_tagger_train: Callable[..., Result]
) -> None:
    weights_of("resnet18", tmp_path / "w.safetensors")
    line = told(edge_tagger_train(drawn, BASE + PHASE, "--weights", tmp_path / "w.safetensors"), 7)
    assert "w.safetensors" in line and "does not fit" in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("harm", ["raised", "killed"])
@pytest.mark.usefixtures("only_phases")
def test_an_interrupted_write_of_a_checkpoint_leaves_the_old_one(
    drawn: Path, tmp_path: Path, edge_tagger_train: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    """Between writing and renaming that of the second epoch: by an error, or killed, so that nobody tidies up."""
    recipe = BASE + PHASE + "epochs = 2\n"
    replace, unlink = Path.replace, Path.unlink

    def interrupted(path: Path, target: Path) -> Path:
        if target.name == "calm.safetensors" and target.exists():
            raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", interrupted)
        if harm == "killed":
            patched.setattr(Path, "unlink", lambda path, **o: None if ".calm." in path.name else unlink(path, **o))
        assert edge_tagger_train(drawn, recipe).exit_code == 130
    checkpoint = tmp_path / "run/checkpoints/calm.safetensors"
    assert read_counters(checkpoint)["step"] == 8
    assert len(left_behind(tmp_path)) == (1 if harm == "killed" else 0)
    assert edge_tagger_train(drawn, recipe, "--resume").exit_code == 0
    assert read_counters(checkpoint)["step"] == 16 and not left_behind(tmp_path)


@pytest.mark.parametrize("full", ["calm.safetensors", "metrics.jsonl", "view0-", "tfevents"])
@pytest.mark.usefixtures("only_phases")
def test_a_disk_that_fills_is_told_and_the_training_goes_on_when_it_has_room(
    drawn: Path,
    start: Path,
    tmp_path: Path,
    edge_tagger_train: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    full: str,
) -> None:
    recipe = BASE + PHASE.replace('"all"', '"head"')
    more = ["--weights", start, "--tensorboard", tmp_path / "logs"]
    with monkeypatch.context() as patched:
        fill(patched, full)
        line = told(edge_tagger_train(drawn, recipe, *more), 6)
    assert "cannot write" in line and full in line and "No space left on device" in line
    assert not left_behind(tmp_path) and not list((tmp_path / "run/checkpoints").iterdir())
    assert edge_tagger_train(drawn, recipe, *more, "--resume").exit_code == 0
    assert read_counters(tmp_path / "run/checkpoints/calm.safetensors")["step"] == 8


def test_a_disk_that_fills_at_the_report_leaves_a_run_that_is_not_done(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for finished in ("finish_float", "finish_quantized"):
        monkeypatch.setattr(finetune, finished, lambda *_: None)
    shutil.copytree(trained.run, tmp_path / "run")
    shutil.rmtree(tmp_path / "run/report")
    (tmp_path / "run/comparison.json").unlink()
    fill(monkeypatch, "index.html")
    command = ["train", trained.source, "--recipe", trained.recipe, "--out", tmp_path / "run", "--resume"]
    line = told(CliRunner().invoke(main, [str(word) for word in command]), 6)
    assert "index.html" in line and "No space left on device" in line
    assert not (tmp_path / "run/comparison.json").exists() and not left_behind(tmp_path)


def fill(patched: pytest.MonkeyPatch, name: str) -> None:
    """No byte of a file whose name holds `name` goes to the disk any more."""
    write_bytes, writer = Path.write_bytes, tf.io.TFRecordWriter

    def full(path: Path, data: bytes | memoryview) -> int:
        if name in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_bytes(path, data)

    def full_records(path: str) -> Any:
        if name in path:
            raise tf.errors.ResourceExhaustedError(None, None, f"{path}; No space left on device")
        return writer(path)

    patched.setattr(Path, "write_bytes", full)
    patched.setattr(tf.io, "TFRecordWriter", full_records)


def test_a_cache_that_cannot_be_made_is_told(
    drawn: Path, start: Path, tmp_path: Path, edge_tagger_train: Callable[..., Result]
) -> None:
    (tmp_path / "file").write_text("")
    more = ["--weights", start, "--cache", tmp_path / "file" / "cache"]
    line = told(edge_tagger_train(drawn, BASE + PHASE.replace('"all"', '"head"'), *more), 6)
    assert "choose another --cache" in line
