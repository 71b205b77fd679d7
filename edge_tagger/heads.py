"""What makes the scores of a classifier: the operator at the end of each output, or the range that they must lie in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from edge_tagger.runtimes import EDGETPU_OPERATOR

# "probabilities": in 0..1 by what is behind a softmax or sigmoid, or in place of one. "none": raw logits. "unknown":
# inside an operator that one cannot look into, or of two kinds.
Activation: TypeAlias = Literal["sigmoid", "softmax", "log_softmax", "probabilities", "none", "unknown"]
_MAKERS: dict[str, Activation] = {
    "LOGISTIC": "sigmoid",
    "SOFTMAX": "softmax",
    "LOG_SOFTMAX": "log_softmax",
    EDGETPU_OPERATOR: "unknown",
}
_PASSING = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "CONCATENATION")
_TOLERANCE = 0.01  # constants that should add up to 1 are rounded, and 8 bits have steps


@dataclass(frozen=True)
class Head:
    """One output: its tensor's name, where its scores stand in all scores, its activation, and for probabilities in
    percent or the like the `largest` that a score can be."""

    name: str
    scores: slice
    activation: Activation
    largest: float = 1.0


def activation_of(interpreter: Any, tensor: int, data: bytes) -> tuple[Activation, float]:
    """Of the output with this index, and the largest score: followed back through what only reshapes, quantizes or
    joins; where that ends at another operator, by the range of what it gives. `data` are the model's bytes."""
    found = _maker(interpreter, tensor)
    if found != "none":
        return found, 1.0
    from edge_tagger.graph_file import read_graphs  # few heads need it
    from edge_tagger.score_range import range_of

    def constant(place: int) -> Any:
        stored = interpreter.get_tensor(place)
        # LiteRT runs only while nobody else holds its inner interpreter.
        scales, zero_points, axis, *_ = interpreter._interpreter.TensorQuantizationParameters(place, 0)
        if not len(scales):
            return stored
        shape = [1] * max(stored.ndim, 1)
        if len(scales) > 1:
            shape[axis] = -1
        return (stored.astype("float32") - zero_points.reshape(shape)) * scales.reshape(shape)

    low, high, made = range_of(read_graphs(data)[0], tensor, constant)
    if low < -_TOLERANCE or not math.isfinite(high) or high <= 0:
        return "none", 1.0
    if high <= 1 + _TOLERANCE:
        return "probabilities", 1.0
    return ("probabilities", high) if made else ("none", 1.0)


def _maker(interpreter: Any, tensor: int) -> Activation:
    # What lists operators has no public name in any runtime; _get_ops_details takes milliseconds for a large model.
    nodes = interpreter._interpreter
    sought, found = {tensor}, set[Activation]()
    for place in reversed(range(nodes.NumNodes())):  # they stand in the order in which they run
        name, made = nodes.NodeName(place), sought.intersection(nodes.NodeOutputs(place).tolist())
        if not made or name == "DELEGATE":  # which stands beside the operators that it replaces
            continue
        sought -= made
        if name in _PASSING:
            inputs = nodes.NodeInputs(place).tolist()
            sought.update(inputs if name == "CONCATENATION" else inputs[:1])
        else:
            found.add(_MAKERS.get(name, "none"))
        if not sought:
            break
    if sought:  # it comes from the input or a constant
        found.add("none")
    return found.pop() if len(found) == 1 else "unknown"
