"""Metadata that a model already carries: what is not ours survives, what cannot is refused."""

from __future__ import annotations

import dataclasses
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tflite

from edge_tagger.archive import associated_files, split_model
from edge_tagger.convert import metadata_schema_generated as schema
from edge_tagger.convert.metadata import with_metadata
from edge_tagger.convert.metadata_buffer import METADATA_NAME, packed, put_metadata, read_metadata, read_model
from edge_tagger.errors import ModelError
from edge_tagger.manifest import Manifest, read_manifest

Change = Callable[[Any], None]


@pytest.fixture(params=["tiny-float32", "tiny-uint8"])
def bare(request: pytest.FixtureRequest, data: Path) -> bytes:
    return split_model((data / f"{request.param}.tflite").read_bytes())[0]


@pytest.fixture()
def manifest(data: Path) -> Manifest:
    return read_manifest(data / "tiny-float32.tflite")


def _foreign(bare: bytes, change: Change, files: dict[str, bytes] | None = None) -> bytes:
    """A model with the metadata that another tool wrote, and `files` behind it."""
    model = read_model(bare)
    metadata = schema.ModelMetadataT()
    graph = schema.SubGraphMetadataT()
    graph.inputTensorMetadata, graph.outputTensorMetadata = [schema.TensorMetadataT()], [schema.TensorMetadataT()]
    metadata.subgraphMetadata = [graph]
    change(metadata)
    return _zipped(put_metadata(model, metadata), files or {})


