"""A `.tflite` classifier in memory: pixels in, scores out. The one module that imports a TFLite runtime."""

from __future__ import annotations

import math
import os
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.errors import MissingExtraError, ModelError
from edge_tagger.images import Pixels
from edge_tagger.manifest import read_model
from edge_tagger.taxonomy import Scores

_INPUT_TYPES = ("uint8", "int8", "float32")
# A quantized input whose real values span less than this cannot mean pixel values 0..255: it is normalised to about
# -1..1, 0..1 or mean/deviation, and its integers, not its real values, are the pixels.
_MIN_PIXEL_SPAN = 128.0


@dataclass(frozen=True)
class Tensor:
    """An input or output. real = scale * (stored - zero_point); `scale` is None where values are stored as they are."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int


@dataclass(frozen=True)
class Contents:
    """What a `.tflite` of any kind holds: (operator, count), most frequent first, and how its tensors are quantized."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators: tuple[tuple[str, int], ...]
    tensors_per_channel: int
    tensors_per_tensor: int
    tensors_unquantized: int


class Model:
    """A classifier: one input [1, S, S, 3] of uint8, int8 or float32, one output of N scores.

    `name` is its path for messages, `data` the file's bytes, `runtime` what runs it, `input_size` S in pixels.
    `threads` None leaves the number to the runtime. Instances may be shared between threads; calls wait in turn.
    Raises ModelError for a file that is damaged or no such classifier, MissingExtraError without a runtime.
    """

    def __init__(self, model: str | os.PathLike[str] | bytes, *, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise ValueError(f"threads is {threads}; give 1 or more, or None for the runtime's own choice")
        self.name, self.data = _named(model)
        self.runtime = runtime_name()
        self._lock = threading.Lock()
        self._interpreter = _open(self.name, self.data, num_threads=threads)
        self.inputs, self.outputs = _tensors(self._interpreter)
        self.input_size = _check_classifier(self.name, self.inputs, self.outputs)
        try:
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{self.name} cannot run on {self.runtime}: {_first_line(error)}") from error
        self._input_place = self._interpreter.get_input_details()[0]["index"]
        self._output_place = self._interpreter.get_output_details()[0]["index"]
        self.codes = _pixel_codes(self.inputs[0])

    @property
    def num_scores(self) -> int:
        """N, the number of scores."""
        return self.outputs[0].shape[-1]

    def scores(self, pixels: Pixels) -> Scores:
        """float32 [N], dequantized, of uint8 [S, S, 3] RGB.

        A float input gets pixel values 0..255 as they are; a quantized one the integers that stand for them. Raises
        ModelError for pixels of another shape or type, and where the model breaks down.
        """
        expected = (self.input_size, self.input_size, 3)
        if pixels.dtype != np.uint8 or pixels.shape != expected:
            raise ModelError(
                f"{self.name} takes uint8 {list(expected)}, not {pixels.dtype} {list(pixels.shape)}; "
                "resize the photo with edge_tagger.images.resize"
            )
        with self._lock:
            try:
                self._interpreter.set_tensor(self._input_place, self.codes[pixels][np.newaxis])
                self._interpreter.invoke()
                stored = self._interpreter.get_tensor(self._output_place).reshape(-1)
            except (RuntimeError, ValueError) as error:
                raise ModelError(f"{self.name} failed while running: {_first_line(error)}") from error
        scores = _dequantize(stored, self.outputs[0])
        if not np.all(np.isfinite(scores)):
            raise ModelError(f"{self.name} gives scores that are not finite; the file is damaged, convert it again")
        return scores


def runtime_name() -> str:
    """The runtime in use and its version, "ai-edge-litert 2.3.0". Raises MissingExtraError where there is none."""
    return _runtime()[1]


def read_contents(model: str | os.PathLike[str] | bytes, *, name: str | None = None) -> Contents:
    """Look into any `.tflite`, classifier or not, without running it; `name` is what messages call bytes. Raises
    ModelError for a damaged file."""
    known_as, data = _named(model)
    name = name or known_as
    resolver = _runtime()[0].OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES  # the file's own operators, none fused
    interpreter = _open(name, data, experimental_op_resolver_type=resolver)
    try:
        inputs, outputs = _tensors(interpreter)
    except UnicodeDecodeError as error:
        raise ModelError(f"{name} has a tensor whose name is not UTF-8; it is damaged, convert it again") from error
    # The list of operators has no public name in any of the three runtimes.
    counts = Counter(str(operator["op_name"]) for operator in interpreter._get_ops_details())
    scales = [len(tensor["quantization_parameters"]["scales"]) for tensor in interpreter.get_tensor_details()]
    return Contents(
        inputs=inputs,
        outputs=outputs,
        operators=tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        tensors_per_channel=sum(count > 1 for count in scales),
        tensors_per_tensor=scales.count(1),
        tensors_unquantized=scales.count(0),
    )


def activations(model: bytes, photos: NDArray[np.uint8]) -> Iterator[dict[str, NDArray[np.float32]]]:
    """For each of uint8 [n, S, S, 3] photos what all tensors of a classifier hold after it ran, dequantized, by name.

    Raises ModelError as Model does.
    """
    plain = Model(model)  # holds the classifier's rules
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that this takes memory
        interpreter = _open(plain.name, model, experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    details = [detail for detail in interpreter.get_tensor_details() if detail["name"]]
    for photo in photos:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], plain.codes[photo][np.newaxis])
        interpreter.invoke()
        found = {}
        for detail in details:
            with suppress(ValueError):  # a tensor that the runtime has fused away
                found[detail["name"]] = _dequantize(interpreter.get_tensor(detail["index"]), _tensor(detail))
        yield found


