"""Whether the graph of a `.tflite` makes sense: runtimes verify its structure, and their delegates believe its numbers.

XNNPACK, which LiteRT uses unless told otherwise, ends the process where it cannot take over what it was given; the
runtime's own operators say what is wrong. Each rule here stands against damage on which LiteRT 2.3.0 crashed, hung or
took all memory all the same (docs/robustness.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

MAX_TENSOR_BYTES = 512 * 2**20
_LIMITS = {dtype: np.iinfo(dtype) for dtype in (np.int8, np.uint8, np.int16)}  # of integers that stand for real numbers
_SMALLEST = float(np.finfo(np.float32).tiny)
_GREATEST = 1e30  # kernels compute with sums and products of scales in float32
# Recurrent layers may lack any input but the first; of others the first two must be there.
_RECURRENT = ("LSTM", "RNN", "SVDF")
# Its integers may stand for nothing on one side alone.
_FREE = ("CAST", "ARG_MAX", "ARG_MIN", "GATHER")
# LiteRT gives the result the type of what goes in, whatever the file says, and then has no scale for it.
_ALIKE = ("ADD", "SUB", "MUL", "DIV", "SQUARED_DIFFERENCE", "MAXIMUM", "MINIMUM")
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
_MAX_RESCALING = 256.0  # XNNPACK's limit for products of 8 bits
_SUMMED = ("ADD", "SUB", "SQUARED_DIFFERENCE")
_MAX_SUM_RESCALING = 2.0**19  # LiteRT's own kernels shift sums by 20 bits, and end the process beyond


def check_graph(interpreter: Any) -> None:
    """Of an Interpreter that has not allocated its tensors. Raises ValueError for what cannot be run."""
    check_sizes(interpreter)
    nodes = interpreter._interpreter  # what lists operators has no public name in any runtime
    scales = _check_scales(nodes)
    made: set[int] = set()
    for place in range(nodes.NumNodes()):
        name, taken, given = nodes.NodeName(place), nodes.NodeInputs(place).tolist(), nodes.NodeOutputs(place).tolist()
        operator = f"its operator {place} ({name})"
        needed = taken[:1] if any(kind in name for kind in _RECURRENT) else taken[:2]
        if -1 in needed or -1 in given:
            raise ValueError(f"{operator} lacks an input or output")
        if not made.isdisjoint(given) or not set(taken).isdisjoint(given):
            raise ValueError(f"{operator} writes a tensor that is in use")
        factors, results = ([scales[tensor] for tensor in side if tensor in scales] for side in (taken, given))
        sizes = [len(each) for each in (*factors, *results)]
        if name not in _FREE and 0 < sizes.count(0) < len(sizes):
            raise ValueError(f"{operator} has a tensor with a scale and one without")
        if name in _ALIKE and 0 < len(sizes) < len(taken) + len(given):
            raise ValueError(f"{operator} has tensors of several types")
        if name in _WEIGHTED and results and _rescaling(factors, results[0]) >= _MAX_RESCALING:
            raise ValueError(f"{operator} has scales that do not fit each other")
        if name in _SUMMED and results and _rescaling([_largest(factors)], results[0]) >= _MAX_SUM_RESCALING:
            raise ValueError(f"{operator} has scales that do not fit each other")
        made.update(given)


def check_sizes(interpreter: Any) -> None:
    """Also of one that has: constants of its graph may have made tensors larger than the file says."""
    for place, shape, dtype in _tensors(interpreter._interpreter):
        if min(shape, default=0) < 0 or math.prod(shape) * np.dtype(dtype).itemsize > MAX_TENSOR_BYTES:
            raise ValueError(
                f"its tensor {place} is {shape}, and at most {MAX_TENSOR_BYTES // 2**20} MiB a tensor are taken"
            )


def _tensors(inside: Any) -> Iterator[tuple[int, list[int], Any]]:
    """(place, shape, type) of each tensor. get_tensor_details asks for all that there is, which takes longer."""
    for place in range(inside.NumTensors(0)):
        try:
            found = place, inside.TensorSize(place, 0).tolist(), inside.TensorType(place, 0)
        except ValueError:  # one of the runtime's own, not made yet
            continue
        yield found


def _check_scales(inside: Any) -> dict[int, Any]:
    """Place of each tensor of 8 or 16 bits -> its scales, none where it stands for no real numbers."""
    limits = {place: _LIMITS[dtype] for place, _, dtype in _tensors(inside) if dtype in _LIMITS}
    quantization = {place: inside.TensorQuantizationParameters(place, 0) for place in limits}
    # All at once: tensor by tensor it would take ten times as long.
    places, scales = _joined({place: each[0] for place, each in quantization.items()})
    wrong = ~((scales >= _SMALLEST) & (scales <= _GREATEST))
    if wrong.any():
        raise ValueError(f"its tensor {places[wrong][0]} has a scale of {scales[wrong][0]}")
    shares = {
        place: (each[1] - limits[place].min) / (2 ** limits[place].bits - 1) for place, each in quantization.items()
    }
    places, zero_points = _joined(shares)
    wrong = (zero_points < 0) | (zero_points > 1)
    if wrong.any():
        raise ValueError(f"its tensor {places[wrong][0]} has a zero point out of range")
    return {place: each[0] for place, each in quantization.items()}


def _joined(arrays: dict[int, Any]) -> tuple[Any, Any]:
    """(the place that each value is from, all values)"""
    places = np.repeat(np.array(list(arrays), np.int64), [len(values) for values in arrays.values()])
    with np.errstate(invalid="ignore"):  # a damaged float32 may be a NaN that signals
        return places, np.concatenate([np.empty(0), *arrays.values()])


def _rescaling(factors: list[Any], result: Any) -> float:
    """The largest factor between a product of stored integers and the integer that is stored of it."""
    largest = [float(np.maximum.reduce(each, initial=0)) for each in (*factors, result)]
    return math.prod(largest[:-1]) / (largest[-1] or math.inf)


def _largest(factors: list[Any]) -> Any:
    return np.concatenate(factors or [np.zeros(1)])