def _zipped(flatbuffer: bytes, files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO(flatbuffer)
    buffer.seek(0, io.SEEK_END)
    with zipfile.ZipFile(buffer, "a", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _make(kind: Any, **fields: Any) -> Any:
    made = kind()
    for name, value in fields.items():
        assert hasattr(made, name)
        setattr(made, name, value)
    return made


def _unit(kind: str, **fields: Any) -> Any:
    options = _make(getattr(schema, f"{kind}T"), **fields)
    return _make(schema.ProcessUnitT, optionsType=getattr(schema.ProcessUnitOptions, kind), options=options)


def _file(name: str, kind: int, **fields: Any) -> Any:
    return _make(schema.AssociatedFileT, name=name, type=kind, **fields)


def _read(data: bytes) -> Any:
    return read_metadata(read_model(data))


def _fill(metadata: Any) -> None:
    """Every field that is not ours."""
    metadata.name, metadata.author, metadata.license = "theirs", "Grace", "MIT"
    metadata.associatedFiles = [_file("README.txt", schema.AssociatedFileType.DESCRIPTIONS, version="3")]
    (graph,) = metadata.subgraphMetadata
    graph.name, graph.description = "main", "all of it"
    graph.associatedFiles = [_file("words.txt", schema.AssociatedFileType.VOCABULARY)]
    graph.inputProcessUnits = [_unit("BertTokenizerOptions", vocabFile=[_file("words.txt", 5)])]
    graph.outputProcessUnits = [_unit("RegexTokenizerOptions", delimRegexPattern=r"\W+")]
    graph.outputTensorGroups = [_make(schema.TensorGroupT, name="result", tensorNames=["probabilities"])]
    graph.customMetadata = [_make(schema.CustomMetadataT, name="segmenter", data=np.arange(40, dtype=np.uint8))]
    (taken,), (given,) = graph.inputTensorMetadata, graph.outputTensorMetadata
    taken.dimensionNames = ["batch", "height", "width", "channels"]
    taken.associatedFiles = [_file("colours.txt", schema.AssociatedFileType.UNKNOWN)]
    given.name = "probabilities"
    given.dimensionNames = ["batch", "class"]
    given.processUnits = [
        _unit("ScoreThresholdingOptions", globalScoreThreshold=0.3),
        _unit("SentencePieceTokenizerOptions"),
    ]
    given.associatedFiles = [
        _file("classes.txt", schema.AssociatedFileType.TENSOR_AXIS_LABELS),
        _file("values.txt", schema.AssociatedFileType.TENSOR_VALUE_LABELS),
    ]


FILES = {name: name.encode() for name in ("README.txt", "words.txt", "colours.txt", "classes.txt", "values.txt", "x/y")}


def test_what_is_not_ours_survives(bare: bytes, manifest: Manifest) -> None:
    older = _foreign(bare, _fill, FILES)
    newer = with_metadata(older, dataclasses.replace(manifest, licence=""))
    metadata, before = _read(newer), _read(older)
    assert (metadata.name, metadata.author, metadata.license) == (b"tiny", b"Grace", b"MIT")
    assert metadata.minParserVersion == b"1.5.0"
    assert _plain(metadata.associatedFiles) == _plain(before.associatedFiles)
    graph, old = metadata.subgraphMetadata[0], before.subgraphMetadata[0]
    ours = ("inputTensorMetadata", "outputTensorMetadata")
    assert {**_plain(graph), **dict.fromkeys(ours)} == {**_plain(old), **dict.fromkeys(ours)}
    (taken,), (given,) = graph.inputTensorMetadata, graph.outputTensorMetadata
    assert taken.dimensionNames == [b"batch", b"height", b"width", b"channels"]
    assert [file.name for file in taken.associatedFiles] == [b"colours.txt"]
    assert (given.name, given.dimensionNames) == (b"probabilities", [b"batch", b"class"])
    assert [unit.optionsType for unit in given.processUnits] == [5]  # SentencePiece; no global threshold
    assert [file.name for file in given.associatedFiles] == [b"labels.txt", b"labels_en.txt", b"values.txt"]
    kept = {name: content for name, content in FILES.items() if name != "classes.txt"}
    assert kept.items() <= associated_files(newer).items()
    assert "classes.txt" not in associated_files(newer)
    assert with_metadata(newer, dataclasses.replace(manifest, licence="")) == newer


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return {name: _plain(item) for name, item in vars(value).items()} if hasattr(value, "Pack") else value


def test_other_entries_of_the_flatbuffer_survive(bare: bytes, manifest: Manifest) -> None:
    model = read_model(bare)
    model.buffers.append(_make(tflite.BufferT, data=np.frombuffer(b"theirs", np.uint8)))
    entry = _make(tflite.MetadataT, name=b"their_entry", buffer=len(model.buffers) - 1)
    model.metadata = [*(model.metadata or []), entry]
    read = read_model(with_metadata(packed(model, b"TFL3", size_bytes=4096), manifest))
    (found,) = [entry for entry in read.metadata if entry.name == b"their_entry"]
    assert bytes(read.buffers[found.buffer].data) == b"theirs"


@pytest.mark.parametrize(
    ("change", "version"),
    [
        (lambda _: None, "1.0.0"),
        (lambda m: setattr(m, "associatedFiles", [_file("a", 5)]), "1.0.1"),
        (lambda m: setattr(m.subgraphMetadata[0], "inputProcessUnits", []), "1.1.0"),
        (lambda m: setattr(m.subgraphMetadata[0], "inputTensorGroups", []), "1.2.0"),
        (lambda m: setattr(m.subgraphMetadata[0], "outputProcessUnits", [_unit("RegexTokenizerOptions")]), "1.2.1"),
        (lambda m: setattr(m, "associatedFiles", [_file("a", 6)]), "1.4.0"),
        (lambda m: setattr(m, "associatedFiles", [_file("a", 1, version="2")]), "1.4.1"),
        (lambda m: setattr(m.subgraphMetadata[0], "customMetadata", []), "1.5.0"),
    ],
)
def test_the_parser_version_is_what_the_fields_need(
    bare: bytes, manifest: Manifest, change: Change, version: str
) -> None:
    assert _read(with_metadata(_foreign(bare, change), manifest)).minParserVersion == version.encode()


def _normalized(mean: list[float], std: list[float]) -> Change:
    unit = _unit("NormalizationOptions", mean=mean, std=std)
    return lambda metadata: setattr(metadata.subgraphMetadata[0].inputTensorMetadata[0], "processUnits", [unit])


@pytest.mark.parametrize(
    ("mean", "std", "told"),
    [
        ([123.7, 116.3, 103.5], [58.4, 57.1, 57.4], "one value for each channel, which MediaPipe refuses"),
        ([127.5], [127.5], "fold it into the graph: `edge-tagger convert` .* with --mean and --std"),
        ([], [], "normalize with mean"),
    ],
)
def test_a_float_model_that_wants_other_pixels_is_refused(
    data: Path, manifest: Manifest, mean: list[float], std: list[float], told: str
) -> None:
    model = split_model((data / "tiny-float32.tflite").read_bytes())[0]
    with pytest.raises(ModelError, match=told) as refused:
        with_metadata(_foreign(model, _normalized(mean, std)), manifest)
    assert "\n" not in str(refused.value)


def test_the_normalization_of_a_uint8_input_is_that_of_its_quantization(data: Path, manifest: Manifest) -> None:
    model = read_model((data / "tiny-uint8.tflite").read_bytes())
    graph = model.subgraphs[0]
    quantization = graph.tensors[graph.inputs[0]].quantization
    quantization.scale, quantization.zeroPoint = np.array([0.25], np.float32), np.array([3], np.int64)
    older = _foreign(packed(model, b"TFL3", size_bytes=4096), _normalized([9.0], [9.0]))
    (unit,) = _read(with_metadata(older, manifest)).subgraphMetadata[0].inputTensorMetadata[0].processUnits
    assert (unit.options.mean.tolist(), unit.options.std.tolist()) == ([3.0], [4.0])


def _twice(side: str) -> Change:
    return lambda metadata: setattr(metadata.subgraphMetadata[0], side, [schema.TensorMetadataT()] * 2)


def _unknown_unit(metadata: Any) -> None:
    metadata.subgraphMetadata[0].inputProcessUnits = [_make(schema.ProcessUnitT, optionsType=9)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_twice("inputTensorMetadata"), "describe 2 input tensors, it has 1"),
        (_twice("outputTensorMetadata"), "describe 2 output tensors, it has 1"),
        (lambda m: m.subgraphMetadata.append(schema.SubGraphMetadataT()), "describe 2 graphs, it has 1"),
        (lambda m: setattr(m, "associatedFiles", [_file("a", 1)] * 300), "a list of 300 entries, over 256"),
        (lambda m: setattr(m, "minParserVersion", "1.6.0"), r"from 1\.6\.0 on.* does not know"),
        (_unknown_unit, "does not know"),
    ],
)
def test_metadata_that_lie_about_the_model_are_refused(
    bare: bytes, manifest: Manifest, change: Change, told: str
) -> None:
    with pytest.raises(ModelError, match=told) as refused:
        with_metadata(_foreign(bare, change), manifest)
    assert "\n" not in str(refused.value)


