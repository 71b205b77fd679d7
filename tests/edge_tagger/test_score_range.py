"""Bounds of scores by the graph alone: what stays probabilities behind a softmax, and what are logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_tagger.graph_file import FileGraph, FileOperator, FileTensor
from edge_tagger.score_range import Range, range_of

SOFTMAX, LOGISTIC, MUL, ADD, SUB, DIV, MINIMUM, MAXIMUM = 25, 14, 18, 0, 41, 42, 57, 55
SLICE, GATHER, MEAN, CONCATENATION, FULLY_CONNECTED, RELU6, TANH, LOG_SOFTMAX, SPLIT = 65, 36, 40, 2, 9, 21, 28, 50, 49


def chain(*steps: tuple[int, float | None]) -> Range:
    """The range behind operators in a row, each with a constant as its second input where one is given."""
    constants: dict[int, Any] = {}
    tensors, operators = [FileTensor((1, 3), 0, constant=False, variable=False)], []
    last = 0
    for code, value in steps:
        inputs = [last]
        if value is not None:
            tensors.append(FileTensor((), 0, constant=True, variable=False))
            constants[len(tensors) - 1] = np.float32(value)
            inputs.append(len(tensors) - 1)
        if code == SPLIT:  # the axis stands first
            inputs = inputs[::-1]
        tensors.append(FileTensor((1, 3), 0, constant=False, variable=False))
        last = len(tensors) - 1
        operators.append(FileOperator(code, "", tuple(inputs), (last,), (), 0, None, False, False))
    graph = FileGraph(tuple(tensors), (0,), (last,), tuple(operators))
    return range_of(graph, last, lambda place: np.asarray(constants[place]))


@pytest.mark.parametrize(
    ("steps", "low", "high"),
    [
        ([(FULLY_CONNECTED, None)], -np.inf, np.inf),
        ([(FULLY_CONNECTED, None), (SOFTMAX, None)], 0, 1),
        ([(SOFTMAX, None), (MUL, 0.9), (ADD, 0.05)], 0.05, 0.95),
        ([(SOFTMAX, None), (MINIMUM, 0.8), (MAXIMUM, 0.1)], 0.1, 0.8),
        ([(SOFTMAX, None), (SLICE, None), (GATHER, None)], 0, 1),
        ([(SOFTMAX, None), (SPLIT, 1.0)], 0, 1),
        ([(LOGISTIC, None), (MEAN, 1.0)], 0, 1),
        ([(LOGISTIC, None), (MUL, 100.0)], 0, 100),
        ([(SOFTMAX, None), (DIV, 4.0)], 0, 0.25),
        ([(SOFTMAX, None), (SUB, 1.0), (MUL, -1.0)], 0, 1),
        ([(FULLY_CONNECTED, None), (ADD, 3.0), (RELU6, None), (MUL, 1 / 6)], 0, 1),
        ([(FULLY_CONNECTED, None), (TANH, None)], -1, 1),
        ([(SOFTMAX, None), (FULLY_CONNECTED, None)], -np.inf, np.inf),
        ([(LOG_SOFTMAX, None)], -np.inf, 0),
        ([(SOFTMAX, None), (DIV, 0.0)], -np.inf, np.inf),
    ],
)
def test_bounds_follow_the_operators(steps: list[tuple[int, float | None]], low: float, high: float) -> None:
    found = chain(*steps)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)
    assert found.made == (
        any(code in (SOFTMAX, LOGISTIC, LOG_SOFTMAX) for code, _ in steps) and np.isfinite(found.high)
    )
