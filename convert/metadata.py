"""Standard TFLite Metadata, which MediaPipe Tasks, ML Kit and Android Studio read, around a model.

It is a flatbuffer of its own (metadata_schema.fbs) in a buffer of the model, under the name TFLITE_METADATA. The label
files that it names stand in the archive behind the model, beside our manifest.
https://ai.google.dev/edge/litert/conversion/tensorflow/metadata
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tflite

from edge_tagger.convert import metadata_schema_generated as schema
from edge_tagger.errors import ModelError
from edge_tagger.manifest import Manifest, pack, split_model

LABELS_FILE = "labels.txt"
DISPLAY_NAMES_FILE = "labels_en.txt"
METADATA_NAME = b"TFLITE_METADATA"
_BUFFER_ALIGNMENT_BYTES = 16  # force_align of Buffer.data in the schema of TensorFlow Lite


def with_metadata(flatbuffer: bytes, manifest: Manifest, *, author: str = "") -> bytes:
    """The final `.tflite`: the model with standard metadata inside, label files and manifest packed behind it.

    `labels.txt` holds the tags' identities in output order, `labels_en.txt` their display names. Metadata and files
    that the model already carries are replaced; its other entries (`min_runtime_version`) stay. The same arguments give
    the same bytes.

    Raises ModelError where `flatbuffer` is not a model with one [1, S, S, 3] input and one [1, N] output of the
    manifest's S and N, or where a tag cannot stand on one line.
    """
    model = _read(flatbuffer)
    _check(model, manifest)
    tags = manifest.taxonomy.tags
    files = {LABELS_FILE: _lines([tag.id for tag in tags]), DISPLAY_NAMES_FILE: _lines([tag.name for tag in tags])}
    described = _packed(_model_metadata(manifest, author), b"M001", size_bytes=4096)
    _put(model, np.frombuffer(described, dtype=np.uint8))
    return pack(_packed(model, b"TFL3", size_bytes=len(flatbuffer) + len(described) + 4096), manifest, files)


def _read(flatbuffer: bytes) -> Any:
    if flatbuffer[4:8] != b"TFL3":
        raise ModelError("metadata need a .tflite to stand in: these bytes do not carry the mark TFL3 at byte 4")
    return tflite.ModelT.InitFromObj(tflite.Model.GetRootAs(split_model(flatbuffer)[0]))


def _check(model: Any, manifest: Manifest) -> None:
    """MediaPipe refuses a model whose metadata describe other tensors or another number of tags than it has."""
    graph = model.subgraphs[0]
    found = [[graph.tensors[place].shape.tolist() for place in places] for places in (graph.inputs, graph.outputs)]
    size, count = manifest.image_size, len(manifest.taxonomy)
    if found != [[[1, size, size, 3]], [[1, count]]]:
        raise ModelError(
            f"the manifest describes one input [1, {size}, {size}, 3] and one output [1, {count}], "
            f"the model has inputs {found[0]} and outputs {found[1]}; convert the run that the manifest came from"
        )


def _lines(labels: list[str]) -> bytes:
    for label in labels:
        if "\n" in label or "\r" in label:
            raise ModelError(f"the tag {label!r} has a line break, which no label file can hold; rename it in the data")
    return "".join(f"{label}\n" for label in labels).encode()


def _model_metadata(manifest: Manifest, author: str) -> schema.ModelMetadataT:
    graph = schema.SubGraphMetadataT()
    graph.inputTensorMetadata = [_input_metadata()]
    graph.outputTensorMetadata = [_output_metadata()]
    metadata = schema.ModelMetadataT()
    metadata.name = manifest.name
    metadata.description = manifest.description
    metadata.version = manifest.version
    metadata.author = author
    metadata.license = manifest.licence
    metadata.subgraphMetadata = [graph]
    metadata.minParserVersion = "1.0.0"  # the version that has every field written here
    return metadata


def _input_metadata() -> schema.TensorMetadataT:
    image = schema.ImagePropertiesT()
    image.colorSpace = schema.ColorSpaceType.RGB
    content = schema.ContentT()
    content.contentPropertiesType, content.contentProperties = schema.ContentProperties.ImageProperties, image
    normalization = schema.NormalizationOptionsT()
    # The graph normalises, so this copies. One value for all channels: MediaPipe refuses one for each.
    normalization.mean, normalization.std = [0.0], [1.0]
    unit = schema.ProcessUnitT()
    unit.optionsType, unit.options = schema.ProcessUnitOptions.NormalizationOptions, normalization
    tensor = schema.TensorMetadataT()
    tensor.name = "image"
    tensor.description = "RGB pixels, 0 to 255, of the photo stretched to the size of the input"
    tensor.content = content
    tensor.processUnits = [unit]
    tensor.stats = _stats(0.0, 255.0)
    return tensor


def _output_metadata() -> schema.TensorMetadataT:
    content = schema.ContentT()
    content.contentPropertiesType = schema.ContentProperties.FeatureProperties
    content.contentProperties = schema.FeaturePropertiesT()
    identities = _label_file(LABELS_FILE, "Identities of the tags: facet and path")
    display_names = _label_file(DISPLAY_NAMES_FILE, "Display names of the tags")
    display_names.locale = "en"
    tensor = schema.TensorMetadataT()
    tensor.name = "scores"
    tensor.description = "One sigmoid score for each tag"
    tensor.content = content
    tensor.stats = _stats(0.0, 1.0)
    tensor.associatedFiles = [
        identities,
        display_names,
    ]  # MediaPipe's category names are the first, whatever its locale
    return tensor


def _stats(lowest: float, highest: float) -> schema.StatsT:
    stats = schema.StatsT()
    stats.min, stats.max = [lowest], [highest]
    return stats


def _label_file(name: str, description: str) -> schema.AssociatedFileT:
    file = schema.AssociatedFileT()
    file.name, file.description = name, description
    file.type = schema.AssociatedFileType.TENSOR_AXIS_LABELS
    return file


def _put(model: Any, metadata: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    buffer = tflite.BufferT()
    buffer.data = metadata
    model.metadata = model.metadata or []
    for entry in model.metadata:
        if entry.name == METADATA_NAME:
            model.buffers[entry.buffer] = buffer
            return
    entry = tflite.MetadataT()
    entry.name, entry.buffer = METADATA_NAME, len(model.buffers)
    model.metadata.append(entry)
    model.buffers.append(buffer)


class _Builder(flatbuffers.Builder):  # type: ignore[misc]
    """Aligns byte vectors as the schema of TensorFlow Lite wants weights; code generated for Python does not."""

    def CreateNumpyVector(self, x: np.ndarray[Any, Any]) -> Any:  # noqa: N802
        if x.dtype == np.uint8:
            self.Prep(_BUFFER_ALIGNMENT_BYTES, x.size)
        return super().CreateNumpyVector(x)


def _packed(root: Any, identifier: bytes, *, size_bytes: int) -> bytes:
    """`root` as a flatbuffer; `size_bytes` is a first guess that saves copying."""
    builder = _Builder(size_bytes)
    builder.Finish(root.Pack(builder), identifier)
    return bytes(builder.Output())
