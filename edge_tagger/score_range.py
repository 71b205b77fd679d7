"""Between which values the scores of a classifier must lie, by the operators that make them.

It tells probabilities that were cut, scaled, averaged or clipped behind their softmax from raw logits: the bounds
follow from the graph, so that they are the same for every photo. What is not known here has no bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from numpy.typing import NDArray

from edge_tagger.graph_file import FileGraph, FileOperator

_MAX_OPERATORS = 64  # between the scores and what bounds them


class Range(NamedTuple):
    """The least and the greatest value; `made` says that a softmax or a sigmoid is behind it."""

    low: float
    high: float
    made: bool = False


_ANY = Range(-math.inf, math.inf)
_UNIT = Range(0.0, 1.0, True)
# Operators whose values are those of their inputs, all or some: number of the operator -> how many inputs hold values.
_SAME = {
    2: None, 6: 1, 17: 1, 1: 1, 22: 1, 36: 1, 37: 1, 38: 1, 39: 1, 40: 1, 43: 1, 45: 1, 49: None, 53: 1, 65: 1, 70: 1,
    82: 1, 83: None, 88: 1, 89: 1, 102: 1, 105: 1, 107: 1, 114: 1, 130: 1, 48: 1, 97: 1, 23: 1,
}  # fmt: skip
_SPLIT = 49  # its values are the second input
_FIXED = {
    14: _UNIT, 25: _UNIT, 50: Range(-math.inf, 0.0, True), 19: Range(0.0, math.inf), 20: Range(-1.0, 1.0),
    21: Range(0.0, 6.0), 28: Range(-1.0, 1.0), 152: Range(0.0, 1.0), 73: _ANY,
}  # fmt: skip
_CLIPS = {19: (0.0, math.inf), 20: (-1.0, 1.0), 21: (0.0, 6.0), 152: (0.0, 1.0)}
# The fused activation among an operator's options: (field, by its number the limits).
_FUSED_FIELD = {0: 0, 18: 0, 41: 0, 42: 0, 9: 0, 3: 3, 4: 4, 2: 1, 1: 5, 17: 5}
_FUSED = {1: (0.0, math.inf), 2: (-1.0, 1.0), 3: (0.0, 6.0)}
_TANH_FUSED = 4
Constant = Callable[[int], NDArray[Any]]


def range_of(graph: FileGraph, tensor: int, constant: Constant) -> Range:
    """The range of a tensor's real values; `constant` gives those of one that the file holds."""
    makers = {place: operator for operator in graph.operators for place in operator.outputs}
    known: dict[int, Range] = {}

    def find(place: int) -> Range:
        if place not in known:
            known[place] = _ANY  # also where there are too many
            if len(known) <= _MAX_OPERATORS:
                known[place] = _range(place)
        return known[place]

    def _range(place: int) -> Range:
        if graph.tensors[place].constant:
            values = constant(place)
            return Range(float(values.min()), float(values.max())) if values.size else _ANY
        operator = makers.get(place)
        return _ANY if operator is None else _fused(operator, _of(operator, find))

    return find(tensor)


def _of(operator: FileOperator, find: Callable[[int], Range]) -> Range:
    code, inputs = operator.code, operator.reads
    if code in _CLIPS:
        return _clipped(find(inputs[0]), *_CLIPS[code])
    if code in _FIXED:
        return _FIXED[code]
    if code in _SAME:
        several = inputs[1:] if code == _SPLIT else inputs
        return _joined([find(place) for place in several[: _SAME[code]]])
    if code in _COMBINED and len(inputs) == 2:
        return _COMBINED[code](find(inputs[0]), find(inputs[1]))
    return _ANY


def _fused(operator: FileOperator, found: Range) -> Range:
    field = _FUSED_FIELD.get(operator.code)
    if field is None or operator.options is None:
        return found
    kind = operator.options.integer(field, "B")
    if kind == _TANH_FUSED:
        return Range(-1.0, 1.0)
    return _clipped(found, *_FUSED[kind]) if kind in _FUSED else found


def _joined(parts: list[Range]) -> Range:
    if not parts:
        return _ANY
    return Range(min(p.low for p in parts), max(p.high for p in parts), any(p.made for p in parts))


def _clipped(found: Range, low: float, high: float) -> Range:
    return Range(min(max(found.low, low), high), max(min(found.high, high), low), found.made)


def _sum(first: Range, second: Range) -> Range:
    return Range(first.low + second.low, first.high + second.high, first.made or second.made)


def _difference(first: Range, second: Range) -> Range:
    return Range(first.low - second.high, first.high - second.low, first.made or second.made)


def _product(first: Range, second: Range) -> Range:
    ends = [_times(a, b) for a in first[:2] for b in second[:2]]
    return Range(min(ends), max(ends), first.made or second.made)


def _quotient(first: Range, second: Range) -> Range:
    if second.low <= 0 <= second.high:
        return _ANY
    return _product(first, Range(1 / second.high, 1 / second.low, second.made))


def _least(first: Range, second: Range) -> Range:
    return Range(min(first.low, second.low), min(first.high, second.high), first.made or second.made)


def _greatest(first: Range, second: Range) -> Range:
    return Range(max(first.low, second.low), max(first.high, second.high), first.made or second.made)


def _times(a: float, b: float) -> float:
    return 0.0 if 0.0 in (a, b) else a * b  # also of infinity


_COMBINED: dict[int, Callable[[Range, Range], Range]] = {
    0: _sum, 18: _product, 41: _difference, 42: _quotient, 55: _greatest, 57: _least
}  # fmt: skip
