from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_tagger.train.keras import tf_keras
from edge_tagger.train.recipe import ModelOptions
from edge_tagger.train.resnet import build, fold, get_weights, set_weights
from edge_tagger.train.start import equalize, start_weights
from edge_tagger.train.weights import pixel_affine

PHOTOS = np.random.default_rng(0).integers(0, 256, (48, 32, 32, 3), dtype=np.uint8)
OPTIONS = ModelOptions(stages=2, image_size=32, taps=(1,))


def a_model(pool: str) -> Any:
    """Its norms of unlike size, as pretrained ones are."""
    tf_keras.utils.set_random_seed(0)
    shape = {"stages": 2, "image_size": 32, "tags": 3, "folded": True, "taps": (1,), "pool": pool}
    model = build("resnet50v2", **shape)
    rng = np.random.default_rng(1)
    set_weights(model, pixel_affine("resnet50v2"))
    for layer in model.layers:
        if layer.name.startswith(("tap", "final_norm")) and layer.weights:
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel * rng.uniform(0.001, 0.1, kernel.shape), rng.normal(0, 0.01, bias.shape)])
    return model


def pooled(model: Any) -> Any:
    """float32 [photos, C]."""
    return tf_keras.Model(model.input, model.get_layer("features").output)(PHOTOS.astype(np.float32)).numpy()


def test_the_head_of_another_model_is_left_where_it_is() -> None:
    its_own = ("hidden.kernel", "palette.conv1.bias", "histogram.conv2.bias")
    started = start_weights(OPTIONS, {**pixel_affine("resnet50v2"), **dict.fromkeys(its_own, np.ones(4, np.float32))})
    assert "input.bias" in started and not started.keys() & set(its_own)


def test_equalized_maps_give_the_same_logits_to_a_rescaled_head() -> None:
    model = a_model("mean")
    before = pooled(model)
    logits = before @ model.get_layer("head").get_weights()[0]
    norms = [model.get_layer(name) for name in ("tap1", "final_norm")]
    old = np.concatenate([norm.get_weights()[0].ravel() for norm in norms])
    equalize(model, PHOTOS)
    scale = np.concatenate([norm.get_weights()[0].ravel() for norm in norms]) / old
    assert (scale > 0).all() and scale.std() > 0.1 * scale.mean()
    np.testing.assert_allclose(pooled(model), before * scale, rtol=1e-3, atol=1e-4)
    kernel = model.get_layer("head").get_weights()[0] / scale[:, None]
    np.testing.assert_allclose(pooled(model) @ kernel, logits, rtol=1e-3, atol=1e-5)


def test_equalized_means_deviate_by_one_at_most_a_factor_of_four_off() -> None:
    model = a_model("mean")
    before = pooled(model).std(0)
    equalize(model, PHOTOS)
    after = pooled(model).std(0)
    for part in np.split(np.arange(len(after)), [256]):  # a map each
        typical = np.median(before[part])
        near = (before[part] > typical / 4) & (before[part] < typical * 4)
        np.testing.assert_allclose(after[part][near], 1, rtol=0.01)
        assert near.mean() > 0.5


def test_maxima_under_relu6_reach_six_in_one_photo_of_twenty() -> None:
    model = a_model("mean+max")
    equalize(model, PHOTOS)
    maxima = np.split(pooled(model), [256, 512, 1024], axis=1)[1]  # of tap1
    assert maxima.max() == 6
    reached = (maxima >= 5.99).mean(0)
    assert np.median(reached) == pytest.approx(0.05, abs=0.03)


def test_a_model_without_affine_layers_at_its_end_is_left_as_it_is() -> None:
    model = build("resnet18", stages=1, image_size=32, tags=2, folded=True)
    before = get_weights(model)
    equalize(model, PHOTOS[:2])
    assert all((value == before[name]).all() for name, value in get_weights(model).items())


def test_a_tap_reads_its_map_as_the_next_stage_does() -> None:
    pretrained = {
        name: value.astype(np.float32)
        for name, value in fold(
            get_weights(build("resnet50v2", stages=3, image_size=32, tags=1, folded=False)), "resnet50v2"
        ).items()
    }
    norm = "stage2.block1.norm1"
    pretrained[f"{norm}.bias"] = np.arange(256, dtype=np.float32)
    weights = start_weights(OPTIONS, {n: v for n, v in pretrained.items() if not n.startswith("final_norm")})
    for part in ("depthwise_kernel", "bias"):
        np.testing.assert_array_equal(weights[f"tap1.{part}"], pretrained[f"{norm}.{part}"])
        np.testing.assert_array_equal(weights[f"final_norm.{part}"], pretrained[f"stage3.block1.norm1.{part}"])
    assert start_weights(OPTIONS, None).keys() == pixel_affine("resnet50v2").keys()

    post = start_weights(ModelOptions("resnet18", stages=2, taps=(1,)), {})
    assert (post["tap1.depthwise_kernel"] == 1).all() and (post["final_norm.bias"] == 0).all()
