"""The files of a run are read back: damaged ones end a training that is resumed, and a conversion, with one line."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from edge_tagger.catalogue.source import read_catalogue
from edge_tagger.cli import main
from edge_tagger.convert.sources import read_run
from edge_tagger.errors import CatalogueError, RunError
from edge_tagger.train.checkpoint import load_checkpoint, read_counters, save_array, save_checkpoint
from edge_tagger.train.keras import tf
from edge_tagger.train.prepare import Prepared, prepare
from edge_tagger.train.recipe import Recipe
from edge_tagger.train.recipe_file import load_recipe
from edge_tagger.train.run import RunFolder
from edge_tagger.train.source_data import recorded_catalogue

NESTED = b"[" * 100_000
READ_BY_CONVERT = {"targets.npy", "representative.npy", "photos.csv", "manifest.json"}


@pytest.fixture(scope="module")
def recipe(data: Path) -> Recipe:
    return load_recipe(str(data / "tiny.toml"))


@pytest.fixture
def stopped(trained: Any, tmp_path: Path) -> Path:
    """A copy of a run that was stopped before its comparison; its models are names alone."""
    shutil.copytree(trained.run, tmp_path / "run", ignore=shutil.ignore_patterns("float", "qat", "*.tflite", "report"))
    (tmp_path / "run/comparison.json").unlink()
    for name in ("float", "qat"):
        (tmp_path / "run" / name).mkdir()
        (tmp_path / "run" / name / "saved_model.pb").touch()
    return tmp_path / "run"


@pytest.mark.parametrize("damage", ["empty", "garbage", "cut", "not UTF-8", "nested", "other", "folder"])
@pytest.mark.parametrize(
    "name",
    [
        "targets.npy", "representative.npy", "photos.csv", "manifest.json", "provenance.json", "recipe.toml",
        "metrics.jsonl",
    ],
)  # fmt: skip
def test_a_damaged_file_is_named_before_anything_is_trained(
    trained: Any, stopped: Path, recipe: Recipe, name: str, damage: str
) -> None:
    path = stopped / name
    whole = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage == "other" and path.suffix == ".npy":
        save_array(path, np.full((3, 3), 7, np.float32))
    else:
        other = b"{}\n" if name != "photos.csv" else b"path,split\n\n/a\n"
        path.write_bytes({
            "empty": b"", "garbage": b"garbage\n", "cut": whole[: len(whole) // 2], "not UTF-8": b"\xff\xfe\n",
            "nested": NESTED + b"\n", "other": other,
        }[damage])  # fmt: skip
    if name == "metrics.jsonl" and damage in ("empty", "cut"):  # the last line of a process that was killed
        prepare(trained.source, recipe, RunFolder.open(stopped, recipe, resume=True), None)
        assert whole.startswith(path.read_bytes()) and path.read_bytes()[-1:] in (b"", b"\n")
        return
    with pytest.raises(RunError) as told:
        prepare(trained.source, recipe, RunFolder.open(stopped, recipe, resume=True), None)
    assert name.partition(".")[0] in str(told.value) and len(str(told.value).splitlines()) == 1
    if name in READ_BY_CONVERT:
        with pytest.raises(RunError):
            read_run(stopped)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"int8": 5}', b'{"int8": "other"}', NESTED, b"\xff"])
def test_a_damaged_comparison_is_named(stopped: Path, content: bytes) -> None:
    (stopped / "comparison.json").write_bytes(content)
    with pytest.raises(RunError, match=r"comparison.json: .*delete it"):
        read_run(stopped)
    with pytest.raises(RunError, match=r"comparison.json: .*delete it"):
        assert RunFolder(stopped).is_done


def test_a_run_whose_photos_are_missing_is_not_begun_anew_over_its_checkpoints(
    trained: Any, stopped: Path, recipe: Recipe
) -> None:
    (stopped / "targets.npy").unlink()
    with pytest.raises(RunError, match=r"targets.npy is broken .No such file"):
        prepare(trained.source, recipe, RunFolder.open(stopped, recipe, resume=True), None)


@pytest.mark.parametrize("counters", [{}, {"step": -1}, {"step": "x"}, {"step": 1.5}, {"step": True}, {"step": 10**30}])
def test_a_checkpoint_of_odd_counters_is_broken(tmp_path: Path, counters: dict[str, Any]) -> None:
    save_checkpoint(tmp_path / "a.safetensors", [tf.Variable([1.0], name="a")], counters)
    with pytest.raises(RunError, match="delete it to redo its phase"):
        read_counters(tmp_path / "a.safetensors")


def test_a_checkpoint_is_of_the_same_types_and_sizes_or_nothing_is_assigned(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    first = tf.Variable([1.0, 2.0], name="a")
    for other in (tf.Variable([1.0, 2.0, 3.0], name="b"), tf.Variable([1, 2], name="b")):
        save_checkpoint(path, [tf.Variable([5.0, 6.0], name="a"), other], {"step": 1})
        with pytest.raises(RunError, match=r"of another model .*0001 b:0 is"):
            load_checkpoint(path, [first, tf.Variable([3.0, 4.0], name="b")])
    assert first.numpy().tolist() == [1.0, 2.0]
    path.unlink()
    path.mkdir()
    with pytest.raises(RunError, match="it is a folder"):
        read_counters(path)


@pytest.fixture
def catalogue(drawn: Path, tmp_path: Path) -> Path:
    return shutil.copytree(drawn.parent, tmp_path / "catalogue") / drawn.name


@pytest.fixture
def begun(catalogue: Path, tmp_path: Path, recipe: Recipe) -> Path:
    """A run of `catalogue` that has been prepared and stands before its first step."""
    prepare(catalogue, recipe, RunFolder.open(tmp_path / "begun", recipe, resume=False), None)
    return tmp_path / "begun"


def rewrite(path: Path, change: Callable[[list[dict[str, str]]], object]) -> None:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    change(rows)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def resume(source: Path, recipe: Recipe, run: Path, **options: bool) -> Prepared:
    return prepare(source, recipe, RunFolder.open(run, recipe, resume=True), None, **options)


def test_a_source_that_changed_is_told_and_goes_on_only_with_what_the_run_recorded(
    catalogue: Path, begun: Path, recipe: Recipe
) -> None:
    before = resume(catalogue, recipe, begun)
    labels = {photo.path.resolve(): photo.values["colour"] for photo in read_catalogue(catalogue).photos}

    def change(rows: list[dict[str, str]]) -> None:
        val = [row for row in rows if row["split"] == "val"]
        val[0]["colour"] = "violet"
        val[1]["type"] = "Hat"
        shutil.copy(catalogue.parent / rows[0]["image"], catalogue.parent / "new.jpg")
        rows[0]["image"] = "new.jpg"

    rewrite(catalogue, change)
    with pytest.raises(RunError) as told:
        resume(catalogue, recipe, begun)
    assert "(1 photo new, 1 photo gone, 2 photos with other labels)" in str(told.value)
    assert "--accept-changed-data" in str(told.value) and told.value.exit_code == 7
    after = resume(catalogue, recipe, begun, accept_changed_data=True)
    assert after.paths == before.paths and np.array_equal(after.targets, before.targets)
    recorded = recorded_catalogue(catalogue, recipe, RunFolder(begun), "val") or pytest.fail("no labels")
    assert len(recorded) == before.splits.count("val")
    assert all(photo.values["colour"] == labels[photo.path] for photo in recorded.photos)


@pytest.mark.parametrize("change", ["bytes", "broken", "gone"])
def test_every_other_change_is_told_too(catalogue: Path, begun: Path, recipe: Recipe, change: str) -> None:
    text = catalogue.read_text()
    if change == "gone":
        catalogue.unlink()
        with pytest.raises(CatalogueError, match="give the run's own source"):
            resume(catalogue, recipe, begun)
    else:
        catalogue.write_text(text + "\n" if change == "bytes" else "image\n")
        why = "other bytes, but the same photos and labels" if change == "bytes" else "it cannot be used any more"
        with pytest.raises(RunError, match=why):
            resume(catalogue, recipe, begun)
    resume(catalogue, recipe, begun, accept_changed_data=True)


def test_a_folder_of_classes_has_a_fingerprint_too(catalogue: Path, tmp_path: Path) -> None:
    recipe = load_recipe("classes")
    for number, photo in enumerate(sorted((catalogue.parent / "images").iterdir())[:120]):
        target = tmp_path / "classes" / "ab"[number % 2] / photo.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, target)
    run = tmp_path / "run"
    prepare(tmp_path / "classes", recipe, RunFolder.open(run, recipe, resume=False), None)
    resume(tmp_path / "classes", recipe, run)
    moved = next((tmp_path / "classes/a").iterdir())
    moved.rename(tmp_path / "classes/b" / moved.name)
    with pytest.raises(RunError, match="1 photo new, 1 photo gone"):
        resume(tmp_path / "classes", recipe, run)


def test_runs_of_before_are_resumed_as_they_were(catalogue: Path, begun: Path, recipe: Recipe) -> None:
    provenance = json.loads((begun / "provenance.json").read_text())
    (begun / "provenance.json").write_text(json.dumps({**provenance, "source_sha256": None}))
    rows = [line.split(",")[:4] for line in (begun / "photos.csv").read_text().splitlines()]
    (begun / "photos.csv").write_text("".join(",".join(row) + "\n" for row in rows))
    catalogue.write_text(catalogue.read_text() + "\n")
    resume(catalogue, recipe, begun)
    assert recorded_catalogue(catalogue, recipe, RunFolder(begun), "val") is None


def command(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_the_command_says_it_of_a_finished_run_too(trained: Any, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("image,department,type,colour,details,split\nx.jpg,a,b,c,d,val\n")
    words = ("train", tmp_path / "other.csv", "--recipe", trained.recipe, "--out", trained.run)
    result = command(*words, "--resume")
    assert result.exit_code == 7 and "is not what" in result.stderr and len(result.stderr.splitlines()) == 1
    assert command(*words, "--resume", "--accept-changed-data").exit_code == 0
    assert command(*words, "--accept-changed-data").exit_code == 2
