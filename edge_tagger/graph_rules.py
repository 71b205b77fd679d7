"""Which graphs of a `.tflite` are taken: rules for every graph of the file, before a runtime is given it.

LiteRT's kernels believe what a file says. So operators and types are held to lists of what classifiers use, graphs may
not run each other in circles, and neither the number of rounds of a loop nor the size of a tensor may depend on the
photo (edge_tagger.graph_flow). What is left is either `plain`, as convolutional networks are, for which
edge_tagger.graph_check is enough; or it is first run in a process of its own (edge_tagger.rehearsal).
"""

from __future__ import annotations

from collections.abc import Sequence

from edge_tagger.graph_file import CALL_ONCE, CUSTOM, FileGraph, FileOperator, read_graphs
from edge_tagger.graph_flow import check_flow

MAX_TENSOR_BYTES = 512 * 2**20
_MAX_DEPTH = 8  # graphs that run graphs that run graphs
_RESOURCE, _VARIANT, _STRING = 13, 14, 5
_REFUSED_TYPES = {_RESOURCE: "resource", _VARIANT: "variant", _STRING: "string"}
_LAST_TYPE = 22
# Hash tables, variables, text and random numbers: no classifier of photos needs them, and their kernels trust the file.
_REFUSED_CODES = {
    7: "EMBEDDING_LOOKUP", 10: "HASHTABLE_LOOKUP", 15: "LSH_PROJECTION", 29: "CONCAT_EMBEDDINGS", 30: "SKIP_GRAM",
    31: "CALL", 33: "EMBEDDING_LOOKUP_SPARSE", 51: "DELEGATE", CALL_ONCE: "CALL_ONCE", 136: "HASHTABLE",
    137: "HASHTABLE_FIND", 138: "HASHTABLE_IMPORT", 139: "HASHTABLE_SIZE", 142: "VAR_HANDLE", 143: "READ_VARIABLE",
    144: "ASSIGN_VARIABLE", 127: "PLACEHOLDER_FOR_GREATER_OP_CODES",
}  # fmt: skip
_LAST_CODE = 209
# LSTM, RNN, SVDF, and sequences of them: the only operators that keep a state in a variable tensor.
_RECURRENT = frozenset({16, 24, 27, 35, 44, 46, 52})
# Custom operators that LiteRT brings itself; without options their kernels read what is not there.
_OWN_CUSTOM = frozenset({"AudioSpectrogram", "Mfcc", "TFLite_Detection_PostProcess"})
# Operators of convolutional networks: number -> (its options' type, fewest and most inputs, places of sizes).
_PLAIN = {
    0: (11, 2, 2, ()), 1: (5, 1, 1, ()), 2: (10, 1, 64, ()), 3: (1, 2, 3, ()), 4: (2, 2, 3, ()), 6: (46, 1, 1, ()),
    9: (8, 2, 3, ()), 14: (0, 1, 1, ()), 17: (5, 1, 1, ()), 18: (21, 2, 2, ()), 19: (0, 1, 1, ()), 21: (0, 1, 1, ()),
    22: (17, 1, 2, (1,)), 23: (15, 2, 2, (1,)), 25: (9, 1, 1, ()), 28: (0, 1, 1, ()), 34: (22, 2, 2, (1,)),
    39: (26, 2, 2, (1,)), 40: (27, 2, 2, (1,)), 41: (28, 2, 2, ()), 42: (29, 2, 2, ()), 43: (30, 1, 1, ()),
    45: (32, 4, 4, (1, 2, 3)), 47: (33, 1, 1, ()), 54: (0, 2, 2, ()), 55: (39, 2, 2, ()), 57: (39, 2, 2, ()),
    67: (49, 3, 4, (0,)), 74: (27, 2, 2, (1,)), 82: (27, 2, 2, (1,)), 97: (74, 2, 2, (1,)), 98: (75, 1, 1, ()),
    99: (76, 2, 2, ()), 114: (89, 1, 1, ()), 117: (91, 1, 1, ()),
}  # fmt: skip
_PLAIN_TYPES = frozenset({0, 1, 2, 3, 7, 9})  # float32, float16, int32, uint8, int16, int8
_STRIDED_SLICE, _OFFSET_FIELD = 45, 5
_MAX_RANK = 8


def check_file(data: bytes) -> bool:
    """Whether a file's graph is plain. Raises ValueError for one that is not taken, in words for a message."""
    graphs = read_graphs(data)
    for number, graph in enumerate(graphs):
        _check_tensors(number, graph)
        _check_operators(number, graph)
    _check_calls(graphs)
    check_flow(graphs)
    return len(graphs) == 1 and _is_plain(graphs[0])


