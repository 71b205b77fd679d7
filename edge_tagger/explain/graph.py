"""The operators of a `.tflite` and what each of its tensors held when it ran."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.errors import ModelError
from edge_tagger.images import Pixels
from edge_tagger.interpreter import Model, details_of
from edge_tagger.runtimes import find_runtime, first_line
from edge_tagger.tensors import Tensor, score_reader

Values = NDArray[np.float32]
_DELEGATE = "DELEGATE"  # what a runtime adds behind the file's own operators


@dataclass(frozen=True)
class Operator:
    """`name` as in the TFLite schema, "FULLY_CONNECTED"; its tensors by number, without the inputs it was not given."""

    name: str
    inputs: tuple[int, ...]
    output: int


class Graph:
    """A second interpreter of a model, one that keeps every tensor: it needs memory for all activations at once.

    It runs the kernels that the model runs, so that scores are the same to the bit. `operators` stand in the order in
    which they run, `outputs` are the numbers of the output tensors. Raises ModelError where the file cannot be run so.
    """

    def __init__(self, model: Model) -> None:
        self.name = model.name
        self._stored = model.stored
        runtime = find_runtime(model.runtime.split()[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that this takes memory
            self._interpreter = runtime.open(model.name, model.data, experimental_preserve_all_tensors=True)
        runtime.allocate(model.name, self._interpreter)
        with details_of(self.name):
            self._inputs = {int(detail["index"]) for detail in self._interpreter.get_input_details()}
            given = self._interpreter.get_output_details()
            self.outputs = tuple(int(detail["index"]) for detail in given)
            self._readers = [score_reader(Tensor.of(detail)) for detail in given]
            # The list of operators has no public name in any of the three runtimes.
            listed = [_operator(detail) for detail in self._interpreter._get_ops_details()]
            self.operators = tuple(operator for operator in listed if operator.name != _DELEGATE)
            self._producers = {operator.output: operator for operator in self.operators}
            self._details = {int(detail["index"]): detail for detail in self._interpreter.get_tensor_details()}
        self._constants: dict[int, Values] = {}
        self._activations: dict[int, Values] = {}

    def run(self, pixels: Pixels) -> None:
        """Run on uint8 [S, S, 3] RGB. Raises ModelError where the model breaks down."""
        (place,) = self._inputs
        self._activations = {}
        try:
            self._interpreter.set_tensor(place, self._stored(pixels)[np.newaxis])
            self._interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{self.name} failed while running: {first_line(error)}") from error

    def scores(self) -> Values:
        """float32 [N] of the last run, as Model.scores gives them."""
        given = (self._interpreter.get_tensor(tensor) for tensor in self.outputs)
        return np.concatenate([read(part) for read, part in zip(self._readers, given, strict=True)])

    def producer(self, tensor: int) -> Operator | None:
        """The operator that computes a tensor; None for an input and for a constant."""
        return self._producers.get(tensor)

    def shape(self, tensor: int) -> tuple[int, ...]:
        return tuple(int(size) for size in self._details[tensor]["shape"])

    def step(self, tensor: int) -> float:
        """The difference between neighbouring values of a quantized tensor; 0 for a float one."""
        return float(self._details[tensor]["quantization"][0])

    def limits(self, tensor: int) -> tuple[float, float]:
        """The least and the greatest value that a tensor can hold."""
        dtype, (scale, zero_point) = self._details[tensor]["dtype"], self._details[tensor]["quantization"]
        if not np.issubdtype(dtype, np.integer) or not scale:
            return -np.inf, np.inf
        return (np.iinfo(dtype).min - zero_point) * scale, (np.iinfo(dtype).max - zero_point) * scale

    def is_constant(self, tensor: int) -> bool:
        """Whether the file holds its values: as they are, or for a DEQUANTIZE, as the weights of float16 files are."""
        producer = self.producer(tensor)
        if producer is None:
            return tensor not in self._inputs
        return producer.name == "DEQUANTIZE" and self.is_constant(producer.inputs[0])

    def value(self, tensor: int) -> Values:
        """float32, dequantized: a constant, or what the last run left. Raises ModelError where there is neither."""
        known = self._constants if self.is_constant(tensor) else self._activations
        if tensor not in known:
            known[tensor] = self._read(tensor)
        return known[tensor]

    def _read(self, tensor: int) -> Values:
        producer = self.producer(tensor)
        if producer is not None and self.is_constant(tensor):  # delegates take over what float16 weights stand behind
            return self._read(producer.inputs[0])
        detail = self._details[tensor]
        try:
            return _dequantize(self._interpreter.get_tensor(tensor), detail["quantization_parameters"])
        except ValueError as error:
            raise ModelError(f"{self.name} does not give its tensor {detail['name']!r}: {first_line(error)}") from error


def _operator(detail: dict[str, Any]) -> Operator:
    given = tuple(int(tensor) for tensor in detail["inputs"] if tensor >= 0)
    outputs = [int(tensor) for tensor in detail["outputs"]]
    return Operator(str(detail["op_name"]), given, outputs[0] if outputs else -1)


def _dequantize(stored: NDArray[Any], quantization: dict[str, Any]) -> Values:
    """Real values: per tensor, or per channel along the quantized dimension."""
    values: Values = stored.astype(np.float32)
    if not np.issubdtype(stored.dtype, np.integer) or not len(quantization["scales"]):
        return values
    along = np.ones(max(stored.ndim, 1), int)
    along[int(quantization["quantized_dimension"])] = -1
    # XNNPACK repeats the scale of a whole kernel for each of its channels, and its zero point not.
    scales, zero_points = (
        np.asarray(quantization[key], np.float32).reshape(along if len(quantization[key]) > 1 else -1)
        for key in ("scales", "zero_points")
    )
    return (values - zero_points) * scales
