"""Whether a graph normalizes its photo itself, by the operators that the input goes through first."""

from __future__ import annotations

from collections.abc import Sequence

from edge_tagger.graph_file import FileGraph

_PASSING = frozenset({6, 22, 34, 39, 43, 53, 60, 70, 97, 23, 114})  # casts, paddings, reshaping, resizing
_ARITHMETIC = frozenset({0, 18, 41, 42})  # ADD, MUL, SUB, DIV
_DEPTHWISE = 4


def normalizes(graphs: Sequence[FileGraph]) -> bool:
    """Whether the input of the first graph is first scaled or shifted by constants: by arithmetic, or by a depthwise
    convolution of 1x1."""
    graph = graphs[0]
    reached = set(graph.inputs)
    for operator in graph.operators:
        if not reached.intersection(operator.reads):
            continue
        others = [graph.tensors[place] for place in operator.reads if place not in reached]
        if operator.code in _ARITHMETIC:
            return bool(others) and all(tensor.constant for tensor in others)
        if operator.code not in _PASSING:
            kernel = others[0].shape if others else ()
            return operator.code == _DEPTHWISE and tuple(kernel[1:3]) == (1, 1)
        reached.update(operator.outputs)
    return False
