"""Damage on which LiteRT 2.3.0 crashed, hung or took gigabytes, each as tests/fuzz found it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_tagger.errors import ModelError
from edge_tagger.interpreter import Model, read_contents

flatbuffers = pytest.importorskip("flatbuffers")
schema = pytest.importorskip("ai_edge_litert.schema_py_generated")

CONV = Path(__file__).resolve().parents[1] / "fuzz" / "seeds" / "conv-uint8.tflite"


def rebuilt(model: Path, damage: Callable[[Any], None]) -> bytes:
    """The file with what `damage` did to its tables."""
    tables = schema.ModelT.InitFromPackedBuf(bytearray(model.read_bytes()))
    damage(tables)
    builder = flatbuffers.Builder(1024)
    builder.Finish(tables.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def operator(tables: Any, name: str) -> Any:
    code = getattr(schema.BuiltinOperator, name)
    return next(
        each for each in tables.subgraphs[0].operators if tables.operatorCodes[each.opcodeIndex].builtinCode == code
    )


def tensor(tables: Any, name: str, side: str, place: int = 0) -> Any:
    """Input or output of an operator."""
    return tables.subgraphs[0].tensors[getattr(operator(tables, name), side)[place]]


def scale(tables: Any, value: float) -> None:
    tensor(tables, "MUL", "outputs").quantization.scale = np.array([value], np.float32)


def zero_point(tables: Any, value: int) -> None:
    tensor(tables, "MUL", "outputs").quantization.zeroPoint = np.array([value], np.int64)


def weights_scale(tables: Any, value: float) -> None:
    tensor(tables, "FULLY_CONNECTED", "inputs", 1).quantization.scale[0] = value


def sum_scale(tables: Any, value: float) -> None:
    tensor(tables, "ADD", "outputs").quantization.scale = np.array([value], np.float32)


def unquantized(tables: Any) -> None:
    tensor(tables, "ADD", "outputs").quantization = None


def twice(tables: Any) -> None:
    operator(tables, "TANH").outputs = copy.copy(operator(tables, "TANH").inputs)


def without_input(tables: Any) -> None:
    operator(tables, "CONV_2D").inputs[0] = -1


def float_output(tables: Any) -> None:
    tensor(tables, "TANH", "outputs").type = schema.TensorType.FLOAT32


def float_sum(tables: Any) -> None:
    unquantized(tables)
    tensor(tables, "ADD", "outputs").type = schema.TensorType.FLOAT32


def huge(tables: Any) -> None:
    tensor(tables, "ADD", "outputs").shape = np.array([1, 2**31 - 1, 6, 4], np.int32)


def many_dimensions(tables: Any) -> None:
    tensor(tables, "ADD", "outputs").shape = np.array([1] * 300 + [2**15] * 2, np.int32)


def huge_when_run(tables: Any) -> None:
    """What a constant says: the file's own shapes stay small. The result goes nowhere, so that nothing refuses it."""
    graph, resize = tables.subgraphs[0], copy.copy(operator(tables, "RESIZE_BILINEAR"))
    size, result = (copy.copy(graph.tensors[place]) for place in (resize.inputs[1], resize.outputs[0]))
    tables.buffers.append(copy.copy(tables.buffers[size.buffer]))
    tables.buffers[-1].data = np.frombuffer(np.array([30_000, 20_000], np.int32).tobytes(), np.uint8)
    size.buffer = len(tables.buffers) - 1
    resize.inputs, resize.outputs = [resize.inputs[0], len(graph.tensors)], [len(graph.tensors) + 1]
    graph.tensors += [size, result]
    graph.operators.append(resize)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda tables: scale(tables, 4e-41), "has a scale of"),
        (lambda tables: scale(tables, -1), "has a scale of -1"),
        (lambda tables: scale(tables, float("inf")), "has a scale of inf"),
        (lambda tables: zero_point(tables, -129), "zero point out of range"),
        (lambda tables: zero_point(tables, 44_899), "zero point out of range"),
        (lambda tables: weights_scale(tables, 1e6), "scales that do not fit each other"),
        (lambda tables: sum_scale(tables, 1e-9), "scales that do not fit each other"),
        (unquantized, r"\(ADD\) has a tensor with a scale and one without"),
        (float_sum, r"\(ADD\) has tensors of several types"),
        (twice, r"\(TANH\) writes a tensor that is in use"),
        (without_input, r"operator 1 \(CONV_2D\) lacks an input"),
        (float_output, r"cannot run on .*INT8 != FLOAT32"),
        (huge, "at most 512 MiB a tensor"),
        (many_dimensions, r"cannot be loaded \(.{,260}\); it is cut off, damaged"),
        (huge_when_run, "takes too much memory"),
    ],
)
def test_a_graph_that_makes_no_sense_is_told(damage: Callable[[Any], None], reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        Model(rebuilt(CONV, damage), threads=1)


def test_a_file_without_a_graph_is_told() -> None:
    def emptied(tables: Any) -> None:
        tables.subgraphs = None

    for look in (Model, read_contents):
        with pytest.raises(ModelError, match="holds no graph"):
            look(rebuilt(CONV, emptied))


def test_sound_graphs_pass(data: Path) -> None:
    assert Model(rebuilt(CONV, lambda _: None)).num_scores == 5
    for model in (*data.glob("tiny-*.tflite"), CONV.with_name("conv-float32.tflite")):
        Model(model)


def test_scores_that_are_more_than_declared_are_told(data: Path) -> None:
    def widened(tables: Any) -> None:
        operators = tables.subgraphs[0].operators  # the weights of the wrong tensor: [8, 8, 3] pixels, 64 rows
        first, mean = operators[0], operators[1]
        operators[2].inputs[0] = (first if mean.inputs[0] in first.outputs else mean).outputs[0]

    with pytest.raises(ModelError, match="gives 512 scores, not the 8 that it declares"):
        Model(rebuilt(data / "tiny-uint8.tflite", widened)).scores(np.zeros((8, 8, 3), np.uint8))
