"""Writes the models graph-*.tflite beside this file: python tests/fuzz/seeds/make_graph_seeds.py (needs TensorFlow).

Untrained classifiers of 16 x 16 px with what convolutional networks lack: branches, loops, recurrent layers, attention,
sizes that are computed. Without manifest, as others ship them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

HERE = Path(__file__).resolve().parent
SIZE, SCORES = 16, 6


def branch(photo: Any) -> Any:
    bright = tf.reduce_mean(photo) > 100.0
    return head(tf.cond(bright, lambda: tf.nn.relu(photo - 100.0), lambda: tf.transpose(photo, (0, 2, 1, 3))))


def loop(photo: Any) -> Any:
    weights = drawn(3, 3, 3, 3)

    def body(step: Any, x: Any) -> Any:
        return step + 1, x + tf.nn.conv2d(x, weights, 1, "SAME")

    return head(tf.while_loop(lambda step, _: step < 3, body, (0, photo / 255.0))[1])


def gru() -> Any:
    return rows_network(tf.keras.layers.GRU(4))


def lstm() -> Any:
    return rows_network(tf.keras.layers.LSTM(4))


def rows_network(layer: Any) -> Any:
    layers = tf.keras.layers
    photo = layers.Input((SIZE, SIZE, 3), batch_size=1)
    return tf.keras.Model(photo, layers.Dense(SCORES, activation="sigmoid")(layer(layers.Reshape((SIZE, -1))(photo))))


def attention(photo: Any) -> Any:
    x = tf.reshape(photo / 255.0, (1, SIZE, SIZE * 3))
    return head(tf.matmul(tf.nn.softmax(tf.matmul(x, x, transpose_b=True)), x))


def computed(photo: Any) -> Any:
    """Sizes from shapes, which do not depend on the photo."""
    shape = tf.shape(photo)
    steps = tf.cast(tf.range(shape[1]), tf.float32)
    x = tf.reduce_mean(photo, (2, 3)) * steps
    x = tf.tile(x, tf.stack([1, shape[1] // 8])) + tf.fill(tf.stack([1, shape[1] * 2]), 0.5)
    values, places = tf.math.top_k(x, 8)
    x = tf.concat([values, tf.cast(places, tf.float32), tf.gather(x, [3, 1, 2], axis=1)], axis=1)
    x = tf.where(x > 3.0, tf.reverse(x, [1]), tf.cumsum(x, 1))
    parts = tf.split(x, [10, 9], axis=1)
    return head(tf.concat([parts[1], tf.one_hot([1, 2], 4)[0:1], tf.slice(parts[0], [0, 2], [1, 5])], axis=1))


def head(x: Any) -> Any:
    flat = tf.reshape(x, (1, -1))
    return tf.sigmoid(flat @ drawn(flat.shape[1], SCORES))


def drawn(*shape: int) -> Any:
    return tf.constant(np.random.default_rng(0).normal(0, 0.1, shape).astype(np.float32))


def of_function(network: Callable[[Any], Any]) -> Any:
    photo = tf.TensorSpec((1, SIZE, SIZE, 3), tf.float32)
    return tf.lite.TFLiteConverter.from_concrete_functions(
        [tf.function(network).get_concrete_function(photo)], tf.Module()
    )


def main() -> None:
    tf.keras.utils.set_random_seed(0)
    converters = {each.__name__: of_function(each) for each in (branch, loop, attention, computed)}
    converters |= {each.__name__: tf.lite.TFLiteConverter.from_keras_model(each()) for each in (gru, lstm)}
    for name, converter in converters.items():
        (HERE / f"graph-{name}.tflite").write_bytes(converter.convert())


if __name__ == "__main__":
    main()
