"""Standard metadata: read back field by field, and nothing of the model lost on the way."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tflite
from ai_edge_litert.interpreter import Interpreter
from flatbuffers import number_types
from flatbuffers.table import Table
from numpy.typing import NDArray

from edge_tagger.archive import associated_files, split_model
from edge_tagger.convert.metadata import with_metadata
from edge_tagger.convert.metadata_schema_generated import (
    AssociatedFileType,
    ColorSpaceType,
    ContentProperties,
    ModelMetadata,
    ModelMetadataT,
    ProcessUnitOptions,
)
from edge_tagger.errors import ModelError
from edge_tagger.manifest import Manifest, is_intact, read_manifest
from edge_tagger.taxonomy import Facet, Tag, Taxonomy

IDS = ("category/Footwear", "category/Footwear/Shoes", "category/T%2FShirt", "colour/Grün")
SIZE = 8
MANIFEST = Manifest(
    name="tiny",
    image_size=SIZE,
    taxonomy=Taxonomy(
        (Facet("category", ("kind", "type")), Facet("colour", ("colour",))), tuple(Tag.from_id(name) for name in IDS)
    ),
    thresholds=(0.5, 0.25, 0.5, 0.75),
    description="A tiny tagger",
    licence="Apache-2.0",
    version="7",
    author="Ada",
)


@pytest.fixture(scope="module", params=["float32", "uint8"])
def plain(request: pytest.FixtureRequest) -> bytes:
    """A dense layer over the pixels, as the converter writes it."""
    import tensorflow as tf

    weights = np.random.default_rng(5).normal(0, 0.001, (SIZE * SIZE * 3, len(IDS))).astype(np.float32)

    @tf.function(input_signature=[tf.TensorSpec([1, SIZE, SIZE, 3], tf.float32)])  # type: ignore[untyped-decorator]
    def scores(image: Any) -> Any:
        return tf.sigmoid(tf.matmul(tf.reshape(image, [1, -1]), weights))

    converter = tf.lite.TFLiteConverter.from_concrete_functions([scores.get_concrete_function()])
    if request.param == "uint8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([_photo(seed)[None].astype(np.float32)] for seed in range(4))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    return bytes(converter.convert())


def _photo(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)


def _scores(model: bytes) -> list[Any]:
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(taken["index"], _photo(9)[None].astype(taken["dtype"]))
    interpreter.invoke()
    scores: list[Any] = interpreter.get_tensor(given["index"])[0].tolist()
    return scores


def _entries(model: bytes) -> dict[bytes, bytes]:
    """Name -> content of the model's metadata entries; a name that stands twice fails."""
    read = tflite.ModelT.InitFromObj(tflite.Model.GetRootAs(model))
    names = [entry.name for entry in read.metadata]
    assert len(set(names)) == len(names)
    return {entry.name: bytes(read.buffers[entry.buffer].data) for entry in read.metadata}


def _standard(model: bytes) -> Any:
    data = _entries(model)[b"TFLITE_METADATA"]
    assert ModelMetadata.ModelMetadataBufferHasIdentifier(data, 0)
    return ModelMetadataT.InitFromObj(ModelMetadata.GetRootAs(data))


def test_describes_the_model(plain: bytes) -> None:
    metadata = _standard(with_metadata(plain, MANIFEST))
    assert (metadata.name, metadata.description, metadata.version) == (b"tiny", b"A tiny tagger", b"7")
    assert (metadata.author, metadata.license, metadata.minParserVersion) == (b"Ada", b"Apache-2.0", b"1.0.0")
    (graph,) = metadata.subgraphMetadata
    (image,) = graph.inputTensorMetadata
    assert image.content.contentPropertiesType == ContentProperties.ImageProperties
    assert image.content.contentProperties.colorSpace == ColorSpaceType.RGB
    (unit,) = image.processUnits
    assert unit.optionsType == ProcessUnitOptions.NormalizationOptions
    assert (list(unit.options.mean), list(unit.options.std)) == ([0.0], [1.0])
    assert (list(image.stats.min), list(image.stats.max)) == ([0.0], [255.0])
    (scores,) = graph.outputTensorMetadata
    assert scores.name == b"scores"
    assert scores.processUnits is None  # a global threshold would hide tags
    assert [(file.name, file.type, file.locale) for file in scores.associatedFiles] == [
        (b"labels.txt", AssociatedFileType.TENSOR_AXIS_LABELS, None),
        (b"labels_en.txt", AssociatedFileType.TENSOR_AXIS_LABELS, b"en"),
    ]


def test_each_locale_has_a_label_file_and_a_tag_without_translation_its_own_name(plain: bytes) -> None:
    names = {"de": {"category/Footwear": "Schuhwerk", "colour/Grün": "Grün"}, "en": {"colour/Grün": "Green"}}
    model = with_metadata(plain, dataclasses.replace(MANIFEST, display_names=names))
    files = _standard(model).subgraphMetadata[0].outputTensorMetadata[0].associatedFiles
    assert [(file.name, file.locale) for file in files] == [
        (b"labels.txt", None),
        (b"labels_en.txt", b"en"),
        (b"labels_de.txt", b"de"),
    ]
    packed = associated_files(model)
    assert packed["labels_de.txt"].decode().splitlines() == ["Schuhwerk", "Shoes", "T/Shirt", "Grün"]
    assert packed["labels_en.txt"].decode().splitlines() == ["Footwear", "Shoes", "T/Shirt", "Green"]


