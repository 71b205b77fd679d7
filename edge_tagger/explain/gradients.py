"""How the gradient of an operator's output passes to its inputs, for the operators that classifiers end in.

All are linear or piecewise linear but HARD_SWISH, LOGISTIC and the product of two activations. A `.tflite` does not
give a runtime's user the options of an operator: what is not known from shapes is found by computing the operator and
comparing with what it gave. Where none of the possibilities fits, the operator is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from edge_tagger.errors import ModelError
from edge_tagger.explain.graph import Graph, Operator, Values

Passed = Iterable[tuple[int, Values]]
# The fused activations as limits, the most closed first: where two explain what an operator gave, they agree on it.
_ACTIVATIONS = ((0.0, 6.0), (-1.0, 1.0), (0.0, np.inf), (-np.inf, np.inf))
_TOLERANCE = 0.05  # of the greatest value, besides two steps: hybrid kernels quantize their input on the way


def pass_back(graph: Graph, operator: Operator, gradient: Values) -> Passed:
    """(input, its share of the gradient) of each input that is no constant; `gradient` has the output's shape.

    Raises ModelError for an operator, or a use of one, that is not known.
    """
    if operator.name not in GRADIENTS:
        raise unknown(graph, operator, "cannot be traced")
    return [
        (tensor, share.reshape(graph.shape(tensor)).astype(np.float32))
        for tensor, share in GRADIENTS[operator.name](graph, operator, gradient)
        if not graph.is_constant(tensor)
    ]


def unknown(graph: Graph, operator: Operator, what: str) -> ModelError:
    shapes = ", ".join(str(list(graph.shape(tensor))) for tensor in operator.inputs)
    return ModelError(
        f"{graph.name} cannot be explained: between its feature maps and its scores the operator {operator.name} of "
        f"{shapes} {what}; known are heads of {', '.join(sorted(GRADIENTS))}"
    )


def _linear(graph: Graph, operator: Operator, gradient: Values) -> Passed:
    """FULLY_CONNECTED, and a CONV_2D whose kernel covers its whole input, such as 1x1 on a pooled map."""
    taken, kernel, *bias = operator.inputs
    covers = operator.name == "FULLY_CONNECTED" or graph.shape(kernel)[1:] == graph.shape(taken)[1:]
    matrix = _constant(graph, operator, kernel).reshape(graph.shape(kernel)[0], -1)
    if not covers or matrix.shape[1] != np.prod(graph.shape(taken)):
        raise unknown(graph, operator, "covers only a part of its input")
    before = matrix @ graph.value(taken).ravel() + sum(graph.value(tensor) for tensor in bias)
    yield taken, np.asarray((gradient.ravel() * _gate(graph, operator, before)) @ matrix, np.float32)


def _depthwise(graph: Graph, operator: Operator, gradient: Values) -> Passed:
    """DEPTHWISE_CONV_2D whose kernel covers its whole input, with one output a channel."""
    taken, kernel, *bias = operator.inputs
    weights = _constant(graph, operator, kernel)
    if graph.shape(kernel) != graph.shape(taken):
        raise unknown(graph, operator, "covers only a part of its input")
    before = (weights * graph.value(taken)).sum((0, 1, 2)) + sum(graph.value(tensor) for tensor in bias)
    yield taken, gradient.ravel() * _gate(graph, operator, before) * weights


def _mean(graph: Graph, operator: Operator, gradient: Values) -> Passed:
    axes = _axes(graph, operator)
    count = np.prod([graph.shape(operator.inputs[0])[axis] for axis in axes])
    yield operator.inputs[0], _spread(graph, operator, gradient, axes) / np.float32(count)


def _sum(graph: Graph, operator: Operator, gradient: Values) -> Passed:
    yield operator.inputs[0], _spread(graph, operator, gradient, _axes(graph, operator))


def _max(graph: Graph, operator: Operator, gradient: Values) -> Passed:
    """To the place of the maximum; places with the same value share, as in TensorFlow."""
    axes = _axes(graph, operator)
    values = graph.value(operator.inputs[0])
    greatest = values == values.max(axes, keepdims=True)
    shares = greatest / greatest.sum(axes, keepdims=True, dtype=np.float32)
    yield operator.inputs[0], _spread(graph, operator, gradient, axes) * shares


def _average_pool(graph: Graph, operator: Operator, gradient: Values) -> Passed:
    _check(graph, operator, graph.value(operator.inputs[0]).mean((1, 2)))
    yield from _mean(graph, operator, gradient)


def _max_pool(graph: Graph, operator: Operator, gradient: Values) -> Passed:
    _check(graph, operator, graph.value(operator.inputs[0]).max((1, 2)))
    yield from _max(graph, operator, gradient)


def _axes(graph: Graph, operator: Operator) -> tuple[int, ...]:
    """The dimensions that are reduced: named by the second input, or those of a pool."""
    taken, *named = operator.inputs
    if not named:
        return 1, 2
    return tuple(int(axis) % len(graph.shape(taken)) for axis in _constant(graph, operator, named[0]).ravel())


def _spread(graph: Graph, operator: Operator, gradient: Values, axes: tuple[int, ...]) -> Values:
    """The gradient of a reduced tensor at each place that it was reduced from."""
    shape = graph.shape(operator.inputs[0])
    kept = [1 if axis in axes else size for axis, size in enumerate(shape)]
    return np.broadcast_to(gradient.reshape(kept), shape)


def _concatenation(graph: Graph, operator: Operator, gradient: Values) -> Passed:
    shapes = [graph.shape(tensor) for tensor in operator.inputs]
    axis = next((axis for axis, sizes in enumerate(zip(*shapes, strict=True)) if sum(sizes) == gradient.shape[axis]), 0)
    ends = np.cumsum([shape[axis] for shape in shapes])[:-1]
    yield from zip(operator.inputs, np.split(gradient, ends, axis), strict=True)


def _moved(graph: Graph, operator: Operator, gradient: Values) -> Passed:  # noqa: ARG001
    """The same values in the same order."""
    yield operator.inputs[0], gradient


def _transpose(graph: Graph, operator: Operator, gradient: Values) -> Passed:
    taken, order = operator.inputs
    yield taken, gradient.transpose(np.argsort(_constant(graph, operator, order)))


def _slice(graph: Graph, operator: Operator, gradient: Values) -> Passed:
    """STRIDED_SLICE and SLICE that cut out a block."""
    taken, begin, *_ = operator.inputs
    starts = _constant(graph, operator, begin).astype(int)
    block = tuple(slice(start, start + size) for start, size in zip(starts, gradient.shape, strict=False))
    values = graph.value(taken)
    if values[block].shape != gradient.shape or not np.array_equal(values[block], graph.value(operator.output)):
        raise unknown(graph, operator, "cuts out more than a block")
    whole = np.zeros_like(values)
    whole[block] = gradient
    yield taken, whole


def _add(graph: Graph, operator: Operator, gradient: Values) -> Passed:
    first, second = operator.inputs
    gradient = gradient * _gate(graph, operator, graph.value(first) + graph.value(second))
    yield first, _unbroadcast(gradient, graph.shape(first))
    yield second, _unbroadcast(gradient, graph.shape(second))


def _sub(graph: Graph, operator: Operator, gradient: Values) -> Passed:
    first, second = operator.inputs
    gradient = gradient * _gate(graph, operator, graph.value(first) - graph.value(second))
    yield first, _unbroadcast(gradient, graph.shape(first))
    yield second, -_unbroadcast(gradient, graph.shape(second))


def _mul(graph: Graph, operator: Operator, gradient: Values) -> Passed:
    first, second = operator.inputs
    gradient = gradient * _gate(graph, operator, graph.value(first) * graph.value(second))
    yield first, _unbroadcast(gradient * graph.value(second), graph.shape(first))
    yield second, _unbroadcast(gradient * graph.value(first), graph.shape(second))


def _unbroadcast(gradient: Values, shape: tuple[int, ...]) -> Values:
    """Summed over the dimensions along which an input of this shape was repeated."""
    summed = gradient.sum(tuple(range(gradient.ndim - len(shape))))
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1 and summed.shape[axis] > 1)
    return np.asarray(summed.sum(repeated, keepdims=True), np.float32)


def _elementwise(derivative: Callable[[Values], Values]) -> Callable[[Graph, Operator, Values], Passed]:
    def rule(graph: Graph, operator: Operator, gradient: Values) -> Passed:
        yield operator.inputs[0], gradient * derivative(graph.value(operator.inputs[0]))

    return rule


def _sigmoid_slope(x: Values) -> Values:
    return np.asarray(0.25 / np.cosh(np.clip(x, -80, 80) / 2) ** 2, np.float32)


def _constant(graph: Graph, operator: Operator, tensor: int) -> Values:
    if not graph.is_constant(tensor):
        raise unknown(graph, operator, "has weights that are computed")
    return graph.value(tensor)


def _gate(graph: Graph, operator: Operator, before: Values) -> Values:
    """1 where the fused activation lets a gradient pass, of values before it in the output's order; else 0."""
    given = graph.value(operator.output).reshape(before.shape)
    off = [np.abs(_clipped(graph, operator, before, *limits) - given).sum() for limits in _ACTIVATIONS]
    low, high = _ACTIVATIONS[int(np.argmin(off))]
    _check(graph, operator, np.clip(before, low, high))
    return np.asarray((before > low) & (before < high), np.float32)


