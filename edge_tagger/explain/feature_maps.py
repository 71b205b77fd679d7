"""From a score back through the head of a classifier to the feature maps that the head reads."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from edge_tagger.errors import ModelError
from edge_tagger.explain.gradients import GRADIENTS, pass_back
from edge_tagger.explain.graph import Graph, Operator, Values

_ACTIVATIONS = ("LOGISTIC", "LOG_SOFTMAX", "SOFTMAX")
# What may stand between them and the outputs.
_MOVING = ("CONCATENATION", "DEQUANTIZE", "EXPAND_DIMS", "QUANTIZE", "RESHAPE", "SQUEEZE")
# What gives a view of a feature map: where in the photo its places are is known of the map alone.
_VIEWS = ("DEQUANTIZE", "QUANTIZE", "SLICE", "STRIDED_SLICE", "TRANSPOSE")


class FeatureMaps:
    """What the head of a graph starts from: `maps` are the tensors [1, h, w, channels] by number.

    Raises ModelError where there are none.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        reached = set(graph.outputs)
        for operator in reversed(graph.operators):
            if operator.output in reached and not self._gives_map(operator):
                reached |= set(operator.inputs)
        viewed = {operator.output for operator in graph.operators if operator.name in _VIEWS}
        self.maps = frozenset(tensor for tensor in reached - viewed if self._is_map(tensor))
        if not self.maps:
            raise ModelError(
                f"{graph.name} cannot be explained: no feature map [1, h, w, channels] stands before its scores; "
                f"known are heads of {', '.join(sorted(GRADIENTS))} behind one"
            )

    def logit(self, place: int) -> tuple[int, Values]:
        """The tensor with what the score at `place` of the outputs is the sigmoid or softmax of (where it is of
        nothing, the score itself), and 1 at its place there, else 0."""
        for tensor in self.graph.outputs:
            size = int(np.prod(self.graph.shape(tensor)))
            if place < size:
                break
            place -= size
        chosen = np.eye(1, size, place, dtype=np.float32).reshape(self.graph.shape(tensor))
        while (producer := self.graph.producer(tensor)) is not None and producer.name in _MOVING:
            tensor, chosen = next(part for part in pass_back(self.graph, producer, chosen) if part[1].any())
        if producer is not None and producer.name in _ACTIVATIONS:
            tensor = producer.inputs[0]
        return tensor, chosen

    def gradients(self, tensor: int, chosen: Values) -> dict[int, Values]:
        """The gradient of a logit, as :meth:`logit` gives it, with respect to each map that it depends on, in the run
        before. Raises ModelError for operators that are not known."""
        found = {tensor: chosen}
        for operator in reversed(self.graph.operators):
            if operator.output in found and operator.output not in self.maps:
                for taken, share in pass_back(self.graph, operator, found.pop(operator.output)):
                    found[taken] = found.get(taken, np.float32(0)) + share
        return {tensor: gradient for tensor, gradient in found.items() if tensor in self.maps}

    def activations(self) -> dict[int, Values]:
        """What the maps held in the run before."""
        return {tensor: self.graph.value(tensor) for tensor in self.maps}

    def _gives_map(self, operator: Operator) -> bool:
        return operator.name not in _VIEWS and self._is_map(operator.output)

    def _is_map(self, tensor: int) -> bool:
        shape = self.graph.shape(tensor)
        return len(shape) == 4 and shape[0] == 1 and min(shape[1:3]) > 1 and not self.graph.is_constant(tensor)


def contributions(gradients: Mapping[int, Values], activations: Mapping[int, Values]) -> Values:
    """float32 [h, w]: gradient times activation, summed over the channels of a map and over all maps, on the grid of
    the coarsest. Sums are kept."""
    maps = [(gradient * activations[tensor]).sum(-1)[0] for tensor, gradient in gradients.items()]
    height, width = min(m.shape[0] for m in maps), min(m.shape[1] for m in maps)
    return np.asarray(np.sum([_on_grid(m, height, width) for m in maps], axis=0), np.float32)


def _on_grid(contribution: Values, height: int, width: int) -> Values:
    """Each cell of the grid gets what lies on it."""
    density = cv2.resize(contribution, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(density * (contribution.size / (height * width)), np.float32)
