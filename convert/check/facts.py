"""Everything about a `.tflite` of anyone's that rules ask for, read once. Nothing is run."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as tflite

from edge_tagger.convert.check.archive import Archive, read_archive
from edge_tagger.convert.check.described import DAMAGE, METADATA_NAME, Described, read_described
from edge_tagger.errors import ManifestError, ModelError
from edge_tagger.first_operators import normalizes
from edge_tagger.graph_file import read_graphs
from edge_tagger.interpreter import read_contents
from edge_tagger.manifest import MANIFEST_FILE, Manifest, is_intact, read_manifest, read_model

_BUILTINS = {number: name for name, number in vars(tflite.BuiltinOperator).items() if not name.startswith("_")}
_TYPES = {number: name.lower() for name, number in vars(tflite.TensorType).items() if not name.startswith("_")}
_CODES = {"uint8": (0, 255), "int8": (-128, 127), "int16": (-(2**15), 2**15 - 1)}
FLOATS = ("float16", "float32", "float64", "bfloat16")
_DAMAGE = (*DAMAGE, RecursionError)


@dataclass(frozen=True)
class TensorFacts:
    """`shape` has -1 where the size is free. real = scale * (stored - zero point). `offset_bytes`: where its values
    begin in the file, None where it has none (an activation)."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    constant: bool = False
    offset_bytes: int | None = None
    size_bytes: int = 0

    @property
    def is_float(self) -> bool:
        """Whether its values are floating-point numbers."""
        return self.dtype in FLOATS

    @property
    def zero_point(self) -> int:
        """The one of a tensor that is quantized as a whole; 0 where none is given."""
        return self.zero_points[0] if self.zero_points else 0

    def range(self) -> tuple[float, float] | None:
        """The lowest and highest real value that its integers stand for; None where it is not quantized as a whole."""
        if self.dtype not in _CODES or len(self.scales) != 1:
            return None
        low, high = _CODES[self.dtype]
        return self.scales[0] * (low - self.zero_point), self.scales[0] * (high - self.zero_point)

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


@dataclass(frozen=True)
class OperatorFacts:
    """`name` is that of the schema ("CONV_2D") or of the custom operator; `options` its table, by the object API."""

    name: str
    custom: bool
    version: int
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    options: Any = None

    @property
    def activations(self) -> tuple[TensorFacts, ...]:
        """Its inputs and outputs that are computed, not stored."""
        return tuple(tensor for tensor in (*self.inputs, *self.outputs) if not tensor.constant)

    def __str__(self) -> str:
        # A fused operator's tensor carries the names of all its parts, "a/Relu;a/BiasAdd;a/Conv2D".
        return f"{self.name} ({self.outputs[0].name.partition(';')[0]})" if self.outputs else self.name


@dataclass(frozen=True)
class ModelFacts:
    """`inputs` and `outputs` of the first graph, `operators` and `tensors` of all. `described` and `manifest` are None
    where there are none or where `described_error` and `manifest_error` say what is wrong with them; `normalizes`: the
    graph scales its photo itself."""

    path: str
    size_bytes: int
    graphs: int
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    tensors: tuple[TensorFacts, ...]
    operators: tuple[OperatorFacts, ...]
    min_runtime: str = ""
    described: Described | None = None
    described_error: str | None = None
    archive: Archive = field(default_factory=Archive)
    manifest: Manifest | None = None
    manifest_error: str | None = None
    intact: bool = True
    normalizes: bool = False

    @property
    def weight_bytes(self) -> int:
        """The size of all constant tensors; one that several tensors share counts once."""
        return sum({tensor.offset_bytes: tensor.size_bytes for tensor in self.tensors if tensor.constant}.values())

    @property
    def num_scores(self) -> int | None:
        """N of the one output [1, N] or [1, 1, 1, N]; None where the outputs are not so."""
        if len(self.outputs) != 1:
            return None
        shape = self.outputs[0].shape
        return shape[-1] if shape and shape[-1] == abs(math.prod(shape)) > 0 else None

    def float_operators(self) -> list[OperatorFacts]:
        """Operators on floats, but for those that quantize a graph's input or dequantize its output."""
        ends = {(tensor.name, tensor.dtype) for tensor in (*self.inputs, *self.outputs)}
        found = []
        for operator in self.operators:
            floats = {
                (tensor.name, tensor.dtype) for tensor in (*operator.inputs, *operator.outputs) if tensor.is_float
            }
            edge = operator.name in ("QUANTIZE", "DEQUANTIZE") and floats <= ends
            if floats and not edge:
                found.append(operator)
        return found


def read_facts(path: str | os.PathLike[str]) -> ModelFacts:
    """Raises ModelError for a file that is none, damaged, or with operators newer than this machine's LiteRT."""
    return facts_of(os.fspath(path), read_model(path))


