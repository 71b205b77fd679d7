"""Explanations of converted models against the gradients of the Keras models that they come from."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_tagger.convert.lite import flatbuffer
from edge_tagger.errors import ModelError
from edge_tagger.explain.class_activation import Explainer
from edge_tagger.interpreter import Model
from edge_tagger.taxonomy import Tag
from edge_tagger.train.deploy import deployed, parts_of
from edge_tagger.train.export import export
from edge_tagger.train.keras import tf, tf_keras
from edge_tagger.train.resnet import build, get_weights, set_weights

# It stands in a file of its own for explain_agreement.py, and pytest does not put this folder on the path.
_TRUTH = runpy.run_path(str(Path(__file__).with_name("keras_contributions.py")))
KerasContributions, correlation, pooled_layers = map(_TRUTH.get, ("KerasContributions", "correlation", "pooled_layers"))
ToTflite = Callable[..., bytes]
SIZE = 64
TAGS = tuple(Tag("colour", (name,)) for name in ("Red", "Green", "Blue"))
RICH: dict[str, Any] = {"taps": (1,), "pool": "mean+max", "palette": 8, "histogram": 8, "hidden": 12}


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    """uint8 [16, SIZE, SIZE, 3]: blobs of colour."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (16, 8, 8, 3)).astype(np.uint8)
    return coarse.repeat(SIZE // 8, 1).repeat(SIZE // 8, 2)


@pytest.fixture(scope="module")
def convert(tmp_path_factory: pytest.TempPathFactory, photos: np.ndarray) -> ToTflite:
    def to_bytes(model: Any, kind: str) -> bytes:
        folder = tmp_path_factory.mktemp(kind) / "model"
        export(model, folder)
        representative = photos if kind == "int8" else None
        return flatbuffer(folder, kind, io="uint8" if kind == "int8" else "float32", representative=representative)

    return to_bytes


def tagger_model(photos: np.ndarray, **options: Any) -> Any:
    """A model of ours with random weights, in the form that is converted."""
    rng = np.random.default_rng(0)
    model = build("resnet10", folded=True, stages=2, image_size=SIZE, tags=len(TAGS), **options)
    weights = {}
    for name, value in get_weights(model).items():
        around = 1.0 if name.endswith("depthwise_kernel") else 0.0
        spread = 0.1 if value.ndim == 1 or around else (2 / np.prod(value.shape[:-1])) ** 0.5
        weights[name] = rng.normal(around, spread, value.shape).astype(np.float32)
        if name.startswith(("palette", "histogram")) and value.ndim == 1:
            weights[name] += 0.5  # colours that no photo has leave int8 no range
    weights["input.depthwise_kernel"] /= 128
    set_weights(model, weights)
    if not options:
        return model
    pooled = tf_keras.Model(model.input, model.get_layer("features").output)(photos.astype(np.float32)).numpy()
    weights["hidden.bias"] = -np.median(pooled @ weights["hidden.kernel"], axis=0)  # each is on for half of the photos
    shipped = build("resnet10", folded=True, stages=2, image_size=SIZE, tags=len(TAGS), deployed=True, **options)
    set_weights(shipped, deployed(weights, parts_of(model), pooled))
    return shipped


@pytest.mark.parametrize("options", [{}, RICH], ids=["mean", "all that a head can see"])
@pytest.mark.parametrize(("kind", "least"), [("float32", 0.9999), ("float16", 0.99), ("int8", 0.9)])
def test_maps_are_gradient_times_activation(
    options: dict[str, Any], kind: str, least: float, photos: np.ndarray, convert: ToTflite
) -> None:
    model = tagger_model(photos, **options)
    true = KerasContributions(model, pooled_layers(model))
    explainer = Explainer(Model(convert(model, kind)), TAGS)
    found = []
    for photo in photos[:4]:
        expected = true(photo, range(len(TAGS)))
        for explanation, truth in zip(explainer.explain(photo, [tag.id for tag in TAGS]), expected, strict=True):
            assert explanation.map.shape == truth.shape
            assert np.ptp(truth) > 1e-3
            found.append(correlation(explanation.map, truth))
    assert np.mean(found) > least, found


def test_maps_and_biases_add_up_to_the_logit(photos: np.ndarray, convert: ToTflite) -> None:
    """A head of ReLUs is linear around a photo: logit = sum of maps + sum of each bias times its gradient."""
    model = tagger_model(photos, **RICH)
    ends = (".scale", ".some", ".few", "hidden", "head")
    head = [layer for layer in model.layers if layer.name.endswith(ends)]
    biases = [layer.bias for layer in head]
    assert len(biases) == 4 + 2 + 9 + 6 + 2
    features = tf_keras.Model(model.input, model.get_layer("head").output)
    explainer = Explainer(Model(convert(model, "float32")), TAGS)
    for photo in photos[:3]:
        for place, found in enumerate(explainer.explain(photo, [tag.id for tag in TAGS])):
            with tf.GradientTape() as tape:
                logit = features(photo[None].astype(np.float32))[0, place]
            gradients = tape.gradient(logit, biases)
            constant = sum(float(tf.reduce_sum(g * b)) for g, b in zip(gradients, biases, strict=True))
            assert found.logit == pytest.approx(float(logit), abs=1e-3)
            assert found.map.sum() + constant == pytest.approx(found.logit, abs=2e-3)
            assert abs(constant) > 0.01


def _backbone(x: Any) -> Any:
    """The feature map "maps" [1, 8, 8, 6]."""
    x = tf_keras.layers.Rescaling(1 / 127.5, -1.0)(x)
    x = tf_keras.layers.Conv2D(5, 5, 4, padding="same", activation="relu", name="early")(x)
    return tf_keras.layers.Conv2D(6, 3, 2, padding="same", activation="relu6", name="maps")(x)


def _conv_head(x: Any) -> Any:
    """MobileNet v1."""
    x = tf_keras.layers.Conv2D(3, 1, name="logits")(tf_keras.layers.AveragePooling2D(8)(x))
    return tf_keras.layers.Softmax()(tf_keras.layers.Reshape((3,))(x))


def _hard_swish_head(x: Any) -> Any:
    """MobileNet v3."""
    x = tf_keras.layers.Conv2D(7, 1)(tf_keras.layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = x * tf.nn.relu6(x + 3.0) * (1 / 6)
    return tf_keras.layers.Softmax()(tf_keras.layers.Dense(3, name="logits")(tf_keras.layers.Flatten()(x)))


def _flat_head(x: Any) -> Any:
    """LeNet, with a hidden layer whose units may saturate."""
    x = tf_keras.layers.Dense(9, activation="relu6")(tf_keras.layers.Flatten()(x * 8.0))
    return tf_keras.layers.Softmax()(tf_keras.layers.Dense(3, name="logits")(x))


def _channels_first_head(x: Any) -> Any:
    """As PyTorch's models are converted."""
    x = tf.reduce_mean(tf_keras.layers.Permute((3, 1, 2))(x), axis=[2, 3])
    return tf_keras.layers.Activation("sigmoid")(tf_keras.layers.Dense(3, name="logits")(x))


def _class_map_head(x: Any) -> Any:
    """SqueezeNet: the maps are of classes."""
    x = tf_keras.layers.Conv2D(3, 1, name="classes")(x)
    return tf_keras.layers.Softmax()(tf_keras.layers.GlobalAveragePooling2D(name="logits")(x))


def _global_kernel_head(x: Any) -> Any:
    """MobileFaceNet: a depthwise kernel as large as the map."""
    x = tf_keras.layers.Flatten()(tf_keras.layers.DepthwiseConv2D(8, activation="relu")(x))
    return tf_keras.layers.Dense(3, name="logits")(x)


def _joined_head(x: Any) -> Any:
    """Two poolings, added, a crop, and two outputs joined."""
    pooled = tf_keras.layers.GlobalMaxPooling2D()(x) - tf_keras.layers.GlobalAveragePooling2D()(x[:, 2:7, 1:6])
    both = tf_keras.layers.Dense(3, name="logits")(pooled)
    return tf_keras.layers.Concatenate()([tf.sigmoid(both[:, :1]), tf.sigmoid(both[:, 1:])])


HEADS = [
    _conv_head, _hard_swish_head, _flat_head, _channels_first_head, _class_map_head, _global_kernel_head, _joined_head,
]  # fmt: skip


@pytest.mark.parametrize(("kind", "least"), [("float32", 0.9999), ("int8", 0.97)])
@pytest.mark.parametrize("head", HEADS)
def test_heads_of_others(
    head: Callable[[Any], Any], kind: str, least: float, photos: np.ndarray, convert: ToTflite
) -> None:
    tf_keras.utils.set_random_seed(0)
    pixels = tf_keras.Input((SIZE, SIZE, 3))
    model = tf_keras.Model(pixels, head(_backbone(pixels)))
    last = "classes" if head is _class_map_head else "maps"
    true = KerasContributions(model, [last], logits="logits")
    explainer = Explainer(Model(convert(model, kind)), TAGS)
    found = []
    for photo in photos[:3]:
        explained = explainer.explain(photo, [tag.id for tag in TAGS])
        for explanation, truth in zip(explained, true(photo, range(3)), strict=True):
            assert explanation.map.shape == (8, 8)
            found.append(correlation(explanation.map, truth))
    assert np.mean(found) > least, found


def test_an_operator_that_is_not_known_is_named(photos: np.ndarray, convert: ToTflite) -> None:
    pixels = tf_keras.Input((SIZE, SIZE, 3))
    pooled = tf_keras.layers.GlobalAveragePooling2D()(_backbone(pixels))
    model = tf_keras.Model(pixels, tf_keras.layers.Dense(3)(tf.exp(pooled)))
    with pytest.raises(ModelError, match=r"operator EXP of \[1, 6\] cannot be traced; known are heads of ADD, "):
        Explainer(Model(convert(model, "float32")), TAGS).explain(photos[0], ["Red"])