def test_metadata_cut_off_or_in_a_buffer_of_weights_are_refused(bare: bytes, manifest: Manifest) -> None:
    model = read_model(_foreign(bare, _fill))
    (entry,) = [entry for entry in model.metadata if entry.name == METADATA_NAME]
    whole = model.buffers[entry.buffer].data
    for data, told in ((whole[:60], "damaged"), (np.frombuffer(b"\1\0\0\0XXXX", np.uint8), "carry the mark")):
        model.buffers[entry.buffer].data = data
        with pytest.raises(ModelError, match=told):
            with_metadata(packed(model, b"TFL3", size_bytes=4096), manifest)
    entry.buffer = next(tensor.buffer for tensor in model.subgraphs[0].tensors if tensor.buffer)
    with pytest.raises(ModelError, match="a buffer that is not theirs"):
        with_metadata(packed(model, b"TFL3", size_bytes=4096), manifest)


def test_random_damage_is_one_clear_error_or_none(bare: bytes, manifest: Manifest) -> None:
    model = read_model(_foreign(bare, _fill))
    (entry,) = [entry for entry in model.metadata if entry.name == METADATA_NAME]
    whole, rng = np.array(model.buffers[entry.buffer].data), np.random.default_rng(0)
    for _ in range(200):
        broken = whole.copy()
        broken[rng.integers(8, len(broken), 4)] = rng.integers(0, 256, 4)
        model.buffers[entry.buffer].data = broken
        try:
            with_metadata(packed(model, b"TFL3", size_bytes=4096), manifest)
        except ModelError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil", "a/../../evil", "C:\\evil", "a\\b"])
def test_a_packed_file_with_a_hostile_name_is_refused(bare: bytes, manifest: Manifest, name: str) -> None:
    with pytest.raises(ModelError, match=r"the archive inside the \.tflite is refused"):
        with_metadata(_zipped(bare, {name: b"x"}), manifest)


def test_a_zip_bomb_is_refused_unpacked(bare: bytes, manifest: Manifest) -> None:
    bomb = _zipped(bare, {"bomb.txt": bytes(15 * 2**20)}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    with pytest.raises(ModelError, match=r"'bomb\.txt' unpacks"):
        with_metadata(bomb, manifest)
    # One that lies about its size, in the central directory at its end.
    central = bomb.rindex(b"PK\1\2")
    lying = bytearray(bomb)
    struct.pack_into("<I", lying, central + 24, 5)
    with pytest.raises(ModelError, match="refused"):
        with_metadata(bytes(lying), manifest)


def test_a_model_of_int8_in_and_out_is_refused(data: Path, manifest: Manifest) -> None:
    with pytest.raises(ModelError, match="uint8 and float32 alone: convert with --io"):
        with_metadata((data / "bare-int8.tflite").read_bytes(), manifest)
