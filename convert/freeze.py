"""A traced function with its variables as constants, in operators that have integer forms where there is a choice."""

from __future__ import annotations

from typing import Any

from edge_tagger.convert.lite import tensorflow

_MINUS_ONE = "edge_tagger/minus_one"


def frozen_function(function: Any) -> Any:
    """A concrete function of one input as one without variables: else the converter leaves Keras 3's variables in the
    file, uninitialized, and LiteRT computes with what happens to stand in memory."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2_as_graph

    frozen, graph = convert_variables_to_constants_v2_as_graph(function)
    return _rebuilt(frozen, graph) if _multiply_for_negation(graph) else frozen


def _multiply_for_negation(graph: Any) -> bool:
    """LiteRT negates in float32 alone, and Keras 3's LayerNormalization negates: x * -1 is the same to the bit."""
    from tensorflow.core.framework import types_pb2

    gelu = _before_erfc(graph)  # whose negation the converter looks for, to make a GELU of the whole
    found = [
        node
        for node in graph.node
        if node.op == "Neg" and node.attr["T"].type == types_pb2.DT_FLOAT and node.name not in gelu
    ]
    for node in found:
        operands = [each for each in node.input if not each.startswith("^")]
        after = [each for each in node.input if each.startswith("^")]
        node.op = "Mul"
        node.input[:] = [*operands, _MINUS_ONE, *after]
    if found:
        minus_one = graph.node.add(name=_MINUS_ONE, op="Const")
        minus_one.attr["dtype"].type = types_pb2.DT_FLOAT
        minus_one.attr["value"].tensor.CopyFrom(tensorflow().make_tensor_proto(-1.0))
    return bool(found)


def _before_erfc(graph: Any) -> set[str]:
    """The nodes up to two steps before an Erfc: 0.5 * x * erfc(-x * sqrt(0.5)), in either order of the product."""
    inputs = {node.name: [each.split(":")[0] for each in node.input] for node in graph.node}
    near = {each for node in graph.node if node.op == "Erfc" for each in inputs[node.name]}
    return near | {each for name in near for each in inputs.get(name, [])}


def _rebuilt(frozen: Any, graph: Any) -> Any:
    tf = tensorflow()
    wrapped = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(graph, name=""), [])
    inputs, outputs = (
        [wrapped.graph.get_tensor_by_name(each.name) for each in ends] for ends in (frozen.inputs, frozen.outputs)
    )
    made = wrapped.prune(inputs, outputs)
    for place, output in zip(made.outputs, frozen.outputs, strict=True):
        place.set_shape(output.shape)
    return made
