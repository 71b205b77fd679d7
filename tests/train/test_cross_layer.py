from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_tagger.train.cross_layer import cross_layer_equalized
from edge_tagger.train.keras import tf_keras
from edge_tagger.train.quantize import quantize
from edge_tagger.train.resnet import build, get_weights, set_weights

PHOTOS = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3)).astype(np.uint8)


def a_model(backbone: str = "resnet50v2") -> Any:
    """Folded, of random weights, biases of norms too."""
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(0)
    made = build(backbone, stages=2, image_size=32, tags=5, folded=True, taps=(1,), pool="mean+max")
    rng = np.random.default_rng(1)
    set_weights(made, {"input.depthwise_kernel": np.full((1, 1, 3, 1), 1 / 128, np.float32), "input.bias": -np.ones(3)})
    for layer in made.layers:
        if layer.name.endswith("norm1"):
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, rng.normal(0, 0.1, bias.shape)])
    return made


def an_uneven_model() -> Any:
    """The same function, of which the channels of the first stage reach up to 20 times as far as others."""
    model = a_model()
    weights = get_weights(model)
    factors = np.exp(np.random.default_rng(2).uniform(-1.5, 1.5, 256)).astype(np.float32)
    for name in ("block1.shortcut", "block1.conv3", "block2.conv3", "block3.conv3"):
        weights[f"stage1.{name}.kernel"] *= factors
    for name in ("stage1.block2.norm1", "stage1.block3.norm1", "stage2.block1.norm1", "tap1"):
        weights[f"{name}.depthwise_kernel"] /= factors[None, None, :, None]
    set_weights(model, weights)
    return model


def logits(model: Any, head: str = "head") -> Any:
    return tf_keras.Model(model.input, model.get_layer(head).output)(PHOTOS.astype(np.float32), training=False).numpy()


def test_the_function_stays_the_same_and_channels_of_a_stage_reach_equally_far() -> None:
    model = an_uneven_model()
    before = logits(model)
    weights = cross_layer_equalized(model, PHOTOS)
    assert set_weights(model, weights) == []
    np.testing.assert_allclose(logits(model), before, atol=1e-3 * np.abs(before).max())
    adds = [model.get_layer(f"stage1.block{n}.add").output for n in (1, 2, 3)]
    maps = tf_keras.Model(model.input, adds)(PHOTOS.astype(np.float32), training=False)
    reach = np.max([np.abs(m).max((0, 1, 2)) for m in maps], axis=0)
    np.testing.assert_allclose(reach, np.median(reach), rtol=0.01)


def test_int8_loses_less() -> None:
    model = an_uneven_model()
    exact = logits(model)
    model.get_layer("head").set_weights([w * (6 / np.abs(exact).max()) for w in model.get_layer("head").get_weights()])
    exact = logits(model)
    errors = []
    for weights in (get_weights(model), cross_layer_equalized(model, PHOTOS)):
        set_weights(model, weights)
        tf_keras.backend.reset_uids()
        errors.append(np.abs(logits(quantize(model, PHOTOS), "quant_head") - exact).mean())
    assert errors[1] < errors[0] / 2, errors


@pytest.mark.parametrize("backbone", ["resnet10", "resnet50"])
def test_backbones_without_preactivation_stay_as_they_are(backbone: str) -> None:
    model = a_model(backbone)
    before = get_weights(model)
    after = cross_layer_equalized(model, PHOTOS)
    assert before.keys() == after.keys() and all((after[name] == before[name]).all() for name in before)
