from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_tagger.train.head import StandardizedHead
from edge_tagger.train.keras import tf_keras
from edge_tagger.train.resnet import build

SIZE = 32
PHOTOS = np.random.default_rng(0).integers(0, 256, (24, SIZE, SIZE, 3)).astype(np.float32)


@pytest.fixture(
    params=[{}, {"hidden": 12}, {"taps": [1], "pool": "mean+max", "palette": 8, "histogram": 8, "hidden": 12}]
)
def model(request: pytest.FixtureRequest) -> Any:
    tf_keras.utils.set_random_seed(3)
    made = build("resnet10", stages=2, image_size=SIZE, tags=5, folded=True, **request.param)
    made.get_layer("input").set_weights([np.full((1, 1, 3, 1), 1 / 128, np.float32), np.full(3, -1, np.float32)])
    return made


def features(model: Any) -> np.ndarray:
    pooled: np.ndarray = tf_keras.Model(model.input, model.get_layer("features").output)(PHOTOS).numpy()
    return pooled


def test_standardizing_changes_no_score(model: Any) -> None:
    before, pooled = model(PHOTOS).numpy(), features(model)
    head = StandardizedHead(model)
    logits = head(pooled).numpy()
    head.begin(pooled)
    np.testing.assert_allclose(((pooled - head.centre) / head.deviation).numpy().mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(head(pooled).numpy(), logits, atol=1e-4)
    head.end()
    np.testing.assert_allclose(model(PHOTOS).numpy(), before, atol=1e-5)


def test_a_mask_takes_features_and_hidden_units_out(model: Any) -> None:
    head = StandardizedHead(model)
    logits = head(features(model), np.zeros((len(PHOTOS), head.width), np.float32)).numpy()
    np.testing.assert_allclose(logits, np.broadcast_to(model.get_layer("head").get_weights()[1], logits.shape))
