"""Layers and policies of others' models that TensorFlow's converter takes: so does convert."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tf_keras

from edge_tagger.convert.foreign import open_model
from edge_tagger.convert.representative import Representative
from edge_tagger.convert.writer import make
from edge_tagger.errors import ModelError
from edge_tagger.interpreter import Model
from edge_tagger.train.keras import tf

PHOTOS = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), np.uint8)


def with_swish(library: Any) -> Any:
    """A function for gradients of its own, in a model in a model."""
    layers = library.layers
    body = library.Sequential([library.Input((16, 16, 3)), layers.Conv2D(4, 3, 2, activation="swish")])
    image = library.Input((16, 16, 3))
    x = layers.GlobalAveragePooling2D()(body(layers.Rescaling(1 / 255)(image)))
    return library.Model(image, layers.Dense(3, activation="softmax")(x))


def with_attention(library: Any) -> Any:
    layers = library.layers
    image = library.Input((16, 16, 3))
    x = layers.Reshape((16, 8))(layers.Conv2D(8, 4, 4, activation="gelu")(layers.Rescaling(1 / 255)(image)))
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(layers.MultiHeadAttention(2, 4)(x, x)))
    return library.Model(image, layers.Dense(3, activation="softmax")(x))


def save(model: Any, path: Path) -> Path:
    if path.suffix:
        model.save(path)
    elif isinstance(model, keras.Model):
        model.export(str(path), verbose=False)
    else:
        model.save(str(path))
    return path


@pytest.fixture()
def labels(tmp_path: Path) -> Path:
    (tmp_path / "labels.txt").write_text("coat\nshirt\nshoe\n")
    return tmp_path / "labels.txt"


@pytest.mark.parametrize(
    ("build", "library", "name"),
    [
        (with_swish, keras, "m.keras"),
        (with_swish, keras, "m"),
        (with_swish, tf_keras, "m.h5"),
        (with_swish, tf_keras, "m"),
        (with_attention, keras, "m.h5"),
        (with_attention, tf_keras, "m.keras"),
    ],
)
def test_swish_attention_and_nested_models_are_converted(
    tmp_path: Path, labels: Path, build: Callable[[Any], Any], library: Any, name: str
) -> None:
    model = build(library)
    wanted = model(PHOTOS[:1].astype(np.float32)).numpy()[0]
    with open_model(save(model, tmp_path / name), labels=labels) as source:
        np.testing.assert_allclose(Model(make(source, "float32")[0]).scores(PHOTOS[0]), wanted, atol=1e-4)


@pytest.mark.parametrize(
    ("build", "kinds"), [(with_swish, ("float16", "dynamic", "int8")), (with_attention, ("int8",))]
)
def test_swish_and_attention_go_into_the_small_formats(
    tmp_path: Path, labels: Path, build: Callable[[Any], Any], kinds: tuple[str, ...]
) -> None:
    model = build(keras)
    wanted = model(PHOTOS[:1].astype(np.float32)).numpy()[0]
    with open_model(save(model, tmp_path / "m.keras"), labels=labels) as source:
        calibrated = replace(source, representative=Representative(PHOTOS, "drawn"))
        for kind in kinds:
            np.testing.assert_allclose(Model(make(calibrated, kind)[0]).scores(PHOTOS[0]), wanted, atol=0.05)


@pytest.mark.parametrize(
    ("policy", "library", "name"),
    [("mixed_float16", keras, "m.keras"), ("mixed_bfloat16", tf_keras, "m.h5"), ("float16", keras, "m.h5")],
)
def test_a_file_of_half_precision_is_read_in_float32(
    tmp_path: Path, labels: Path, policy: str, library: Any, name: str
) -> None:
    set_policy = library.mixed_precision.set_global_policy
    set_policy(policy)
    try:
        model = with_swish(library)
    finally:
        set_policy("float32")
    wanted = model(PHOTOS[:1].astype(np.float32)).numpy()[0]
    with open_model(save(model, tmp_path / name), labels=labels) as source:
        np.testing.assert_allclose(Model(make(source, "float32")[0]).scores(PHOTOS[0]), wanted, atol=0.02)


def test_a_saved_model_of_half_precision_is_told_with_its_policy(tmp_path: Path, labels: Path) -> None:
    module = tf.Module()
    module.serve = tf.function(
        lambda image: tf.cast(tf.nn.softmax(tf.reduce_mean(tf.nn.relu(tf.nn.bias_add(
            tf.cast(image, tf.bfloat16), tf.constant([1, 2, 3], tf.bfloat16))), [1, 2])), tf.float32),
        input_signature=[tf.TensorSpec([None, 16, 16, 3])],
    )  # fmt: skip
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=module.serve)
    with (
        open_model(tmp_path / "m", labels=labels) as source,
        pytest.raises(ModelError, match=r"mixed_bfloat16.*BiasAdd.*policy float32"),
    ):
        make(source, "float32")


def test_what_the_converter_cannot_do_is_told_by_the_operators_place(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Dense(4), keras.layers.GlobalAveragePooling2D()])
    model.quantize("int8")
    with (
        open_model(save(model, tmp_path / "m.keras"), labels=four(tmp_path)) as source,
        pytest.raises(
            ModelError, match=r"these operators to float32: \w+ \(.*dense.*\): 'tfl\.\w+' op .*; replace them"
        ),
    ):
        make(source, "float32")


def four(folder: Path) -> Path:
    (folder / "four.txt").write_text("coat\nshirt\nshoe\nhat\n")
    return folder / "four.txt"