def facts_of(name: str, data: bytes) -> ModelFacts:
    """The facts of a file's bytes; `name` is what messages call it. Raises ModelError as read_facts does."""
    try:
        read_contents(data, name=name)  # LiteRT's loader verifies the structure, which Python's flatbuffers does not
        model = tflite.ModelT.InitFromObj(tflite.Model.GetRootAs(data))
        offsets = _offsets(data)
        graphs = [_graph(model, graph, offsets) for graph in model.subgraphs]
    except _DAMAGE as error:
        raise ModelError(f"{name} is damaged ({error}); copy or convert it again") from error
    entries = {entry.name: entry.buffer for entry in model.metadata or []}
    described, described_error = _described(model, entries)
    archive = read_archive(data)
    manifest, manifest_error = _manifest(data, archive)
    first_inputs, first_outputs = graphs[0][:2]
    return ModelFacts(
        path=name,
        size_bytes=len(data),
        graphs=len(graphs),
        inputs=first_inputs,
        outputs=first_outputs,
        tensors=tuple(tensor for graph in graphs for tensor in graph[2]),
        operators=tuple(operator for graph in graphs for operator in graph[3]),
        min_runtime=_min_runtime(model, entries),
        described=described,
        described_error=described_error,
        archive=archive,
        manifest=manifest,
        manifest_error=manifest_error,
        intact=manifest is None or is_intact(data, manifest),
        normalizes=normalizes(read_graphs(data)),
    )


_Graph = tuple[
    tuple[TensorFacts, ...], tuple[TensorFacts, ...], tuple[TensorFacts, ...], tuple[OperatorFacts, ...]
]  # inputs, outputs, tensors, operators


def _graph(model: Any, graph: Any, offsets: Sequence[int | None]) -> _Graph:
    tensors = tuple(_tensor(tensor, model, offsets) for tensor in graph.tensors)

    def at(places: Any) -> tuple[TensorFacts, ...]:
        return tuple(tensors[place] for place in ([] if places is None else places) if place >= 0)

    operators = []
    for operator in graph.operators or []:
        code = model.operatorCodes[operator.opcodeIndex]
        number = max(code.builtinCode, code.deprecatedBuiltinCode)  # the older field ends at 127
        custom = number == tflite.BuiltinOperator.CUSTOM
        name = (code.customCode or b"CUSTOM").decode(errors="replace") if custom else _BUILTINS.get(number, str(number))
        operators.append(
            OperatorFacts(
                name, custom, code.version, at(operator.inputs), at(operator.outputs), operator.builtinOptions
            )
        )
    return at(graph.inputs), at(graph.outputs), tensors, tuple(operators)


def _tensor(tensor: Any, model: Any, offsets: Sequence[int | None]) -> TensorFacts:
    shape = [] if tensor.shape is None else [int(size) for size in tensor.shape]
    signature = [] if tensor.shapeSignature is None else [int(size) for size in tensor.shapeSignature]
    quantization, buffer = tensor.quantization, model.buffers[tensor.buffer]
    scales = () if quantization is None or quantization.scale is None else quantization.scale
    zero_points = () if quantization is None or quantization.zeroPoint is None else quantization.zeroPoint
    offset = offsets[tensor.buffer]
    if offset is None and buffer.offset > 1:  # values of a model over 2 GB stand behind the flatbuffer
        offset = int(buffer.offset)
    return TensorFacts(
        name=(tensor.name or b"").decode(errors="replace"),
        shape=tuple(signature if len(signature) == len(shape) else shape),
        dtype=_TYPES.get(tensor.type, str(tensor.type)),
        scales=tuple(float(scale) for scale in scales),
        zero_points=tuple(int(zero_point) for zero_point in zero_points),
        constant=offset is not None,
        offset_bytes=offset,
        size_bytes=int(buffer.size) if buffer.data is None else len(buffer.data),
    )


def _offsets(data: bytes) -> list[int | None]:
    """Where the values of each buffer begin in the file; None for an empty one."""
    model, start = tflite.Model.GetRootAs(data), np.frombuffer(data, dtype=np.uint8).ctypes.data
    buffers = [model.Buffers(place) for place in range(model.BuffersLength())]
    return [int(buffer.DataAsNumpy().ctypes.data) - start if buffer.DataLength() else None for buffer in buffers]


def _described(model: Any, entries: dict[bytes, int]) -> tuple[Described | None, str | None]:
    if METADATA_NAME not in entries:
        return None, None
    try:
        return read_described(_bytes(model, entries[METADATA_NAME])), None
    except ValueError as error:
        return None, str(error)


def _manifest(data: bytes, archive: Archive) -> tuple[Manifest | None, str | None]:
    if MANIFEST_FILE not in archive.files:  # also where the archive was not safe to unpack
        return None, None
    try:
        return read_manifest(data), None
    except (ManifestError, ValueError, OverflowError, RecursionError) as error:  # JSON of an enemy
        return None, str(error)


def _min_runtime(model: Any, entries: dict[bytes, int]) -> str:
    """The oldest TensorFlow Lite that has all operators, as the converter noted it; "" where it did not."""
    place = entries.get(b"min_runtime_version")
    return "" if place is None else _bytes(model, place).rstrip(b"\0").decode(errors="replace")


def _bytes(model: Any, place: int) -> bytes:
    found = model.buffers[place].data if 0 <= place < len(model.buffers) else None
    return b"" if found is None else bytes(found)
