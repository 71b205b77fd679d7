"""Writes the models beside this file: python tests/fuzz/seeds/make_seeds.py (needs TensorFlow).

Untrained classifiers of 12 x 12 px with the operators of convolutional networks, which the tiny models of tests/data
lack: convolutions with strides and paddings, pooling, joints, gates. Without manifest, as others ship them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

HERE = Path(__file__).resolve().parent
SIZE = 12


def network() -> Any:
    layers = tf.keras.layers
    photo = layers.Input((SIZE, SIZE, 3), batch_size=1)
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu6")(photo)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(4, 1, activation="sigmoid")(gate)
    x = layers.Multiply()([x, gate])
    y = layers.DepthwiseConv2D(3, padding="same")(layers.ZeroPadding2D(1)(x))
    y = layers.Cropping2D(1)(layers.Activation("hard_swish")(y))
    x = layers.Add()([x, y])
    x = layers.Concatenate()([layers.MaxPooling2D(2)(x), layers.AveragePooling2D(2)(x)])
    x = layers.PReLU(shared_axes=[1, 2])(layers.Conv2DTranspose(4, 2, strides=2)(x))
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = layers.Reshape((144, 4))(x)
    x = layers.Permute((2, 1))(x)
    x = layers.Flatten()(x)
    x = layers.Dense(6, activation="tanh")(x)
    return tf.keras.Model(photo, layers.Dense(5, activation="softmax")(x))


def photos() -> Iterator[list[Any]]:
    rng = np.random.default_rng(0)
    for _ in range(20):
        yield [rng.integers(0, 256, (1, SIZE, SIZE, 3)).astype(np.float32)]


def main() -> None:
    tf.keras.utils.set_random_seed(0)
    model = network()
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    (HERE / "conv-float32.tflite").write_bytes(converter.convert())
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = photos
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    (HERE / "conv-uint8.tflite").write_bytes(converter.convert())


if __name__ == "__main__":
    main()