def test_the_fields_have_the_official_slots(plain: bytes) -> None:
    data = _entries(with_metadata(plain, MANIFEST))[b"TFLITE_METADATA"]

    def slot(table: Table, number: int) -> int:
        return int(table.Pos + table.Offset(4 + 2 * number))

    def below(table: Table, number: int) -> Table:
        return Table(data, table.Indirect(slot(table, number)))

    def first(table: Table, number: int) -> Table:
        return Table(data, table.Indirect(table.Vector(table.Offset(4 + 2 * number))))

    model = Table(data, int.from_bytes(data[:4], "little"))
    assert [model.String(slot(model, number)) for number in (0, 2, 5, 7)] == [b"tiny", b"7", b"Apache-2.0", b"1.0.0"]
    image, scores = (first(first(model, 3), number) for number in (2, 3))
    assert below(image, 3).Get(number_types.Uint8Flags, slot(below(image, 3), 0)) == 2
    normalization = below(first(image, 4), 1)
    assert normalization.Get(number_types.Float32Flags, normalization.Vector(normalization.Offset(6))) == 1.0
    highest = below(image, 5)
    assert highest.Get(number_types.Float32Flags, highest.Vector(highest.Offset(4))) == 255.0
    labels = first(scores, 6)
    assert labels.Get(number_types.Int8Flags, slot(labels, 2)) == 2


def test_files_and_manifest_stand_behind_the_model(plain: bytes, tmp_path: Path) -> None:
    model = tmp_path / "tiny.tflite"
    model.write_bytes(with_metadata(plain, MANIFEST))
    with zipfile.ZipFile(model) as archive:
        assert sorted(archive.namelist()) == ["edge_tagger.json", "labels.txt", "labels_en.txt"]
        assert archive.read("labels.txt").decode().splitlines() == list(IDS)
        assert archive.read("labels_en.txt").decode().splitlines() == ["Footwear", "Shoes", "T/Shirt", "Grün"]
    manifest = read_manifest(model)
    assert manifest.model_crc32 is not None
    assert dataclasses.replace(manifest, model_crc32=None) == MANIFEST
    assert is_intact(model.read_bytes(), manifest)


def test_scores_stay_and_weights_stay_aligned(plain: bytes) -> None:
    described = with_metadata(plain, MANIFEST)
    assert len(set(_scores(plain))) == len(IDS)
    assert _scores(described) == _scores(plain)
    read, start = tflite.Model.GetRootAs(described), np.frombuffer(described, dtype=np.uint8).ctypes.data
    filled = [read.Buffers(place) for place in range(read.BuffersLength()) if not read.Buffers(place).DataIsNone()]
    assert len(filled) >= 3  # weights, metadata, min_runtime_version
    assert {(buffer.DataAsNumpy().ctypes.data - start) % 16 for buffer in filled} == {0}


def test_the_same_arguments_give_the_same_bytes(plain: bytes) -> None:
    assert with_metadata(plain, MANIFEST) == with_metadata(plain, MANIFEST)


def test_older_metadata_are_replaced_and_other_entries_kept(plain: bytes) -> None:
    older = with_metadata(plain, dataclasses.replace(MANIFEST, name="older", display_names={"de": {}}))
    newer = with_metadata(older, MANIFEST)
    assert "labels_de.txt" in associated_files(older)
    assert newer == with_metadata(plain, MANIFEST)
    assert _standard(older).name == b"older"
    kept = _entries(newer)
    del kept[b"TFLITE_METADATA"]
    assert kept == _entries(plain)
    assert b"min_runtime_version" in kept
    assert not zipfile.is_zipfile(io.BytesIO(split_model(newer)[0]))


def test_refuses_another_model_and_other_bytes(plain: bytes) -> None:
    fewer = Taxonomy(MANIFEST.taxonomy.facets, MANIFEST.taxonomy.tags[:3])
    with pytest.raises(ModelError, match=r"one output \[1, 3\], the model has .* outputs \[\[1, 4\]\]"):
        with_metadata(plain, dataclasses.replace(MANIFEST, taxonomy=fewer, thresholds=(0.5,) * 3))
    with pytest.raises(ModelError, match=r"one input \[1, 16, 16, 3\]"):
        with_metadata(plain, dataclasses.replace(MANIFEST, image_size=16))
    with pytest.raises(ModelError, match="TFL3"):
        with_metadata(b"not a model", MANIFEST)


def test_refuses_a_tag_of_two_lines(plain: bytes) -> None:
    tags = (*MANIFEST.taxonomy.tags[:3], Tag("colour", ("Navy\nBlue",)))
    with pytest.raises(ModelError, match="line break"):
        with_metadata(plain, dataclasses.replace(MANIFEST, taxonomy=Taxonomy(MANIFEST.taxonomy.facets, tags)))
