"""Standard TFLite Metadata, which MediaPipe Tasks, ML Kit and Android Studio read, around a model.

docs/metadata.md says which fields are ours and who reads them. The label files that they name stand in the archive
behind the model, beside our manifest. https://ai.google.dev/edge/litert/conversion/tensorflow/metadata
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ai_edge_litert import schema_py_generated as tflite

from edge_tagger.convert import metadata_schema_generated as schema
from edge_tagger.convert.check.archive import read_archive
from edge_tagger.convert.metadata_buffer import put_metadata, read_metadata, read_model
from edge_tagger.convert.parser_version import minimum_parser_version, tables
from edge_tagger.errors import ModelError
from edge_tagger.manifest import MANIFEST_FILE, Manifest, pack

LABELS_FILE = "labels.txt"
_TYPES = {tflite.TensorType.UINT8: "uint8", tflite.TensorType.FLOAT32: "float32"}
_AXIS_LABELS = schema.AssociatedFileType.TENSOR_AXIS_LABELS
_NORMALIZATION = schema.ProcessUnitOptions.NormalizationOptions
# What MediaPipe does to the scores of its own accord; Tagger.scores are the model's own.
_RESCORING_FILES = (_AXIS_LABELS, schema.AssociatedFileType.TENSOR_AXIS_SCORE_CALIBRATION)
_RESCORING_UNITS = (
    schema.ProcessUnitOptions.ScoreCalibrationOptions,
    schema.ProcessUnitOptions.ScoreThresholdingOptions,
)


def with_metadata(data: bytes, manifest: Manifest) -> bytes:
    """The final `.tflite`: the model with standard metadata inside, label files and manifest packed behind it.

    `labels.txt` holds the tags' identities in output order, `labels_en.txt` their display names, `labels_LOCALE.txt`
    those of each further locale of the manifest. What `data` already carries is kept, but for the fields and files that
    are written here. The same arguments give the same bytes.

    Raises ModelError where `data` is not a model with one [1, S, S, 3] input and one [1, N] output of the manifest's S
    and N, both uint8 or float32; where a tag cannot stand on one line; where older metadata are damaged, describe other
    tensors, or normalize pixels, which the manifest says the graph does; where the archive behind the model is hostile.
    """
    archive = read_archive(data)
    if archive.problems:
        raise ModelError(
            f"the archive inside the .tflite is refused: {archive.problems[0]}; nothing of it was unpacked to disk; "
            "get the model from its maker again"
        )
    model = read_model(data)
    _check(model, manifest)
    metadata = read_metadata(model)
    labels = _label_files(manifest)
    replaced = _describe(metadata, manifest, model, labels)
    named = {_text(table.name) for table in tables(metadata) if isinstance(table, schema.AssociatedFileT)}
    ours = {MANIFEST_FILE, *labels, *(replaced - named)}
    kept = {name: content for name, content in archive.files.items() if name not in ours}
    return pack(put_metadata(model, metadata), manifest, {**labels, **kept})


def _check(model: Any, manifest: Manifest) -> None:
    """MediaPipe refuses a model whose metadata describe other tensors or another number of tags than it has."""
    graph = model.subgraphs[0]
    tensors = [[graph.tensors[place] for place in places] for places in (graph.inputs, graph.outputs)]
    found = [[tensor.shape.tolist() for tensor in side] for side in tensors]
    size, count = manifest.image_size, len(manifest.taxonomy)
    if found != [[[1, size, size, 3]], [[1, count]]]:
        raise ModelError(
            f"the manifest describes one input [1, {size}, {size}, 3] and one output [1, {count}], "
            f"the model has inputs {found[0]} and outputs {found[1]}; convert the run that the manifest came from"
        )
    for tensor in (*tensors[0], *tensors[1]):
        if tensor.type not in _TYPES:
            raise ModelError(
                f"the tensor {_text(tensor.name)!r} has the type number {tensor.type} of TFLite; "
                "MediaPipe takes and gives uint8 and float32 alone: convert with --io uint8 or --io float32"
            )


def _label_files(manifest: Manifest) -> dict[str, bytes]:
    """Name -> content; the identities first, for MediaPipe's category names are the first file's."""
    tags = manifest.taxonomy.tags
    files = {LABELS_FILE: _lines(tag.id for tag in tags)}
    for locale, names in {"en": {}, **manifest.display_names}.items():
        files[_name_of(locale)] = _lines(names.get(tag.id, tag.name) for tag in tags)
    return files


def _name_of(locale: str) -> str:
    return f"labels_{locale}.txt"


def _lines(labels: Iterable[str]) -> bytes:
    lines = []
    for label in labels:
        if "\n" in label or "\r" in label:
            raise ModelError(f"the tag {label!r} has a line break, which no label file can hold; rename it in the data")
        lines.append(f"{label}\n")
    return "".join(lines).encode()


def _describe(metadata: Any, manifest: Manifest, model: Any, labels: Mapping[str, bytes]) -> set[str]:
    """Write our fields into `metadata`; gives the names of the files that they used to name.

    An empty field of the manifest leaves what there was.
    """
    metadata.name = manifest.name
    metadata.description = manifest.description or metadata.description or ""
    metadata.version = manifest.version
    metadata.author = manifest.author or metadata.author or ""
    metadata.license = manifest.licence or metadata.license or ""
    metadata.subgraphMetadata = metadata.subgraphMetadata or [schema.SubGraphMetadataT()]
    graph = metadata.subgraphMetadata[0]
    graph.inputTensorMetadata = graph.inputTensorMetadata or [schema.TensorMetadataT()]
    graph.outputTensorMetadata = graph.outputTensorMetadata or [schema.TensorMetadataT()]
    main = model.subgraphs[0]
    _describe_input(graph.inputTensorMetadata[0], main.tensors[main.inputs[0]])
    replaced = _describe_output(graph.outputTensorMetadata[0], labels)
    metadata.minParserVersion = minimum_parser_version(metadata)
    return replaced


def _describe_input(described: Any, tensor: Any) -> None:
    units = described.processUnits or []
    ours = _normalization(tensor)
    for unit in units:
        if unit.optionsType == _NORMALIZATION and tensor.type == tflite.TensorType.FLOAT32:
            _check_normalization(unit.options)
    image = schema.ImagePropertiesT()
    image.colorSpace = schema.ColorSpaceType.RGB
    described.name = described.name or "image"  # tensor groups refer to it
    described.description = "RGB pixels, 0 to 255, of the photo stretched to the size of the input"
    described.content = _content(schema.ContentProperties.ImageProperties, image)
    described.processUnits = [ours, *(unit for unit in units if unit.optionsType != _NORMALIZATION)]
    described.stats = _stats(0.0, 255.0)


def _normalization(tensor: Any) -> schema.ProcessUnitT:
    """One by which a pixel is copied: the graph normalizes. One value for all channels: MediaPipe refuses three.

    A quantized input shares the normalization of its float model, so its own scale and zero point are the proof.
    """
    options = schema.NormalizationOptionsT()
    options.mean, options.std = [0.0], [1.0]
    quantization = tensor.quantization
    scales = [] if quantization is None or quantization.scale is None else quantization.scale
    if tensor.type == tflite.TensorType.UINT8 and len(scales) == 1 and scales[0] > 0:
        options.mean, options.std = [float(quantization.zeroPoint[0])], [1 / float(scales[0])]
    unit = schema.ProcessUnitT()
    unit.optionsType, unit.options = _NORMALIZATION, options
    return unit


def _check_normalization(options: Any) -> None:
    mean, std = ([] if values is None else [float(value) for value in values] for values in (options.mean, options.std))
    if set(mean) == {0.0} and set(std) == {1.0}:
        return
    per_channel = "one value for each channel, which MediaPipe refuses, and " if len({*mean}) + len({*std}) > 2 else ""
    raise ModelError(
        f"the model's metadata normalize with mean {mean} and std {std}: {per_channel}a graph that wants this does not "
        "take the pixels 0 to 255 of the manifest; fold it into the graph: "
        "`edge-tagger convert` its Keras file or SavedModel with --mean and --std"
    )


def _describe_output(described: Any, labels: Mapping[str, bytes]) -> set[str]:
    files = described.associatedFiles or []
    replaced = {_text(file.name) for file in files if file.type in _RESCORING_FILES}
    described.name = described.name or "scores"
    described.description = "One score in 0 to 1 for each tag"
    described.content = _content(schema.ContentProperties.FeatureProperties, schema.FeaturePropertiesT())
    described.stats = _stats(0.0, 1.0)
    described.processUnits = [
        unit for unit in described.processUnits or [] if unit.optionsType not in _RESCORING_UNITS
    ] or None
    kept = [file for file in files if file.type not in _RESCORING_FILES]
    described.associatedFiles = [*map(_label_file, labels), *kept]
    return replaced


def _text(value: str | bytes | None) -> str:
    """Strings that were read are bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""


def _content(kind: int, properties: Any) -> schema.ContentT:
    content = schema.ContentT()
    content.contentPropertiesType, content.contentProperties = kind, properties
    return content


def _stats(lowest: float, highest: float) -> schema.StatsT:
    stats = schema.StatsT()
    stats.min, stats.max = [lowest], [highest]
    return stats


def _label_file(name: str) -> schema.AssociatedFileT:
    file = schema.AssociatedFileT()
    file.name, file.type = name, _AXIS_LABELS
    if name == LABELS_FILE:
        file.description = "Identities of the tags: facet and path"
    else:
        file.description = "Display names of the tags"
        file.locale = name.removeprefix("labels_").removesuffix(".txt")
    return file