@lru_cache(maxsize=1)
def _runtime() -> tuple[Any, str]:
    """(module of the interpreter, name and version) of the first runtime that is installed."""
    with suppress(ModuleNotFoundError):
        import ai_edge_litert.interpreter

        return ai_edge_litert.interpreter, f"ai-edge-litert {version('ai-edge-litert')}"
    with suppress(ModuleNotFoundError):
        import tflite_runtime.interpreter

        return tflite_runtime.interpreter, f"tflite-runtime {version('tflite-runtime')}"
    with suppress(ModuleNotFoundError):
        import tensorflow.lite.python.interpreter

        return tensorflow.lite.python.interpreter, f"tensorflow {tensorflow.__version__}"
    raise MissingExtraError("no TFLite runtime is installed; pip install ai-edge-litert (or tflite-runtime)")


def _named(model: str | os.PathLike[str] | bytes) -> tuple[str, bytes]:
    return ("the model", model) if isinstance(model, bytes) else (os.fspath(model), read_model(model))


def _open(name: str, data: bytes, **options: Any) -> Any:
    try:
        return _runtime()[0].Interpreter(model_content=data, **options)
    except (ValueError, RuntimeError) as error:
        raise ModelError(
            f"{name} cannot be loaded ({_first_line(error)}); it is cut off, damaged, or needs operators that "
            f"{runtime_name()} lacks; copy or convert it again"
        ) from error


def _tensors(interpreter: Any) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    return tuple(map(_tensor, inputs)), tuple(map(_tensor, outputs))


def _tensor(detail: dict[str, Any]) -> Tensor:
    return Tensor(
        name=str(detail["name"]),
        # -1 in the signature marks a free size; a free batch runs as 1, which is what a photo needs.
        shape=tuple(
            -1 if free == -1 and place else int(size)
            for place, (size, free) in enumerate(zip(detail["shape"], _signature(detail), strict=True))
        ),
        dtype=np.dtype(detail["dtype"]).name,
        scale=float(detail["quantization"][0]) or None,
        zero_point=int(detail["quantization"][1]),
    )


def _signature(detail: dict[str, Any]) -> list[int]:
    signature, shape = list(detail["shape_signature"]), list(detail["shape"])
    return signature if len(signature) == len(shape) else shape


def _check_classifier(name: str, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> int:
    """The input's side length in pixels. Raises ModelError where the tensors are not a classifier's."""
    rule = "a classifier has one input [1, S, S, 3] of uint8, int8 or float32 and one output [1, N]"
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(f"{name} has {len(inputs)} inputs and {len(outputs)} outputs; {rule}")
    taken, given = inputs[0], outputs[0]
    shape = taken.shape
    if len(shape) != 4 or shape[0] != 1 or shape[1] != shape[2] or shape[1] < 1 or shape[3] != 3:
        raise ModelError(f"{name} has the input {taken.name!r} of shape {list(shape)}; {rule}")
    if not given.shape or given.shape[-1] < 1 or math.prod(given.shape) != given.shape[-1]:
        raise ModelError(f"{name} has the output {given.name!r} of shape {list(given.shape)}; {rule}")
    for tensor in (taken, given):
        if tensor.dtype not in _INPUT_TYPES or (tensor.dtype == "int8" and tensor.scale is None):
            raise ModelError(f"{name} has the tensor {tensor.name!r} of type {tensor.dtype}; {rule}")
    return shape[1]


def _pixel_codes(tensor: Tensor) -> NDArray[Any]:
    """[256] in the input's type: what to store for each pixel value."""
    values = np.arange(256)
    if tensor.dtype == "float32":
        return values.astype(np.float32)
    lowest, highest = (0, 255) if tensor.dtype == "uint8" else (-128, 127)
    if tensor.scale is None or tensor.scale * 255 < _MIN_PIXEL_SPAN:
        return (values + lowest).astype(tensor.dtype)
    codes = np.clip(np.rint(values / tensor.scale) + tensor.zero_point, lowest, highest)
    return np.asarray(codes, dtype=tensor.dtype)


def _dequantize(stored: NDArray[Any], tensor: Tensor) -> Scores:
    values: Scores = stored.astype(np.float32)
    if tensor.scale is not None and tensor.dtype != "float32":
        values = (values - np.float32(tensor.zero_point)) * np.float32(tensor.scale)
    return values


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
