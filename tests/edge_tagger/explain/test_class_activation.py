"""The tiny models look at the mean colour through one layer: what each pixel adds to a logit is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_tagger.errors import ModelError
from edge_tagger.explain.class_activation import Explainer
from edge_tagger.images import load_resized
from edge_tagger.interpreter import Model
from edge_tagger.manifest import read_manifest
from edge_tagger.taxonomy import Tag

# Of make_models.HEAD.
RED, RED_WEIGHTS, RED_BIAS = "colour/Warm/Red", (12, -12, -12), -4
MODELS = Path(__file__).parents[3] / "edge_tagger" / "models"


def half_red() -> np.ndarray:
    """uint8 [8, 8, 3]: grey, and a red patch of 3x3 pixels in it."""
    photo = np.full((8, 8, 3), 128, np.uint8)
    photo[2:5, 4:7] = 250, 10, 10
    return photo


def explainer(path: Path) -> Explainer:
    return Explainer(Model(path), read_manifest(path).taxonomy.tags)


@pytest.mark.parametrize(("name", "apart"), [("tiny-float32.tflite", 1e-5), ("tiny-uint8.tflite", 0.02)])
def test_a_map_says_what_each_pixel_adds(data: Path, name: str, apart: float) -> None:
    photo = half_red()
    (found,) = explainer(data / name).explain(photo, [RED])
    expected = photo / 255 @ np.array(RED_WEIGHTS) / 64
    assert found.map.shape == (8, 8)
    assert found.map.dtype == np.float32
    np.testing.assert_allclose(found.map, expected, atol=apart)
    assert found.logit == pytest.approx(expected.sum() + RED_BIAS, abs=64 * apart)
    assert found.score == pytest.approx(1 / (1 + np.exp(-found.logit)), abs=1 / 128)
    np.testing.assert_allclose(found.background, np.full((8, 8), -12 * 128 / 255 / 64), atol=apart)


def test_heat_is_where_the_photo_is_more_than_its_border(data: Path) -> None:
    red, cool = explainer(data / "tiny-uint8.tflite").explain(half_red(), [RED, "Cool"])
    patch = np.zeros((8, 8), bool)
    patch[2:5, 4:7] = True
    assert np.all(red.heat[patch] > 0.1)
    assert np.all(cool.heat[patch] < -0.1)
    assert np.abs(red.heat[~patch]).max() < 0.01


def test_scores_are_those_of_the_model_to_the_bit(data: Path) -> None:
    rng = np.random.default_rng(0)
    for path in (data / "tiny-uint8.tflite", MODELS / "product-tagger-int8.tflite"):
        model, tags = Model(path), read_manifest(path).taxonomy.tags
        explains = Explainer(model, tags)
        for _ in range(2):
            pixels = rng.integers(0, 256, (model.input_size, model.input_size, 3)).astype(np.uint8)
            found = explains.explain(pixels, [tag.id for tag in tags[:5]])
            np.testing.assert_array_equal([each.score for each in found], model.scores(pixels)[:5])


def test_the_packaged_model_adds_up(shared: Path) -> None:
    """What the places add to a logit does not depend on where the product stands in a photo, nor on the tags asked."""
    path = MODELS / "product-tagger-int8.tflite"
    photo = load_resized(shared / "data" / "fashion-products" / "images" / "10000.jpg", Model(path).input_size)
    explains = explainer(path)
    one, two = explains.explain(photo, ["category/Apparel", "usage/Casual"])
    (again,) = explains.explain(photo, ["usage/Casual"])
    assert one.map.shape == two.map.shape == (10, 10)
    np.testing.assert_array_equal(two.map, again.map)
    np.testing.assert_array_equal(two.background, again.background)
    assert np.ptp(one.heat) > 0.1
    assert np.corrcoef(one.map.ravel(), two.map.ravel())[0, 1] < 0.9


def test_without_tags_the_best_of_each_facet_is_explained(data: Path) -> None:
    found = explainer(data / "tiny-float32.tflite").explain(half_red())
    assert [each.tag.partition("/")[0] for each in found] == ["light", "colour"]
    assert found[0].score >= found[1].score


def test_of_labels_that_stand_twice_the_better_is_explained(data: Path) -> None:
    path = data / "tiny-float32.tflite"
    scores = Model(path).scores(half_red())
    labels = [Tag("label", (name,)) for name in "abcdefgh"]
    labels[7] = labels[0]
    (found,) = Explainer(Model(path), labels).explain(half_red(), ["A"])
    assert found.score == pytest.approx(max(scores[0], scores[7]))
    assert scores[0] != scores[7]


def test_a_tag_must_be_known_and_meant_alone(data: Path) -> None:
    explains = explainer(data / "tiny-uint8.tflite")
    with pytest.raises(ModelError, match=r"has no tag 'Gren'; did you mean .*colour/Cool/Green"):
        explains.explain(half_red(), ["Gren"])
    with pytest.raises(ModelError, match=r"has no tag 'xyz'; it has 8, such as colour/"):
        explains.explain(half_red(), ["xyz"])
    twice = Explainer(Model(data / "tiny-uint8.tflite"), [Tag("f", (str(place % 7), "Same")) for place in range(8)])
    with pytest.raises(ModelError, match=r"has 7 tags 'same'; say which: f/0/Same, f/1/Same"):
        twice.explain(half_red(), ["same"])
