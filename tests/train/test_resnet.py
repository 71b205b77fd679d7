from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tflite

from edge_tagger.errors import RunError
from edge_tagger.interpreter import Model
from edge_tagger.train.keras import tf_keras
from edge_tagger.train.quantize import quantize
from edge_tagger.train.resnet import build, fold, get_weights, set_weights
from edge_tagger.train.weights import check_names, pixel_affine, read_pretrained, save_weights

SIZES = {"stages": 2, "image_size": 32, "tags": 5}


@pytest.mark.parametrize("backbone", ["resnet10", "resnet18", "resnet50", "resnet50v2"])
def test_the_folded_form_gives_the_outputs_of_the_normalized_form(backbone: str) -> None:
    rng = np.random.default_rng(0)
    tf_keras.utils.set_random_seed(0)
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
    weights["stage9.bias"] = np.zeros(2, np.float32)
    with pytest.raises(RunError) as caught:
        check_names(weights, shapes, "mine.safetensors")
    assert str(caught.value) == (
        "mine.safetensors does not fit the model: 1 not in the file: stage1.block1.conv1.bias (24,); "
        "1 only in the file: stage9.bias (2,); "
        "1 of another shape: stem.conv.kernel (file (7, 7, 3, 64), model (3, 3, 3, 24)); "
        "use weights of the recipe's backbone and stages"
    )


def test_many_differences_are_counted() -> None:
    expected = {f"layer{number}.bias": (1,) for number in range(9)}
    with pytest.raises(RunError, match=r"9 not in the file: layer0.bias \(1,\), .*layer5.bias \(1,\) and 3 more;"):
        check_names({}, expected, "empty.safetensors")


def test_a_file_that_is_not_safetensors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"no")
    with pytest.raises(RunError, match="cannot read the weights"):
        read_pretrained(tmp_path / "weights.safetensors", "resnet50v2", 3)


@pytest.mark.parametrize(
    ("value", "what"),
    [(np.zeros(2, np.int8), "is int8, not float"), (np.float32([1, np.nan]), "holds values that are not finite")],
)
def test_weights_that_are_no_finite_floats_are_refused(tmp_path: Path, value: np.ndarray, what: str) -> None:
    save_weights(tmp_path / "w.safetensors", {"stem.conv.bias": value})
    with pytest.raises(RunError, match=rf"w.safetensors: stem.conv.bias {what}"):
        read_pretrained(tmp_path / "w.safetensors", "resnet10", 1)


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


def test_weights_of_a_run_come_back_as_they_are(tmp_path: Path) -> None:
    """The folded form, whose layer "input" may hold more than the pixels' statistics."""
    rng = np.random.default_rng(0)
    model = build("resnet50v2", folded=True, stages=1, image_size=32, tags=2)
    weights = {name: rng.normal(size=value.shape).astype(np.float32) for name, value in get_weights(model).items()}
    save_weights(tmp_path / "run.safetensors", weights)
    read = read_pretrained(tmp_path / "run.safetensors", "resnet50v2", 1)
    assert set(read) == set(weights) - {"head.kernel", "head.bias"}
    for name, value in read.items():
        np.testing.assert_array_equal(value, weights[name], err_msg=name)


def test_weights_of_a_deeper_backbone_are_refused(tmp_path: Path) -> None:
    """All of resnet18's first stage is in resnet34's, and one block more."""
    save_weights(tmp_path / "w.safetensors", get_weights(build("resnet34", folded=False, **SIZES | {"stages": 1})))
    with pytest.raises(RunError, match=r"model: 10 only in the file: stage1.block3.conv1.kernel \(3, 3, 64, 64\)"):
        read_pretrained(tmp_path / "w.safetensors", "resnet18", 1)


def test_a_weights_file_with_half_an_input_norm_is_refused(tmp_path: Path) -> None:
    weights = get_weights(build("resnet10", folded=False, **SIZES))
    save_weights(tmp_path / "w.safetensors", weights | {"stem.input_norm.gamma": np.ones(3, np.float32)})
    with pytest.raises(RunError, match=r"3 not in the file: stem.input_norm.beta \(3,\)"):
        read_pretrained(tmp_path / "w.safetensors", "resnet10", 2)


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50"])
def test_the_quantized_form_converts_to_integers_alone(backbone: str, to_tflite: Any) -> None:
    photos = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype(np.uint8)
    tf_keras.backend.clear_session()  # else the second model's layers are named quantize_layer_1
    model = build(backbone, folded=True, stages=1, image_size=32, tags=3)
    set_weights(model, pixel_affine(backbone))
    data = to_tflite(quantize(model, photos), "int8")
    tensors = tflite.ModelT.InitFromObj(tflite.Model.GetRootAs(data)).subgraphs[0].tensors
    types = tflite.TensorType
    assert {tensor.type for tensor in tensors} == {types.UINT8, types.INT8, types.INT32}
    np.testing.assert_allclose(Model(data).scores(photos[1]), model(photos[1:2].astype(np.float32))[0], atol=0.03)


@pytest.mark.shared
def test_the_imagenet_weights_fill_every_layer_but_the_head(shared: Path) -> None:
    model = build("resnet50v2", folded=True, stages=3, image_size=32, tags=2)
    weights = read_pretrained(shared / "weights" / "resnet50v2-stages3-imagenet.safetensors", "resnet50v2", 3)
    assert set_weights(model, weights) == ["head.kernel", "head.bias"]
    assert set(weights) <= set(get_weights(model))
