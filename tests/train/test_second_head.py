from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from edge_tagger.errors import RecipeError, RunError
from edge_tagger.train.cut import trainable
from edge_tagger.train.finetune import train
from edge_tagger.train.head import StandardizedHead
from edge_tagger.train.keras import tf, tf_keras
from edge_tagger.train.recipe import Phase, QuantizeOptions, Recipe
from edge_tagger.train.recipe_file import load_recipe, parse_recipe
from edge_tagger.train.resnet import build, get_weights, set_weights
from edge_tagger.train.run import RunFolder
from edge_tagger.train.second_head import put_beside, take_head, widened
from edge_tagger.train.weights import read_pretrained

PHOTOS = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3)).astype(np.float32)
FIRST = {"taps": (1,), "pool": "mean+max", "palette": 4, "hidden": 6}


def a_model(**options: Any) -> Any:
    """Of random weights, biases too."""
    tf_keras.utils.set_random_seed(0)
    shape: dict[str, Any] = {"stages": 2, "image_size": 32, "tags": 3, "folded": True, **FIRST, **options}
    made = build("resnet10", **shape)
    rng = np.random.default_rng(1)
    set_weights(made, {"input.depthwise_kernel": np.full((1, 1, 3, 1), 1 / 128, np.float32), "input.bias": -np.ones(3)})
    for name in ("head", "hidden"):
        kernel, bias = made.get_layer(name).get_weights()
        made.get_layer(name).set_weights([kernel, rng.normal(0, 0.3, bias.shape)])
    return made


def with_first_head(**options: Any) -> tuple[Any, Any]:
    """A model, and one of other `options` that took the first one's weights, head and all."""
    first = a_model()
    second = a_model(**options)
    set_weights(second, widened(get_weights(first), second))
    return first, second


def logits(model: Any) -> Any:
    head = tf_keras.Model(model.input, model.get_layer("head").output)
    return head(PHOTOS).numpy()


@pytest.mark.parametrize("options", [{"hidden": 10}, {"hidden": 10, "histogram": 8}])
def test_a_head_in_the_shapes_of_a_larger_model_says_the_same(options: dict[str, Any]) -> None:
    first, second = with_first_head(**options)
    np.testing.assert_allclose(logits(second), logits(first), atol=1e-5)


@pytest.mark.parametrize("options", [{"hidden": 6}, {"hidden": 10, "palette": 3}, {"hidden": 10, "taps": ()}])
def test_a_head_that_does_not_fit_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(RunError, match=r"reads .* features through 6 hidden units"):
        with_first_head(**options)


def learn(model: Any, steps: int) -> None:
    """A few steps towards random answers, as a phase takes them."""
    pooled = tf_keras.Model(model.input, model.get_layer("features").output)(PHOTOS).numpy()
    answers = np.random.default_rng(2).integers(0, 2, (len(PHOTOS), 3)).astype(np.float32)
    head = StandardizedHead(model)
    head.begin(pooled)
    optimizer = tf_keras.optimizers.AdamW(1e-2, weight_decay=0.1)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(answers, head(pooled)))
        variables = trainable(model, "second_head")
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
    head.end()


def test_both_heads_answer_with_the_mean_of_their_logits() -> None:
    first, model = with_first_head(hidden=10, histogram=8)
    kept = take_head(model, seed=0, bias=np.array([-1.0, 0.0, 1.0], np.float32))
    fresh = logits(model)
    assert np.abs(fresh - logits(first)).max() > 0.1
    learn(model, steps=20)
    alone = logits(model)
    assert np.abs(alone - fresh).max() > 0.1
    put_beside(model, kept)
    np.testing.assert_allclose(logits(model), (logits(first) + alone) / 2, atol=1e-4)


def test_the_second_head_leaves_the_first_ones_units_and_palette_alone() -> None:
    _, model = with_first_head(hidden=10)
    take_head(model, seed=0, bias=np.zeros(3, np.float32))
    before = get_weights(model)
    learn(model, steps=5)
    after = get_weights(model)
    assert not after["hidden.kernel"][:, :6].any() and not after["head.kernel"][-10:-4].any()
    assert np.abs(after["hidden.kernel"][:, 6:] - before["hidden.kernel"][:, 6:]).max() > 1e-3
    palette = [name for name in before if name.startswith("palette.")]
    assert palette and all((after[name] == before[name]).all() for name in palette)


