"""Drafts: tiny models with metadata, labels and a manifest, which a test changes by flatbuffers' object API."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tflite

from edge_tagger.archive import split_model
from edge_tagger.convert import metadata_schema_generated as schema
from edge_tagger.convert.check.targets import check
from edge_tagger.manifest import Manifest, pack, read_manifest

METADATA = b"TFLITE_METADATA"


class Draft:
    """`model` and `metadata` are object trees, `files` what is packed; `manifest` or `metadata` None: without."""

    def __init__(self, data: Path, kind: str) -> None:
        self.data = data
        whole = (data / f"tiny-{kind}.tflite").read_bytes()
        self.model: Any = tflite.ModelT.InitFromObj(tflite.Model.GetRootAs(split_model(whole)[0]))
        self.manifest: Manifest | None = read_manifest(whole)
        tags = self.manifest.taxonomy.tags
        self.files = {
            "labels.txt": "".join(f"{tag.id}\n" for tag in tags).encode(),
            "labels_en.txt": "".join(f"{tag.name}\n" for tag in tags).encode(),
        }
        self.metadata: Any = _metadata()
        self.metadata_mark = b"M001"
        self.compression = zipfile.ZIP_STORED

    def become(self, kind: str) -> None:
        """Take the model of another draft."""
        self.model = Draft(self.data, kind).model

    @property
    def graph(self) -> Any:
        return self.model.subgraphs[0]

    @property
    def said(self) -> Any:
        """The metadata of the graph."""
        return self.metadata.subgraphMetadata[0]

    def tensor(self, place: int, *, output: bool = False) -> Any:
        return self.graph.tensors[(self.graph.outputs if output else self.graph.inputs)[place]]

    def operator(self, name: str) -> Any:
        """The first operator of that name."""
        number = getattr(tflite.BuiltinOperator, name)
        return next(o for o in self.graph.operators if self.model.operatorCodes[o.opcodeIndex].builtinCode == number)

    def rename(self, name: str, new: str, options: Any = None, **values: Any) -> Any:
        """Make the first operator `name` a `new` with `options` ("SoftmaxOptions") of `values`; a name that is none of
        TensorFlow Lite's makes it a custom one."""
        operator, code = self.operator(name), tflite.OperatorCodeT()
        builtin = getattr(tflite.BuiltinOperator, new, tflite.BuiltinOperator.CUSTOM)
        code.builtinCode, code.deprecatedBuiltinCode, code.version = builtin, min(builtin, 127), 1
        code.customCode = new.encode() if builtin == tflite.BuiltinOperator.CUSTOM else None
        self.model.operatorCodes.append(code)
        operator.opcodeIndex = len(self.model.operatorCodes) - 1
        operator.builtinOptionsType, operator.builtinOptions = 0, None
        if options is not None:
            operator.builtinOptionsType = getattr(tflite.BuiltinOptions, options)
            operator.builtinOptions = getattr(tflite, f"{options}T")()
            for key, value in values.items():
                assert hasattr(operator.builtinOptions, key)
                setattr(operator.builtinOptions, key, value)
        return operator

    def constant(self, values: np.ndarray, dtype: str) -> int:
        """A new constant tensor; its place."""
        buffer, tensor = tflite.BufferT(), tflite.TensorT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        tensor.name, tensor.buffer = f"constant{len(self.graph.tensors)}".encode(), len(self.model.buffers) - 1
        tensor.shape, tensor.type = np.array(values.shape, np.int32), getattr(tflite.TensorType, dtype)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def bytes(self) -> bytes:
        model = self.model
        if self.metadata is not None:
            buffer, entry = tflite.BufferT(), tflite.MetadataT()
            buffer.data = np.frombuffer(_packed(self.metadata, self.metadata_mark), np.uint8)
            model.buffers.append(buffer)
            entry.name, entry.buffer = METADATA, len(model.buffers) - 1
            model.metadata = [*(model.metadata or []), entry]
        flatbuffer = _packed(model, b"TFL3")
        if self.manifest is not None and self.compression == zipfile.ZIP_STORED:
            return pack(flatbuffer, self.manifest, self.files)
        whole = io.BytesIO(flatbuffer)
        whole.seek(0, io.SEEK_END)
        with zipfile.ZipFile(whole, "a", self.compression) as archive:
            for name, content in self.files.items():
                archive.writestr(name, content)
        return whole.getvalue()


def _packed(root: Any, mark: bytes) -> bytes:
    builder = flatbuffers.Builder(4096)
    builder.Finish(root.Pack(builder), mark)
    return bytes(builder.Output())


def normalization(mean: list[float], std: list[float]) -> Any:
    options, unit = schema.NormalizationOptionsT(), schema.ProcessUnitT()
    options.mean, options.std = mean, std
    unit.optionsType, unit.options = schema.ProcessUnitOptions.NormalizationOptions, options
    return unit


def _metadata() -> Any:
    image, scores, graph = schema.TensorMetadataT(), schema.TensorMetadataT(), schema.SubGraphMetadataT()
    image.name, image.processUnits, image.stats = "image", [normalization([0.0], [1.0])], schema.StatsT()
    image.stats.min, image.stats.max = [0.0], [255.0]
    image.content = schema.ContentT()
    image.content.contentPropertiesType = schema.ContentProperties.ImageProperties
    image.content.contentProperties = schema.ImagePropertiesT()
    image.content.contentProperties.colorSpace = schema.ColorSpaceType.RGB
    scores.name, scores.associatedFiles = "scores", []
    for name, locale in (("labels.txt", None), ("labels_en.txt", "en")):
        file = schema.AssociatedFileT()
        file.name, file.locale, file.type = name, locale, schema.AssociatedFileType.TENSOR_AXIS_LABELS
        scores.associatedFiles.append(file)
    graph.inputTensorMetadata, graph.outputTensorMetadata = [image], [scores]
    metadata = schema.ModelMetadataT()
    metadata.name, metadata.minParserVersion, metadata.subgraphMetadata = "tiny", "1.0.0", [graph]
    return metadata


@pytest.fixture
def draft(data: Path) -> Callable[[str], Draft]:
    """draft("uint8") or draft("float32")."""
    return lambda kind: Draft(data, kind)


@pytest.fixture
def report(tmp_path: Path) -> Callable[..., Any]:
    """report(draft, *targets): the Report of the draft as a file."""

    def of(made: Draft, *targets: str, name: str = "tiny.tflite") -> Any:
        path = tmp_path / name
        path.write_bytes(made.bytes())
        return check(path, targets)

    return of


@pytest.fixture
def found(report: Callable[..., Any]) -> Callable[[Draft], dict[str, str]]:
    """found(draft): rule -> what broke it, of all targets."""

    def of(made: Draft) -> dict[str, str]:
        findings = report(made).findings.values()
        return {finding.rule.id: finding.found for group in findings for finding in group}

    return of


@pytest.fixture
def holds_then_breaks(draft: Callable[[str], Draft], found: Callable[[Draft], dict[str, str]]) -> Callable[..., str]:
    """holds_then_breaks(rule, kind, change): the rule holds for the draft and is broken after `change`; by what."""

    def run(rule: str, kind: str, change: Callable[[Any], object]) -> str:
        assert rule not in found(draft(kind))
        changed = draft(kind)
        change(changed)
        findings = found(changed)
        assert rule in findings
        return findings[rule]

    return run