def _check(graph: Graph, operator: Operator, computed: Values) -> None:
    """Raises ModelError where the operator gave something else."""
    given = graph.value(operator.output).reshape(computed.shape)
    allowed = 2 * graph.step(operator.output) + _TOLERANCE * np.abs(given).max()
    if np.abs(_clipped(graph, operator, computed, -np.inf, np.inf) - given).max() > allowed:
        raise unknown(graph, operator, "gives something else than its weights say")


def _clipped(graph: Graph, operator: Operator, values: Values, low: float, high: float) -> Values:
    """As far as the output's type reaches."""
    return np.clip(np.clip(values, low, high), *graph.limits(operator.output))


GRADIENTS: dict[str, Callable[[Graph, Operator, Values], Passed]] = {
    "ADD": _add,
    "AVERAGE_POOL_2D": _average_pool,
    "CONCATENATION": _concatenation,
    "CONV_2D": _linear,
    "DEPTHWISE_CONV_2D": _depthwise,
    "DEQUANTIZE": _moved,
    "EXPAND_DIMS": _moved,
    "FULLY_CONNECTED": _linear,
    "HARD_SWISH": _elementwise(lambda x: np.where(x < -3, 0, np.where(x > 3, 1, (2 * x + 3) / 6)).astype(np.float32)),
    "LOGISTIC": _elementwise(_sigmoid_slope),
    "MAX_POOL_2D": _max_pool,
    "MEAN": _mean,
    "MUL": _mul,
    "QUANTIZE": _moved,
    "REDUCE_MAX": _max,
    "RELU": _elementwise(lambda x: (x > 0).astype(np.float32)),
    "RELU6": _elementwise(lambda x: ((x > 0) & (x < 6)).astype(np.float32)),
    "RESHAPE": _moved,
    "SLICE": _slice,
    "SQUEEZE": _moved,
    "STRIDED_SLICE": _slice,
    "SUB": _sub,
    "SUM": _sum,
    "TRANSPOSE": _transpose,
}
