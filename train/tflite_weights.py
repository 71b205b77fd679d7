"""The weights of a float .tflite of ours, by the shape of its graph.

Names are no guide: the converter names a constant after any of the layers that share its values. Instead, both graphs,
the file's and that of `resnet.build`, are walked from the output to the input, and their layers with weights paired in
the order of that walk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from ai_edge_litert import schema_py_generated as tflite
from numpy.typing import NDArray

from edge_tagger.archive import split_model
from edge_tagger.errors import ManifestError, RunError
from edge_tagger.interpreter import Model
from edge_tagger.manifest import read_manifest, read_model
from edge_tagger.train.deploy import parts_of, trained
from edge_tagger.train.differences import check_names
from edge_tagger.train.resnet import Weights, build, get_weights

TFLITE_SUFFIX = ".tflite"
_FLOATS = {tflite.TensorType.FLOAT16: np.float16, tflite.TensorType.FLOAT32: np.float32}
_OPERATORS: dict[int, str] = {
    code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)
}
_KERNELS: dict[str, tuple[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]]] = {
    "CONV_2D": ("kernel", lambda kernel: kernel.transpose(1, 2, 3, 0)),  # OHWI -> HWIO
    "DEPTHWISE_CONV_2D": ("depthwise_kernel", lambda kernel: kernel[0][..., None]),  # 1HWI -> HWI1
    "FULLY_CONNECTED": ("kernel", lambda kernel: kernel.T),
}
_PASSED = {  # one input, no weights
    *(
        "PAD",
        "MAX_POOL_2D",
        "AVERAGE_POOL_2D",
        "MEAN",
        "REDUCE_MAX",
        "STRIDED_SLICE",
        "RESHAPE",
        "RELU",
        "LOGISTIC",
        "DEQUANTIZE",
    ),
}
_JOINING = {"ADD", "CONCATENATION"}
_ADVICE = "give the float16 or float32 file that `edge-tagger convert` wrote"
_Node = TypeVar("_Node")


@dataclass(frozen=True)
class _Layer:
    """A layer with weights; `kind` is what Keras calls its kernel, which has Keras's layout."""

    kind: str
    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]


def read_tflite(path: Path, backbone: str, stages: int, *, tags: Sequence[str] | None = None) -> Weights:
    """The folded weights of all stages in a float32 or float16 .tflite, at least `stages`; with `tags` (identities) the
    head too, its columns in their order.

    Raises ModelError for a broken file; RunError where it is quantized, lists each difference where it is of another
    architecture, and names the tags that it does not know; ManifestError for `tags` of a file without a manifest.
    """
    data = read_model(path)
    outputs = Model(data).num_scores  # has LiteRT verify the structure, on which the walk relies
    found = _Graph(data, str(path)).layers()
    pooling = _pooling(data)
    for count in range(stages, 5):  # the first that fits; else the differences from `stages` are told
        model = _model(backbone, count, outputs, pooling)
        if len(_weighty(model)) == len(found):
            break
    else:
        model = _model(backbone, stages, outputs, pooling)
    shapes = {name: value.shape for name, value in get_weights(model).items()}
    weights = _named(found, _weighty(model), shapes)
    check_names(weights, shapes, str(path))
    parts = parts_of(model)
    weights = trained(weights, parts) if parts else weights
    head = {name: weights.pop(name) for name in ("head.kernel", "head.bias")}
    return weights if tags is None else {**weights, **_head(head, data, tags, str(path))}


