from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_tagger.train.deploy import deployed, parts_of, trained
from edge_tagger.train.keras import tf_keras
from edge_tagger.train.quantize import quantize
from edge_tagger.train.resnet import build, get_weights, set_weights

SIZE = 32
PHOTOS = np.random.default_rng(0).integers(0, 256, (24, SIZE, SIZE, 3)).astype(np.float32)
HISTOGRAM = [
    f"histogram.{region}.{kind}" for region in ("whole", "middle", "centre") for kind in ("mean", "some", "few")
]
OPTIONS: dict[str, Any] = {"taps": [1], "pool": "mean+max", "palette": 8, "histogram": 8, "hidden": 12}


def make(*, deployed: bool = False) -> Any:
    tf_keras.utils.set_random_seed(3)
    options = {**OPTIONS, "deployed": deployed}
    made = build("resnet10", stages=2, image_size=SIZE, tags=5, folded=True, **options)
    made.get_layer("input").set_weights([np.full((1, 1, 3, 1), 1 / 128, np.float32), np.full(3, -1, np.float32)])
    return made


def output(model: Any, layer: str) -> np.ndarray:
    values: np.ndarray = tf_keras.Model(model.input, model.get_layer(layer).output)(PHOTOS).numpy()
    return values


@pytest.fixture
def pair() -> tuple[Any, Any]:
    """A model and its deployed form."""
    tf_keras.backend.clear_session()  # else the second test's layers are named quantize_layer_1
    model, other = make(), make(deployed=True)
    missing = set_weights(other, deployed(get_weights(model), parts_of(model), output(model, "features")))
    assert missing == []
    return model, other


def test_the_deployed_form_is_the_same_function(pair: tuple[Any, Any]) -> None:
    model, other = pair
    np.testing.assert_allclose(other(PHOTOS).numpy(), model(PHOTOS).numpy(), atol=1e-5)


def test_its_head_reads_standardized_features_and_bounded_units(pair: tuple[Any, Any]) -> None:
    features, hidden = output(pair[1], "features"), output(pair[1], "hidden")
    np.testing.assert_allclose(features.mean(0), 0, atol=1e-3)
    assert np.median(features.std(0)) == pytest.approx(1, abs=1e-3) and features.std(0).max() < 1.01
    assert hidden.max() == pytest.approx(6, rel=1e-3)


def test_both_forms_name_the_same_parts(pair: tuple[Any, Any]) -> None:
    names = ["tap1.mean", "tap1.max", "final.mean", "final.max", "palette.mean", "palette.middle_mean", *HISTOGRAM]
    assert parts_of(pair[0]) == parts_of(pair[1]) == dict(zip(names, (24, 24, 48, 48, *[8] * 11), strict=True))


def test_the_way_back_gives_the_same_function(pair: tuple[Any, Any]) -> None:
    model, other = pair
    before = model(PHOTOS).numpy()
    assert set_weights(model, trained(get_weights(other), parts_of(other))) == []
    np.testing.assert_allclose(model(PHOTOS).numpy(), before, atol=1e-5)


def test_it_can_be_quantized(pair: tuple[Any, Any]) -> None:
    quantized = quantize(pair[1], PHOTOS.astype(np.uint8))
    np.testing.assert_allclose(quantized(PHOTOS).numpy(), pair[1](PHOTOS).numpy(), atol=0.05)
