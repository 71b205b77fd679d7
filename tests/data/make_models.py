"""Writes the tiny models that stand beside this file: python tests/data/make_models.py (needs TensorFlow).

They look at the mean colour of 8x8 pixels through one linear layer, so that a test can tell what a photo must give.
`tiny-uint8.tflite` and `tiny-float32.tflite` keep the model contract and carry a manifest; `bare-int8.tflite` is the
same network as others would ship it, int8 in and out with a normalised input and nothing packed; `two-inputs.tflite`
is no classifier.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from edge_tagger.manifest import Manifest, pack
from edge_tagger.taxonomy import Facet, Tag, Taxonomy

HERE = Path(__file__).resolve().parent
SIZE = 8
# Tag, weights of red, green and blue (0..1), bias.
HEAD = (
    ("colour/Cool", (-12, 8, 8), -4),
    ("colour/Cool/Blue", (-12, -12, 12), -4),
    ("colour/Cool/Green", (-12, 12, -12), -4),
    ("colour/Warm", (8, 0, -8), -4),
    ("colour/Warm/Red", (12, -12, -12), -4),
    ("colour/Warm/Yellow", (8, 8, -8), -12),
    ("light/bright", (6, 6, 6), -9),
    ("light/dark", (-6, -6, -6), 3),
)
MANIFEST = Manifest(
    name="tiny",
    description="Mean colour, for tests",
    licence="Apache-2.0",
    image_size=SIZE,
    taxonomy=Taxonomy(
        facets=(
            Facet("colour", ("group", "colour")),
            Facet("light", ("light",), exclusive=False, separator="|", none="none"),
        ),
        tags=tuple(Tag.from_id(identity) for identity, _, _ in HEAD),
    ),
    thresholds=(0.5,) * len(HEAD),
    provenance={"script": "tests/data/make_models.py"},
)


class _Tiny(tf.Module):
    def __init__(self, low: float, high: float) -> None:
        """`low` and `high` are the input's values for the pixels 0 and 255."""
        super().__init__()
        self.low, self.high = low, high
        self.weights = tf.constant([weights for _, weights, _ in HEAD], tf.float32)
        self.bias = tf.constant([bias for _, _, bias in HEAD], tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([1, SIZE, SIZE, 3], tf.float32, name="image")])
    def score(self, image: tf.Tensor) -> tf.Tensor:
        mean = (tf.reduce_mean(image, axis=[1, 2]) - self.low) / (self.high - self.low)
        return tf.sigmoid(tf.linalg.matmul(mean, self.weights, transpose_b=True) + self.bias)

    @tf.function(input_signature=[tf.TensorSpec([1, SIZE, SIZE, 3])] * 2)
    def add(self, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        return first + second


def _samples(low: float, high: float) -> Iterator[list[np.ndarray]]:
    generator = np.random.default_rng(0)
    for red, green, blue in np.ndindex(3, 3, 3):
        image = np.full((1, SIZE, SIZE, 3), np.array([red, green, blue]) / 2 * 255, np.float32)
        yield [
            low + np.clip(image + generator.normal(0, 5, image.shape), 0, 255).astype(np.float32) / 255 * (high - low)
        ]


def _convert(function: str, *, low: float = 0, high: float = 255, io_type: tf.DType | None = None) -> bytes:
    tiny = _Tiny(low, high)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([getattr(tiny, function).get_concrete_function()], tiny)
    if io_type is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: _samples(low, high)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = io_type
    return bytes(converter.convert())


def main() -> None:
    files = {
        "tiny-uint8.tflite": pack(_convert("score", io_type=tf.uint8), MANIFEST),
        "tiny-float32.tflite": pack(_convert("score"), MANIFEST),
        "bare-int8.tflite": _convert("score", low=-1, high=1, io_type=tf.int8),
        "two-inputs.tflite": _convert("add"),
    }
    for name, data in files.items():
        (HERE / name).write_bytes(data)
        print(f"{name}: {len(data)} bytes")


if __name__ == "__main__":
    main()
