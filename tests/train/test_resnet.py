from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_tagger.errors import RunError
from edge_tagger.train.keras import tf_keras
from edge_tagger.train.resnet import build, fold, get_weights, set_weights
from edge_tagger.train.weights import check_names, pixel_affine, read_pretrained, save_weights

SIZES = {"stages": 2, "image_size": 32, "tags": 5}


@pytest.mark.parametrize("backbone", ["resnet10", "resnet50v2"])
def test_the_folded_form_gives_the_outputs_of_the_normalized_form(backbone: str) -> None:
    rng = np.random.default_rng(0)
    normalized, folded = build(backbone, folded=False, **SIZES), build(backbone, folded=True, **SIZES)
    weights = {
        name: (rng.uniform(0.5, 1.5, value.shape) if name.endswith(("gamma", "variance")) else value).astype(np.float32)
        for name, value in get_weights(normalized).items()
    }
    weights |= {
        n: rng.normal(0, 0.1, v.shape).astype(np.float32) for n, v in weights.items() if n.endswith(("beta", "mean"))
    }
    weights |= pixel_affine(backbone)
    assert set_weights(normalized, weights) == []
    assert set_weights(folded, fold(weights, backbone)) == []
    photos = rng.integers(0, 256, (4, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(folded(photos), normalized(photos, training=False), atol=1e-5)


def test_the_folded_form_has_no_batch_normalization_and_no_relu_layer_after_a_convolution() -> None:
    model = build("resnet50v2", folded=True, **SIZES)
    assert not [layer for layer in model.layers if isinstance(layer, tf_keras.layers.BatchNormalization)]
    assert not [layer for layer in model.layers if isinstance(layer, tf_keras.layers.ReLU)]


def test_pixels_are_normalized_inside_the_graph() -> None:
    model = build("resnet10", folded=True, **SIZES)
    set_weights(model, pixel_affine("resnet10"))
    mean = np.broadcast_to(np.float32([0.485, 0.456, 0.406]) * 255, (1, 32, 32, 3))
    inside = tf_keras.Model(model.input, model.get_layer("input").output)(mean)
    np.testing.assert_allclose(inside, np.zeros_like(mean), atol=1e-5)


def test_weights_of_another_architecture_are_refused_with_both_sides() -> None:
    model = build("resnet10", folded=True, **SIZES)
    shapes = {name: value.shape for name, value in get_weights(model).items()}
    weights = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    weights["stem.conv.kernel"] = np.zeros((7, 7, 3, 64), np.float32)
    del weights["stage1.block1.conv1.bias"]
    with pytest.raises(RunError, match=r"stage1.block1.conv1.bias: not in the file; .*file \(7, 7, 3, 64\), model \(3"):
        check_names(weights, shapes, "mine.safetensors")


def test_a_file_that_is_not_safetensors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"no")
    with pytest.raises(RunError, match="cannot read the weights"):
        read_pretrained(tmp_path / "weights.safetensors", "resnet50v2", 3)


def test_pretrained_weights_of_more_stages_serve_fewer(tmp_path: Path) -> None:
    normalized = build("resnet50v2", folded=False, stages=3, image_size=32, tags=2)
    save_weights(tmp_path / "three.safetensors", get_weights(normalized))
    two = build("resnet50v2", folded=True, **SIZES)
    assert set_weights(two, read_pretrained(tmp_path / "three.safetensors", "resnet50v2", 2)) == [
        "head.kernel",
        "head.bias",
    ]
    scale, offset = two.get_layer("final_norm").get_weights()
    np.testing.assert_allclose(scale, np.ones_like(scale))
    np.testing.assert_array_equal(offset, np.zeros_like(offset))


@pytest.mark.shared
def test_the_imagenet_weights_fill_every_layer_but_the_head(shared: Path) -> None:
    model = build("resnet50v2", folded=True, stages=3, image_size=32, tags=2)
    weights = read_pretrained(shared / "weights" / "resnet50v2-stages3-imagenet.safetensors", "resnet50v2", 3)
    assert set_weights(model, weights) == ["head.kernel", "head.bias"]
    assert set(weights) <= set(get_weights(model))
