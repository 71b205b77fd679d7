"""A SavedModel, looked through before TensorFlow loads it: loading runs its initializers and its restoring function.

The operators of the graph and of every function are read from the protobuf. A checkpoint is written and read by
operators too, so that every SavedModel holds these: they are allowed where the loader itself calls them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge_tagger.convert.operators import COMPUTING, RESTORING, SAVING
from edge_tagger.errors import ModelError

_FILE, _CHUNKED = "saved_model.pb", "saved_model.cpb"
_FILE_NAMES = {"Const", "Placeholder", "PlaceholderWithDefault"}
_TO_DO = (
    "export the model without it; --unsafe converts it, which runs code that is inside the file: only for a file whose "
    "maker you trust"
)


def check_saved_model(folder: Path) -> None:
    """Raises ModelError, with the operators named, where a SavedModel could run code or touch files or processes."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    if (folder / _CHUNKED).exists():
        raise ModelError(f"{folder} holds a {_CHUNKED}, whose operators cannot be looked through; export it again")
    try:
        saved = saved_model_pb2.SavedModel.FromString((folder / _FILE).read_bytes())
    except (OSError, DecodeError) as error:
        raise ModelError(f"{folder} cannot be loaded as a SavedModel: {error}") from error
    for graph in saved.meta_graphs:
        found = sorted(_Graph(graph).refused())
        if found:
            raise ModelError(
                f"{folder} holds operators that could run code, or touch files or processes: {', '.join(found)}; "
                f"{_TO_DO}"
            )


class _Graph:
    """One graph of a SavedModel: its nodes by name, its functions, and what the loader runs of it."""

    def __init__(self, meta_graph: Any) -> None:
        graph, saver = meta_graph.graph_def, meta_graph.saver_def
        self._nodes = {node.name: node for node in graph.node}
        self._functions = {function.signature.name: function for function in graph.library.function}
        self._all = list(graph.library.function)
        self._saving = {
            name
            for name, function in self._functions.items()
            if any(node.op in SAVING | RESTORING for node in function.node_def)
        }
        self._file_name = _node(saver.filename_tensor_name)
        self._save, self._restore = _node(saver.save_tensor_name), _node(saver.restore_op_name)
        self._object_functions = set(meta_graph.object_graph_def.concrete_functions)
        self._run = self._before({self._restore, *_entries(meta_graph)})

    def refused(self) -> set[str]:
        """The operators that are not allowed where they stand."""
        found = {op for node in self._nodes.values() for op in self._refused_in_graph(node)}
        for function in self._all:
            found.update(op for node in function.node_def for op in self._refused_in_function(function, node))
        for name in self._saving:  # TensorFlow may put a function in another's place that implements the same interface
            if name in self._object_functions or "api_implements" in self._functions[name].attr:
                found.update(self._saves(name))
        return found

    def _refused_in_graph(self, node: Any) -> Iterator[str]:
        runs = node.name in self._run
        if node.op in RESTORING:
            if runs and not self._names_the_checkpoint(node):
                yield node.op
        elif node.op in SAVING:
            if runs:
                yield node.op
        elif not self._known(node.op):
            yield node.op
        for name in _called(node):
            if name not in self._saving:
                continue
            restores = node.name == self._restore and self._restores_only(name) and self._names_the_checkpoint(node)
            if not restores and (runs or node.name != self._save):
                yield from self._saves(name)

    def _refused_in_function(self, function: Any, node: Any) -> Iterator[str]:
        if not self._known(node.op) and node.op not in SAVING | RESTORING:
            yield node.op
        for name in _called(node):
            yield from self._saves(name) if name in self._saving else ()
        if node.op in SAVING | RESTORING and function is not self._functions[function.signature.name]:
            yield node.op  # two functions of one name: only the later one was looked at above

    def _known(self, op: str) -> bool:
        """A function may be called by its name, but not by that of an operator."""
        from tensorflow.python.framework import op_def_registry

        return op in COMPUTING or (op in self._functions and op_def_registry.get(op) is None)

    def _saves(self, name: str) -> set[str]:
        return {node.op for node in self._functions[name].node_def if node.op in SAVING | RESTORING}

    def _restores_only(self, name: str) -> bool:
        """Whether a function reads the checkpoint that its first argument names, and no other."""
        function = self._functions[name]
        first = function.signature.input_arg[0].name if function.signature.input_arg else None
        return self._saves(name) <= RESTORING and all(
            node.input[:1] == [first] for node in function.node_def if node.op in RESTORING
        )

    def _names_the_checkpoint(self, node: Any) -> bool:
        """Whether the first input is what the loader puts the checkpoint's name into."""
        named = self._nodes.get(self._file_name)
        return (
            bool(node.input)
            and _node(node.input[0]) == self._file_name
            and named is not None
            and named.op in _FILE_NAMES
        )

    def _before(self, names: set[str]) -> set[str]:
        """The nodes that are run for those of `names`, these included."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            node = self._nodes.get(waiting.pop())
            if node is not None and node.name not in found:
                found.add(node.name)
                waiting.extend(_node(each) for each in node.input)
        return found


def _entries(meta_graph: Any) -> Iterator[str]:
    """What is run by name: the outputs of signatures, the one that initializes among them, and older initializers."""
    for signature in meta_graph.signature_def.values():
        for tensor in signature.outputs.values():
            yield _node(tensor.name)
            yield from (_node(each.name) for each in tensor.composite_tensor.components)
    for collection in meta_graph.collection_def.values():
        yield from map(_node, collection.node_list.value)


def _called(node: Any) -> Iterator[str]:
    """The functions that a node may call."""
    yield node.op
    for value in node.attr.values():
        yield from _functions_of(value)


def _functions_of(value: Any) -> Iterator[str]:
    for function in (value.func, *value.list.func):
        if function.name:
            yield function.name
        for inner in function.attr.values():
            yield from _functions_of(inner)


def _node(name: str) -> str:
    """`^scope/node:0` is of the node `scope/node`."""
    return name.removeprefix("^").split(":")[0]
