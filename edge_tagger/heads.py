"""What makes the scores of a classifier: the operator at the end of each output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from edge_tagger.runtimes import EDGETPU_OPERATOR

# "none": raw logits. "unknown": inside an operator that one cannot look into, or of two kinds.
Activation: TypeAlias = Literal["sigmoid", "softmax", "none", "unknown"]
_MAKERS: dict[str, Activation] = {"LOGISTIC": "sigmoid", "SOFTMAX": "softmax", EDGETPU_OPERATOR: "unknown"}
_PASSING = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "CONCATENATION")


@dataclass(frozen=True)
class Head:
    """One output: its tensor's name, where its scores stand in all scores, and its activation."""

    name: str
    scores: slice
    activation: Activation


def activation_of(interpreter: Any, tensor: int) -> Activation:
    """Of the output with this index, followed back through what only reshapes, quantizes or joins."""
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