def _check_tensors(number: int, graph: FileGraph) -> None:
    states = {place for each in graph.operators if each.code in _RECURRENT for place in each.reads}
    for place, tensor in enumerate(graph.tensors):
        where = f"tensor {place} of its graph {number}"
        if tensor.dtype in _REFUSED_TYPES or tensor.dtype > _LAST_TYPE:
            named = _REFUSED_TYPES.get(tensor.dtype, f"number {tensor.dtype}")
            raise ValueError(f"{where} has the type {named}, which no classifier of photos needs")
        if min(tensor.shape, default=0) < -1 or tensor.size_bytes > MAX_TENSOR_BYTES:
            raise ValueError(
                f"{where} is {list(tensor.shape)}, and at most {MAX_TENSOR_BYTES // 2**20} MiB a tensor are taken"
            )
        if tensor.variable and (place not in states or tensor.constant):
            raise ValueError(f"{where} is variable, and no recurrent layer keeps its state there")


def _check_operators(number: int, graph: FileGraph) -> None:
    for place, operator in enumerate(graph.operators):
        where = f"operator {place} of its graph {number}"
        if operator.code in _REFUSED_CODES or not 0 <= operator.code <= _LAST_CODE:
            named = _REFUSED_CODES.get(operator.code, f"number {operator.code}")
            raise ValueError(f"{where} is {named}, which no classifier of photos needs")
        if operator.code == CUSTOM and operator.custom in _OWN_CUSTOM and not operator.has_custom_options:
            raise ValueError(f"{where}, {operator.custom}, lacks its options")
        if not operator.outputs and not operator.calls:
            raise ValueError(f"{where} gives nothing")


def _check_calls(graphs: Sequence[FileGraph]) -> None:
    """Graphs that run others fit them, and none comes to itself again."""
    for number, graph in enumerate(graphs):
        for place, operator in enumerate(graph.operators):
            for side, call in enumerate(operator.calls):
                if problem := _misfit(operator, side, graphs[call]):
                    raise ValueError(f"operator {place} of its graph {number} runs graph {call}, which {problem}")
    _depth(graphs, 0, ())


def _misfit(operator: FileOperator, side: int, called: FileGraph) -> str | None:
    """IF hands all inputs but the first to either graph; WHILE all of them to its condition (side 0) and its body."""
    loop = operator.code == 119
    given = len(operator.inputs) - (0 if loop else 1)
    if -1 in operator.inputs or len(called.inputs) != given:
        return f"takes {len(called.inputs)} inputs, not {given}"
    results = 1 if loop and side == 0 else len(operator.outputs)
    if len(called.outputs) != results or (loop and len(operator.outputs) != given):
        return f"gives {len(called.outputs)} outputs, not {results}"
    return None


def _depth(graphs: Sequence[FileGraph], number: int, above: tuple[int, ...]) -> None:
    if number in above:
        raise ValueError(f"its graph {number} runs itself")
    if len(above) >= _MAX_DEPTH:
        raise ValueError(f"its graphs run each other more than {_MAX_DEPTH} deep")
    for call in sorted({call for operator in graphs[number].operators for call in operator.calls}):
        _depth(graphs, call, (*above, number))


def _is_plain(graph: FileGraph) -> bool:
    """A network of convolutions whose every size is in the file."""
    return (
        all(tensor.dtype in _PLAIN_TYPES and len(tensor.shape) <= _MAX_RANK for tensor in graph.tensors)
        and not any(tensor.variable or 0 in tensor.shape for tensor in graph.tensors)
        and all(_is_plain_operator(operator, graph) for operator in graph.operators)
    )


def _is_plain_operator(operator: FileOperator, graph: FileGraph) -> bool:
    if operator.code not in _PLAIN or operator.has_newer_options or operator.has_custom_options:
        return False
    options_type, fewest, most, sizes = _PLAIN[operator.code]
    if not fewest <= len(operator.inputs) <= most or len(operator.outputs) != 1:
        return False
    if operator.options_type not in (options_type, 0) or (operator.options_type and operator.options is None):
        return False
    known = all(place < 0 or graph.tensors[place].constant for at in sizes for place in operator.inputs[at : at + 1])
    offset = operator.code == _STRIDED_SLICE and operator.options and operator.options.integer(_OFFSET_FIELD, "B")
    return known and not offset
