"""Whether the graph of a `.tflite` makes sense: runtimes verify its structure, and their delegates believe its numbers.

XNNPACK, which LiteRT uses unless told otherwise, ends the process where it cannot take over what it was given; the
runtime's own operators say what is wrong. Each rule here stands against damage on which LiteRT 2.3.0 crashed, hung or
took all memory all the same (docs/robustness.md).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

MAX_TENSOR_BYTES = 512 * 2**20
_RANGES = {np.int8: (-128, 127), np.uint8: (0, 255)}
_SMALLEST = float(np.finfo(np.float32).tiny)
# Recurrent layers may lack any input but the first; of others the first two must be there.
_RECURRENT = ("LSTM", "RNN", "SVDF")
# Its integers may stand for nothing on one side alone.
_FREE = ("CAST", "ARG_MAX", "ARG_MIN", "GATHER")
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
_MAX_RESCALING = 256.0  # XNNPACK's limit for products of 8 bits


def check_graph(interpreter: Any) -> None:
    """Of an Interpreter that has not allocated its tensors. Raises ValueError for what cannot be run."""
    details = interpreter.get_tensor_details()
    for detail in details:
        _check_size(detail)
    scales: dict[int, Any] = {}  # index of a tensor of 8 bits -> its scales, none where it stands for no real numbers
    for dtype, integers in _RANGES.items():
        own = [detail for detail in details if detail["dtype"] is dtype]
        _check_quantization(own, *integers)
        scales |= {detail["index"]: detail["quantization_parameters"]["scales"] for detail in own}
    nodes = interpreter._interpreter  # what lists operators has no public name in any runtime
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
        if name in _WEIGHTED and results and _rescaling(factors, results[0]) >= _MAX_RESCALING:
            raise ValueError(f"{operator} has scales that do not fit each other")
        made.update(given)


def check_sizes(interpreter: Any) -> None:
    """Of one that has: constants of its graph may have made tensors larger than the file says."""
    for detail in interpreter.get_tensor_details():
        _check_size(detail)


def _check_size(detail: dict[str, Any]) -> None:
    shape = detail["shape"].tolist()
    if min(shape, default=0) < 0 or math.prod(shape) * np.dtype(detail["dtype"]).itemsize > MAX_TENSOR_BYTES:
        raise ValueError(
            f"its tensor {detail['name']!r} is {shape}, and at most {MAX_TENSOR_BYTES // 2**20} MiB a tensor are taken"
        )


def _check_quantization(details: list[dict[str, Any]], lowest: int, highest: int) -> None:
    """All tensors of a type at once, which takes a tenth of the time; then one by one, to name what is wrong."""
    scales, zero_points = (
        np.concatenate([np.empty(0), *(detail["quantization_parameters"][key] for detail in details)])
        for key in ("scales", "zero_points")
    )
    sound = ((scales >= _SMALLEST) & (scales < np.inf)).all()
    if sound and ((zero_points >= lowest) & (zero_points <= highest)).all():
        return
    if len(details) > 1:
        for detail in details:
            _check_quantization([detail], lowest, highest)
    name = details[0]["name"]
    if not sound:
        raise ValueError(f"its tensor {name!r} has a scale of {scales.min()}")
    raise ValueError(f"its tensor {name!r} has a zero point outside {lowest}..{highest}")


def _rescaling(factors: list[Any], result: Any) -> float:
    """The largest factor between a product of stored integers and the integer that is stored of it."""
    return math.prod(float(each.max(initial=0)) for each in factors) / float(result.max(initial=0) or np.inf)
