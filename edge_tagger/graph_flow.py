"""What in the graphs of a `.tflite` depends on the photo: a loop whose rounds do may never end for another photo, and
a tensor whose size does may take all memory. One run for one photo tells nothing of them, so they are refused.

Values are followed from the first graph's input through operators, branches and loops. The shape of a tensor depends on
no photo, for no size does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from edge_tagger.graph_file import IF, WHILE, FileGraph, FileOperator

_SHAPE, _RANK = 77, 110
# Operators whose result may be larger than what they get -> the inputs that say how large.
_SIZES: dict[int, tuple[int, ...]] = {
    22: (1,),  # RESHAPE
    23: (1,),  # RESIZE_BILINEAR
    34: (1,),  # PAD
    37: (1, 2),  # BATCH_TO_SPACE_ND
    38: (1, 2),  # SPACE_TO_BATCH_ND
    60: (1,),  # PADV2
    67: (0,),  # TRANSPOSE_CONV
    68: (1,),  # SPARSE_TO_DENSE
    69: (1,),  # TILE
    85: (1,),  # ONE_HOT
    94: (0,),  # FILL
    96: (0, 1, 2),  # RANGE
    97: (1,),  # RESIZE_NEAREST_NEIGHBOR
    100: (1,),  # MIRROR_PAD
    122: (2,),  # SCATTER_ND
    125: (1,),  # SEGMENT_SUM
    130: (1,),  # BROADCAST_TO
    141: (0,),  # CONV_3D_TRANSPOSE
    145: (0, 1),  # BROADCAST_ARGS
    146: (0,),  # RANDOM_STANDARD_NORMAL
    148: (0,),  # RANDOM_UNIFORM
    149: (1,),  # MULTINOMIAL
    153: (2,),  # UNSORTED_SEGMENT_PROD
    154: (2,),  # UNSORTED_SEGMENT_MAX
    155: (2,),  # UNSORTED_SEGMENT_SUM
    157: (2,),  # UNSORTED_SEGMENT_MIN
}
# Their result is at most as large as what they get, but how large depends on its values.
_COUNTED = {103: "UNIQUE", 109: "WHERE", 120: "NON_MAX_SUPPRESSION_V4", 121: "NON_MAX_SUPPRESSION_V5"}


def check_flow(graphs: Sequence[FileGraph]) -> None:
    """Raises ValueError for a loop or a size that depends on the photo. The graphs must not run each other in
    circles."""
    _outputs(graphs, 0, frozenset(range(len(graphs[0].inputs))))


def _outputs(graphs: Sequence[FileGraph], number: int, given: Collection[int]) -> tuple[bool, ...]:
    """Which outputs of a graph depend on the photo, where the inputs at the places `given` do."""
    graph = graphs[number]
    dependent = {graph.inputs[place] for place in given}
    dependent |= {place for place, tensor in enumerate(graph.tensors) if tensor.variable}
    for place, operator in enumerate(graph.operators):
        inputs = [tensor in dependent for tensor in operator.inputs]
        try:
            results = _results(graphs, operator, inputs)
        except _DependentError as error:
            raise ValueError(f"{error} (operator {place} of its graph {number})") from error
        dependent |= {tensor for tensor, result in zip(operator.outputs, results, strict=False) if result}
    return tuple(tensor in dependent for tensor in graph.outputs)


class _DependentError(Exception):
    """Something that may not depend on the photo does."""


def _results(graphs: Sequence[FileGraph], operator: FileOperator, inputs: list[bool]) -> tuple[bool, ...]:
    if operator.code in (_SHAPE, _RANK):
        return (False,) * len(operator.outputs)
    if operator.code == IF:
        return _branches(graphs, operator, inputs)
    if operator.code == WHILE:
        return _loop(graphs, operator, inputs)
    if any(inputs[place] for place in _SIZES.get(operator.code, ()) if place < len(inputs)):
        raise _DependentError("the size of one of its tensors depends on the photo")
    if operator.code in _COUNTED and any(inputs):
        raise _DependentError(f"the size of what {_COUNTED[operator.code]} gives depends on the photo")
    return (any(inputs),) * len(operator.outputs)


def _branches(graphs: Sequence[FileGraph], operator: FileOperator, inputs: list[bool]) -> tuple[bool, ...]:
    given = [place for place, dependent in enumerate(inputs[1:]) if dependent]
    sides = [_outputs(graphs, call, given) for call in operator.calls]
    return tuple(inputs[0] or any(side) for side in zip(*sides, strict=True))


def _loop(graphs: Sequence[FileGraph], operator: FileOperator, inputs: list[bool]) -> tuple[bool, ...]:
    """A value that one round makes dependent is so in the next; at most as many rounds of this as there are values."""
    condition, body = operator.calls
    state = list(inputs)
    while True:
        given = [place for place, dependent in enumerate(state) if dependent]
        if any(_outputs(graphs, condition, given)):
            raise _DependentError("how often one of its loops runs depends on the photo")
        after = [was or now for was, now in zip(state, _outputs(graphs, body, given), strict=True)]
        if after == state:
            return tuple(state)
        state = after