def test_heads_that_are_to_come_share_the_units() -> None:
    first, model = with_first_head(hidden=11)
    bias = np.zeros(3, np.float32)
    kept = take_head(model, seed=0, bias=bias, heads=2)
    weights = get_weights(model)
    assert weights["hidden.kernel"].any(0).tolist() == [False] * 6 + [True] * 2 + [False] * 3
    assert weights["head.kernel"][-11:].any(1).tolist() == [False] * 6 + [True] * 2 + [False] * 3
    second = logits(model)
    put_beside(model, kept)
    kept = take_head(model, seed=1, bias=bias)
    assert get_weights(model)["hidden.kernel"].any(0).tolist() == [False] * 8 + [True] * 3
    third = logits(model)
    put_beside(model, kept)
    np.testing.assert_allclose(logits(model), (logits(first) + second) / 4 + third / 2, atol=1e-4)


def test_more_heads_than_units_are_refused() -> None:
    _, model = with_first_head(hidden=7)
    with pytest.raises(RunError, match="1 hidden units are left for 2 heads beside the first"):
        take_head(model, seed=0, bias=np.zeros(3, np.float32), heads=2)


@pytest.fixture(scope="module")
def recipe(trained: Any) -> Recipe:
    """Of a second head for the drawn catalogue, on the head of `trained`, and a third one that a kernel teaches."""
    first = load_recipe(str(trained.recipe))
    beside = Phase("beside", layers="second_head", epochs=2, batch_size=16, augment=False)
    taught = replace(beside, name="taught", teacher="kernel", mixup=1.0)
    model = replace(first.model, hidden=8, histogram=16)
    return replace(
        first, model=model, phases=(beside, taught), quantize=QuantizeOptions(steps=0, calibration_photos=16)
    )


@pytest.fixture(scope="module")
def whole(trained: Any, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of a run that nothing stopped."""
    run = tmp_path_factory.mktemp("whole") / "run"
    train(trained.source, recipe, run, weights=trained.models["float32"])
    return run / "weights.safetensors"


def test_a_run_ends_with_all_heads_in_its_model(trained: Any, recipe: Recipe, whole: Path) -> None:
    tags = [tag.id for tag in RunFolder(trained.run).read_manifest().taxonomy.tags]
    first = read_pretrained(trained.models["float32"], recipe.model.backbone, recipe.model.stages, tags=tags)
    both = load_file(whole)
    stem = next(name for name in first if name.startswith("stem") and name.endswith("kernel"))
    np.testing.assert_allclose(both[stem], first[stem], rtol=1e-5)
    assert both["hidden.kernel"].shape[1] == 8 and both["hidden.kernel"].any()


@pytest.mark.parametrize("step", [5, 25])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(
    trained: Any, recipe: Recipe, whole: Path, tmp_path: Path, ctrl_c_at: Any, step: int
) -> None:
    weights = trained.models["float32"]
    with ctrl_c_at(step):
        train(trained.source, recipe, tmp_path / "stopped", weights=weights)
    train(trained.source, recipe, tmp_path / "stopped", weights=weights, resume=True)
    assert (tmp_path / "stopped/weights.safetensors").read_bytes() == whole.read_bytes()


def test_weights_without_a_head_are_refused(trained: Any, recipe: Recipe, pretrained: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="does not say which tags its head is for"):
        train(trained.source, recipe, tmp_path / "run", weights=pretrained)


def test_what_a_kernel_teaches_needs_the_cache(trained: Any, recipe: Recipe, tmp_path: Path) -> None:
    phases = tuple(replace(phase, cache_gb=0) for phase in recipe.phases)
    with pytest.raises(RunError, match=r"phase 'taught': the kernel that is to teach needs the cache; give cache_gb"):
        train(trained.source, replace(recipe, phases=phases), tmp_path / "run", weights=trained.models["float32"])


def test_only_the_first_phases_can_train_one() -> None:
    phases = "[[phases]]\nname = 'a'\n[[phases]]\nname = 'b'\nlayers = 'second_head'"
    with pytest.raises(RecipeError, match=r"'b\.layers' must be one of all, head, stage1, stage2, stage3, not"):
        parse_recipe(f"name = 'a'\n[facets.kind]\ncolumn = 'kind'\n{phases}", "mine.toml")
