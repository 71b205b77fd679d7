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
    sought, found = {tensor}, set[Activation]()
    for place in reversed(range(interpreter._interpreter.NumNodes())):  # operators stand in the order in which they run
        operator = interpreter._get_op_details(place)  # _get_ops_details takes milliseconds for all of a large model
        name, made = operator["op_name"], sought.intersection(operator["outputs"].tolist())
        if not made or name == "DELEGATE":  # which stands beside the operators that it replaces
            continue
        sought -= made
        if name in _PASSING:
            inputs = operator["inputs"].tolist()
            sought.update(inputs if name == "CONCATENATION" else inputs[:1])
        else:
            found.add(_MAKERS.get(name, "none"))
        if not sought:
            break
    return found.pop() if len(found) == 1 and not sought else "unknown" if found else "none"
