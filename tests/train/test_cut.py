from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_tagger.train.cut import cut, learns, trainable
from edge_tagger.train.keras import tf, tf_keras
from edge_tagger.train.resnet import build

PHOTOS = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.float32)
SHAPES = [
    ("resnet50v2", (), "mean"),
    ("resnet50v2", (1, 2), "mean+max"),
    ("resnet10", (), "mean"),
    ("resnet10", (2,), "mean"),
]


@pytest.fixture(scope="module", params=SHAPES, ids=str)
def model(request: pytest.FixtureRequest) -> Any:
    backbone, taps, pool = request.param
    tf_keras.utils.set_random_seed(0)
    return build(backbone, stages=3, image_size=32, tags=2, folded=True, taps=taps, pool=pool)


@pytest.mark.parametrize("layers", ["head", "stage3", "stage2", "stage1", "all"])
def test_both_halves_give_what_the_whole_gives(model: Any, layers: str) -> None:
    parts = cut(model, layers)
    whole = tf_keras.Model(model.input, model.get_layer("features").output)
    between = tf.nest.flatten(parts.frozen(PHOTOS, training=False))
    np.testing.assert_allclose(parts.learning(between, training=False), whole(PHOTOS, training=False), atol=1e-5)


@pytest.mark.parametrize("layers", ["head", "stage3", "stage2", "stage1", "all"])
def test_nothing_that_learns_is_frozen_and_nothing_else_is_left_to_learn(model: Any, layers: str) -> None:
    parts, chosen = cut(model, layers), {id(variable) for variable in trainable(model, layers)}
    assert not chosen & {id(variable) for variable in parts.frozen.weights}
    assert chosen >= {id(variable) for variable in model.get_layer("head").trainable_variables}
    if layers == "head":
        assert len(chosen) == 2 and parts.frozen.output_shape[-1] == model.get_layer("head").input_shape[-1]
    else:
        own = {id(variable) for variable in (*parts.learning.weights, *model.get_layer("head").weights)}
        assert chosen <= own
        if layers in ("stage1", "all"):
            assert chosen == own  # a later start leaves earlier taps pooled, but not learning


def test_a_tap_learns_with_its_stage_and_the_pixels_never() -> None:
    assert learns("tap2", "stage2") and not learns("tap1", "stage2")
    assert learns("quant_stage3.block1.conv1", "stage3") and learns("final_norm", "stage3")
    assert learns("stem.conv", "all") and not learns("stem.conv", "stage1") and not learns("input", "all")
    assert not learns("final_norm", "head") and learns("quant_head", "head")
