from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open

from edge_tagger.convert.check.facts import facts_of
from edge_tagger.convert.sources import read_run
from edge_tagger.convert.writer import make
from edge_tagger.errors import CatalogueError, OutputError, RecipeError, RunError
from edge_tagger.manifest import Manifest
from edge_tagger.train.finetune import train
from edge_tagger.train.keras import tf
from edge_tagger.train.prepare import prepare
from edge_tagger.train.recipe import Recipe
from edge_tagger.train.recipe_file import load_recipe, parse_recipe
from edge_tagger.train.run import RunFolder


@pytest.fixture(scope="module")
def recipe(data: Path) -> Recipe:
    return load_recipe(str(data / "tiny.toml"))


def test_a_run_holds_what_it_promises(trained: Any, recipe: Recipe) -> None:
    run = trained.run
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [(line["phase"], line["epoch"]) for line in lines] == [("train", 0), ("train", 1), ("quantize", 0)]
    assert all(np.isfinite(line["loss"]) and 0 < line["map_macro"] <= 1 for line in lines)
    assert load_recipe(str(run / "recipe.toml")) == recipe
    representative = np.load(run / "representative.npy")
    assert representative.shape == (32, 32, 32, 3) and representative.dtype == np.uint8
    assert representative.min() == 0 and representative.max() == 255
    manifest = Manifest.from_json(json.loads((run / "manifest.json").read_text()))
    assert manifest.metrics["val_map_macro"] > 0 and manifest.provenance["photos"]["train"] == 128
    assert not list(run.rglob(".*")), "temporary files were left behind"


def test_representative_photos_are_of_the_training_split_alone(trained: Any) -> None:
    from edge_tagger.images import load_resized

    paths, splits, _ = RunFolder(trained.run).read_photos() or pytest.fail("no photos.csv")
    training = {load_resized(p, 32)[4:-4].tobytes() for p, split in zip(paths, splits, strict=True) if split == "train"}
    assert all(photo[4:-4].tobytes() in training for photo in np.load(trained.run / "representative.npy"))


def test_the_quantized_model_is_near_the_float_model(trained: Any) -> None:
    photos = np.load(trained.run / "representative.npy")[:8].astype(np.float32)
    scores = []
    for name in ("float", "qat"):
        serve = tf.saved_model.load(str(trained.run / name)).signatures["serving_default"]
        scores.append(np.concatenate([serve(image=photo[None])["scores"] for photo in tf.constant(photos)]))
    assert np.abs(scores[0] - scores[1]).mean() < 0.05


@pytest.mark.parametrize("stop_after", [3, 18])
def test_a_stopped_training_goes_on_to_the_same_bits(
    trained: Any, recipe: Recipe, tmp_path: Path, ctrl_c_at: Any, stop_after: int
) -> None:
    """Ctrl-C in the first phase, and in quantization-aware training; then --resume."""
    with ctrl_c_at(stop_after):
        train(trained.source, recipe, tmp_path / "run")
    assert not RunFolder(tmp_path / "run").is_done
    train(trained.source, recipe, tmp_path / "run", resume=True)
    for name in ("weights.safetensors", "metrics.jsonl", "checkpoints/quantize.safetensors", "manifest.json"):
        assert (tmp_path / "run" / name).read_bytes() == (trained.run / name).read_bytes(), name


def test_a_finished_run_is_not_trained_again(trained: Any, recipe: Recipe) -> None:
    before = (trained.run / "metrics.jsonl").stat().st_mtime_ns
    train(trained.source, recipe, trained.run, resume=True)
    assert (trained.run / "metrics.jsonl").stat().st_mtime_ns == before


