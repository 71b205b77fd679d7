from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_tagger.train.histogram import _bins, set_histogram
from edge_tagger.train.keras import tf_keras
from edge_tagger.train.recipe import HISTOGRAM_BINS
from edge_tagger.train.resnet import build

SIZE = 40
RED, BLUE, WHITE = (200, 20, 30), (20, 30, 200), (255, 255, 255)


def square(colour: tuple[int, int, int], side: int) -> np.ndarray:
    """uint8 [1, SIZE, SIZE, 3]: a square of the colour in the middle of a white photo."""
    photo = np.full((1, SIZE, SIZE, 3), WHITE, np.uint8)
    start = (SIZE - side) // 2
    photo[:, start : start + side, start : start + side] = colour
    return photo


PHOTOS = np.concatenate([square(colour, side) for colour in (RED, BLUE) for side in (10, 20, 40)])


@pytest.fixture(scope="module", params=[(1 / 128, -1.0), (1 / 58, -2.0)], ids=["-1..1", "mean and std"])
def model(request: pytest.FixtureRequest) -> Any:
    made = build("resnet10", stages=1, image_size=SIZE, tags=2, folded=True, histogram=12)
    scale, offset = request.param
    made.get_layer("input").set_weights([np.full((1, 1, 3, 1), scale, np.float32), np.full(3, offset, np.float32)])
    set_histogram(made, PHOTOS)
    return made


def read(model: Any, layer: str, photo: np.ndarray) -> np.ndarray:
    values: np.ndarray = tf_keras.Model(model.input, model.get_layer(layer).output)(photo.astype(np.float32)).numpy()
    return values.ravel()


def test_a_bins_mean_is_the_share_of_the_photo_that_has_its_colour(model: Any) -> None:
    """Of colours that stand at knots of the grid, and so in one bin wholly."""
    whole = read(model, "histogram.whole.mean", square(WHITE, 2))
    white = int(whole.argmax())
    assert whole[white] == pytest.approx(1, abs=1e-3)
    for side in (10, 20):
        assert read(model, "histogram.whole.mean", square(RED, side))[white] == pytest.approx(
            1 - side**2 / SIZE**2, abs=1e-3
        )


def test_the_same_colour_elsewhere_is_told_from_the_middle(model: Any) -> None:
    small, large = (read(model, "histogram.middle.mean", square(RED, side)) for side in (10, 20))
    np.testing.assert_allclose(small - small.min(), small, atol=1e-6)
    red = int((large - read(model, "histogram.middle.mean", square(BLUE, 20))).argmax())
    assert large[red] == pytest.approx(4 * small[red], rel=1e-3) and small[red] > 0
    assert read(model, "histogram.centre.mean", square(RED, 20))[red] == pytest.approx(large[red], rel=1e-3)


def test_little_of_a_colour_is_told_from_none(model: Any) -> None:
    photo, other = square(RED, 10), square(BLUE, 10)
    mean = read(model, "histogram.whole.mean", photo)
    red = int((mean - read(model, "histogram.whole.mean", other)).argmax())
    assert read(model, "histogram.whole.few", photo)[red] == pytest.approx(min(120 * mean[red], 6), rel=1e-3)
    assert read(model, "histogram.whole.some", photo)[red] == pytest.approx(24 * mean[red], rel=1e-3)
    assert read(model, "histogram.whole.few", other)[red] == 0


def test_bins_are_those_that_photos_fill(model: Any) -> None:
    shares = np.array([read(model, "histogram.whole.mean", photo[None]) for photo in PHOTOS])
    assert (shares.max(0) > 0).all()
    assert _bins().shape[1] == HISTOGRAM_BINS


def test_a_model_without_a_histogram_is_left_as_it_is() -> None:
    made = build("resnet10", stages=1, image_size=SIZE, tags=2, folded=True)
    before = made.get_weights()
    set_histogram(made, PHOTOS)
    for value, old in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, old)