class _Graph:
    """The operators of a .tflite, from its output to its input."""

    def __init__(self, data: bytes, source: str) -> None:
        self.model = tflite.ModelT.InitFromObj(tflite.Model.GetRootAs(split_model(data)[0]))
        self.graph, self.source = self.model.subgraphs[0], source
        self.producers = {output: op for op in self.graph.operators for output in op.outputs}

    def layers(self) -> list[_Layer]:
        """Its layers with weights, those before a layer before it."""
        output = self.producers[self.graph.outputs[0]]
        ordered = _walk(output, self._before)
        return [self._layer(op) for op in ordered if self._name(op) in _KERNELS]

    def _before(self, op: Any) -> list[Any]:
        name = self._name(op)
        if name not in _PASSED | _KERNELS.keys() | _JOINING:
            raise RunError(f"{self.source} has an operator {name}, which no float model of edge-tagger has; {_ADVICE}")
        tensors = op.inputs if name in _JOINING else op.inputs[:1]
        inputs = [tensor for tensor in tensors if tensor not in self.graph.inputs]
        if any(tensor not in self.producers for tensor in inputs):
            raise RunError(f"{self.source} adds constants, which no float model of edge-tagger does; {_ADVICE}")
        return [self.producers[tensor] for tensor in inputs]

    def _layer(self, op: Any) -> _Layer:
        kind, own_layout = _KERNELS[self._name(op)]
        kernel = np.ascontiguousarray(own_layout(self._constant(op.inputs[1])))
        biased = len(op.inputs) > 2 and op.inputs[2] >= 0
        bias = self._constant(op.inputs[2]) if biased else np.zeros(kernel.shape[-1], np.float32)
        return _Layer(kind, kernel, bias)

    def _constant(self, place: int) -> NDArray[np.float32]:
        """float32; float16 constants stand behind a DEQUANTIZE."""
        if place in self.producers:
            place = self.producers[place].inputs[0]
        tensor = self.graph.tensors[place]
        if tensor.type not in _FLOATS:
            raise RunError(f"{self.source} is quantized; {_ADVICE}")
        stored = np.asarray(self.model.buffers[tensor.buffer].data, np.uint8).view(_FLOATS[tensor.type])
        values: NDArray[np.float32] = stored.reshape(tensor.shape).astype(np.float32)
        return values

    def _name(self, op: Any) -> str:
        code = self.model.operatorCodes[op.opcodeIndex]
        return _OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]  # old files have the second alone


def _pooling(data: bytes) -> dict[str, Any]:
    """What the file's manifest says of the maps that its head sees, as arguments of `resnet.build`."""
    try:
        model = read_manifest(data).provenance.get("model", {})
    except ManifestError:
        return {}
    return {name: model[name] for name in ("taps", "pool", "palette", "histogram", "hidden") if name in model}


def _model(backbone: str, stages: int, outputs: int, pooling: dict[str, Any]) -> Any:
    """The deployed model that a file of these stages was converted from."""
    pooling = {**pooling, "taps": [tap for tap in pooling.get("taps", []) if tap < stages]}
    return build(backbone, stages=stages, image_size=32, tags=outputs, folded=True, deployed=True, **pooling)


def _weighty(model: Any) -> list[str]:
    """Names of the layers with weights in the order of the walk."""
    return [layer.name for layer in _walk(model.get_layer("scores"), _layers_before) if layer.weights]


def _layers_before(layer: Any) -> list[Any]:
    before = layer.inbound_nodes[0].inbound_layers
    return before if isinstance(before, list) else [before]


def _walk(node: _Node, before: Callable[[_Node], list[_Node]]) -> list[_Node]:
    """`node` and all that leads to it, each once, inputs before their consumer, in the order of its inputs."""
    ordered: dict[int, _Node] = {}

    def visit(node: _Node) -> None:
        if id(node) not in ordered:
            for earlier in before(node):
                visit(earlier)
            ordered[id(node)] = node

    visit(node)
    return list(ordered.values())


def _named(found: Sequence[_Layer], names: Sequence[str], shapes: dict[str, tuple[int, ...]]) -> Weights:
    """The weights of `found` under the names of the model's layers at the same places; those past the last get a name
    that no model has."""
    weights = {}
    for place, layer in enumerate(found):
        name = names[place] if place < len(names) else f"layer {place + 1}"
        weights[f"{name}.{layer.kind}"] = layer.kernel
        if f"{name}.bias" in shapes or np.any(layer.bias):  # the converter gives each layer one
            weights[f"{name}.bias"] = layer.bias
    return weights


def _head(head: Weights, data: bytes, tags: Sequence[str], source: str) -> Weights:
    places = {tag.id: place for place, tag in enumerate(read_manifest(data).taxonomy.tags)}
    unknown = [tag for tag in tags if tag not in places]
    if unknown:
        raise RunError(
            f"the head of {source} does not know {len(unknown)} of {len(tags)} tags, such as {unknown[0]!r}; "
            "train a new head on its backbone"
        )
    columns = [places[tag] for tag in tags]
    return {name: value[..., columns] for name, value in head.items()}
