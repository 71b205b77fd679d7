"""Writes the tiny models that stand beside this file: python tests/data/make_models.py (needs TensorFlow).

They look at the mean colour of 8x8 pixels through one linear layer, so that a test can tell what a photo must give.
`tiny-uint8.tflite` and `tiny-float32.tflite` keep the model contract and carry a manifest. The others are what others
ship: `bare-int8.tflite` is the same network, int8 in and out with a normalised input and nothing packed;
`logits-float32.tflite` gives its logits, of an input that its TFLite Metadata normalise, each channel in its own way;
`two-heads-uint8.tflite` has two outputs, a sigmoid and a softmax, each with a packed label file; `edgetpu-uint8.tflite`
is what edgetpu_compiler leaves of a model, as far as a machine without an Edge TPU sees it; `two-inputs.tflite` is no
classifier.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as tflite

from edge_tagger.convert import metadata_schema_generated as schema
from edge_tagger.convert.metadata_buffer import packed, put_metadata, read_model
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


# As models trained on ImageNet expect it: (pixel - mean) / std.
MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
CHANNELS = ("red", "green", "blue")
LIGHT = ("bright", "dark")


class _Tiny(tf.Module):
    def __init__(self, low: float | np.ndarray, high: float | np.ndarray) -> None:
        """`low` and `high` are the input's values for the pixels 0 and 255."""
        super().__init__()
        self.low, self.high = low, high
        self.weights = tf.constant([weights for _, weights, _ in HEAD], tf.float32)
        self.bias = tf.constant([bias for _, _, bias in HEAD], tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([1, SIZE, SIZE, 3], tf.float32, name="image")])
    def score(self, image: tf.Tensor) -> tf.Tensor:
        return tf.sigmoid(self.logits(image))

    @tf.function(input_signature=[tf.TensorSpec([1, SIZE, SIZE, 3], tf.float32, name="image")])
    def logits(self, image: tf.Tensor) -> tf.Tensor:
        mean = (tf.reduce_mean(image, axis=[1, 2]) - self.low) / (self.high - self.low)
        return tf.linalg.matmul(mean, self.weights, transpose_b=True) + self.bias

    @tf.function(input_signature=[tf.TensorSpec([1, SIZE, SIZE, 3], tf.float32, name="image")])
    def heads(self, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        mean = tf.reduce_mean(image, axis=[1, 2]) / 255
        return tf.nn.softmax(8 * mean), tf.sigmoid(self.logits(image)[:, -len(LIGHT) :])

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


def _convert(
    function: str, *, low: float | np.ndarray = 0, high: float | np.ndarray = 255, io_type: tf.DType | None = None
) -> bytes:
    tiny = _Tiny(low, high)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([getattr(tiny, function).get_concrete_function()], tiny)
    if io_type is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: _samples(low, high)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = io_type
    return bytes(converter.convert())


def _described(data: bytes, labels: Mapping[str, tuple[str, ...]]) -> bytes:
    """With TFLite Metadata of one packed label file for each output, and of the normalization with MEAN and STD."""
    model = read_model(data)
    unit = schema.ProcessUnitT()
    unit.optionsType, unit.options = schema.ProcessUnitOptions.NormalizationOptions, schema.NormalizationOptionsT()
    unit.options.mean, unit.options.std = MEAN.tolist(), STD.tolist()
    graph, metadata = schema.SubGraphMetadataT(), schema.ModelMetadataT()
    graph.inputTensorMetadata, graph.outputTensorMetadata = [schema.TensorMetadataT()], []
    graph.inputTensorMetadata[0].processUnits = [unit]
    for name in labels:
        output, file = schema.TensorMetadataT(), schema.AssociatedFileT()
        file.name, file.type = name, schema.AssociatedFileType.TENSOR_AXIS_LABELS
        output.associatedFiles = [file]
        graph.outputTensorMetadata.append(output)
    metadata.subgraphMetadata = [graph]
    buffer = io.BytesIO(put_metadata(model, metadata))
    buffer.seek(0, io.SEEK_END)
    with zipfile.ZipFile(buffer, "a") as archive:
        for name, lines in labels.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), "\n".join(lines))
    return buffer.getvalue()


def _for_edgetpu(data: bytes) -> bytes:
    """With one custom operator in place of all, as edgetpu_compiler leaves a model."""
    model = read_model(data)
    code, operator, graph = tflite.OperatorCodeT(), tflite.OperatorT(), model.subgraphs[0]
    code.deprecatedBuiltinCode = code.builtinCode = tflite.BuiltinOperator.CUSTOM
    code.customCode, code.version = b"edgetpu-custom-op", 1
    operator.inputs, operator.outputs = graph.inputs, graph.outputs
    model.operatorCodes, graph.operators = [code], [operator]
    return packed(model, b"TFL3", size_bytes=len(data))


def main() -> None:
    uint8 = _convert("score", io_type=tf.uint8)
    labels = {"scores.txt": tuple(identity for identity, _, _ in HEAD)}
    files = {
        "tiny-uint8.tflite": pack(uint8, MANIFEST),
        "tiny-float32.tflite": pack(_convert("score"), MANIFEST),
        "bare-int8.tflite": _convert("score", low=-1, high=1, io_type=tf.int8),
        "logits-float32.tflite": _described(_convert("logits", low=-MEAN / STD, high=(255 - MEAN) / STD), labels),
        "two-heads-uint8.tflite": _described(
            # The converter turned the outputs round.
            _convert("heads", io_type=tf.uint8),
            {"light.txt": LIGHT, "channels.txt": CHANNELS},
        ),
        "edgetpu-uint8.tflite": _for_edgetpu(uint8),
        "two-inputs.tflite": _convert("add"),
    }
    for name, data in files.items():
        (HERE / name).write_bytes(data)
        print(f"{name}: {len(data)} bytes")


if __name__ == "__main__":
    main()