def test_a_folder_that_holds_a_run_or_something_else_is_not_touched(
    trained: Any, recipe: Recipe, tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match="holds another run; continue it with --resume"):
        train(trained.source, recipe, trained.run)
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(OutputError, match="is not a run"):
        train(trained.source, recipe, tmp_path, resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_a_run_of_another_recipe_is_not_resumed(trained: Any) -> None:
    with pytest.raises(RunError, match=r"another recipe \(different: .*phases"):
        train(trained.source, load_recipe("demo"), trained.run, resume=True)


def test_training_a_part_needs_pretrained_weights(trained: Any, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="--weights"):
        train(trained.source, load_recipe("fashion"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_too_many_unreadable_photos_stop_before_training(recipe: Recipe, tmp_path: Path) -> None:
    rows = "".join(f"{number}.jpg,Apparel,Dress,Red,none,train\n" for number in range(9))
    (tmp_path / "p.csv").write_text("image,department,type,colour,details,split\n" + rows)
    with pytest.raises(CatalogueError):
        train(tmp_path / "p.csv", recipe, tmp_path / "run")


PART = """
name = "part"
[data]
split = "split"
[facets.colour]
column = "colour"
[model]
backbone = "resnet10"
stages = 2
image_size = 32
taps = [1]
pool = "mean+max"
[loss]
siblings = 0.01
[quantize]
steps = 2
batch_size = 16
[[phases]]
name = "head"
layers = "head"
epochs = 2
dropout = 0.2
[[phases]]
name = "more"
layers = "stage2"
average = 0.9
"""


def test_frozen_layers_are_computed_once_and_kept_where_the_user_says(
    trained: Any, pretrained: Path, tmp_path: Path
) -> None:
    recipe = parse_recipe(PART, "x")
    train(trained.source, recipe, tmp_path / "run", weights=pretrained, cache=tmp_path / "cache")
    shapes = {np.load(path).shape for path in (tmp_path / "cache").rglob("view0-*.npy")}
    assert {(128, 2 * 24 + 2 * 48), (128, 16, 16, 24), (128, 1, 1, 24)} <= shapes
    phases = [json.loads(line)["phase"] for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert phases == ["head", "head", "more", "quantize"]

    operators = facts_of("int8", make(read_run(tmp_path / "run"), "int8", quantized="qat")[0]).operators
    rounding = [str(operator) for operator in operators if operator.name == "QUANTIZE"]
    assert len(rounding) == 2, f"besides input and output these are rounded once more: {rounding}"

    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.npy")}
    train(trained.source, recipe, tmp_path / "again", weights=pretrained, cache=tmp_path / "cache")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.npy")} == before
    for name in ("weights.safetensors", "metrics.jsonl"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    assert not (tmp_path / "again/cache").exists()


def test_members_of_a_phase_begin_alike_and_end_in_the_mean_of_their_weights(
    trained: Any, pretrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edge_tagger.train import finetune

    means = []

    def end(session: Any) -> None:
        means.append(session.model.get_weights())
        raise KeyboardInterrupt

    recipe = parse_recipe(PART.replace("average = 0.9", "members = 2"), "x")
    with monkeypatch.context() as patched:
        patched.setattr(finetune, "finish_float", end)
        for _ in range(2):  # trained, and read from the checkpoints
            with pytest.raises(KeyboardInterrupt):
                train(trained.source, recipe, tmp_path / "run", weights=pretrained, resume=True)
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [line["phase"] for line in lines] == ["head", "head", "more", "more-2"]
    assert lines[2]["loss"] != lines[3]["loss"], "both members saw the same batches and dropout"
    for first, second in zip(*means, strict=True):
        np.testing.assert_array_equal(first, second)

    ends = []
    for name in ("more", "more-2"):
        with safe_open(tmp_path / f"run/checkpoints/{name}.safetensors", framework="np") as file:
            kernels = [key for key in file.keys() if key.endswith("stage2.block1.conv1/kernel:0")]  # noqa: SIM118
            ends.append(file.get_tensor(kernels[0]))
    assert np.abs(ends[0] - ends[1]).max() > 0
    assert any(w.shape == ends[0].shape and np.allclose(w, (ends[0] + ends[1]) / 2, atol=1e-7) for w in means[0])


def test_members_need_pretrained_weights(recipe: Recipe, trained: Any, tmp_path: Path) -> None:
    phase = replace(recipe.phases[0], members=2)
    with pytest.raises(RecipeError, match="has 2 members"):
        train(trained.source, replace(recipe, phases=(phase,)), tmp_path / "run")


def test_weights_that_do_not_fit_are_refused_before_anything_is_written(trained: Any, tmp_path: Path) -> None:
    from edge_tagger.train.resnet import build, get_weights
    from edge_tagger.train.weights import save_weights

    with pytest.raises(RunError, match="cannot read the weights"):
        train(trained.source, load_recipe("fashion"), tmp_path / "run", weights=tmp_path / "none.safetensors")
    small = build("resnet10", folded=False, stages=1, image_size=32, tags=2)
    save_weights(tmp_path / "small.safetensors", get_weights(small))
    with pytest.raises(RunError, match=r"does not fit the model: .* and .* more"):
        train(trained.source, load_recipe("fashion"), tmp_path / "run", weights=tmp_path / "small.safetensors")
    assert not (tmp_path / "run").exists()


def test_a_run_is_resumed_with_its_own_weights(trained: Any, recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "other.safetensors").write_bytes(b"other")
    with pytest.raises(RunError, match="begun from no weights"):
        prepare(trained.source, recipe, RunFolder(trained.run), tmp_path / "other.safetensors")
