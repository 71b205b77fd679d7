"""A `.tflite` classifier in memory: pixels in, scores out."""

from __future__ import annotations

import math
import os
import threading
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_tagger.errors import ModelError
from edge_tagger.heads import Activation, Head, activation_of
from edge_tagger.manifest import read_model
from edge_tagger.runtimes import find_runtime, first_line
from edge_tagger.taxonomy import Scores
from edge_tagger.tensors import (
    TYPES,
    Normalization,
    Tensor,
    dequantize,
    pixel_codes,
    pixel_scale_problem,
    pixel_writer,
    score_reader,
)

if TYPE_CHECKING:
    from edge_tagger.images import Pixels  # at run time it would load OpenCV

MAX_SIZE = 4096  # pixels, as in manifests: a damaged or hostile file must not take all memory


@dataclass(frozen=True)
class Contents:
    """What a `.tflite` of any kind holds: (operator, count), most frequent first, how its tensors are quantized, and
    the names of its signatures. Whatever these are, it is the first graph that runs."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators: tuple[tuple[str, int], ...]
    tensors_per_channel: int
    tensors_per_tensor: int
    tensors_unquantized: int
    signatures: tuple[str, ...] = ()


class Model:
    """A classifier: one input [1, S, S, 3] of uint8, int8 or float32, one or several outputs [1, N] of these types.

    `name` is its path for messages, `data` the file's bytes, `runtime` what runs it ("ai-edge-litert 2.3.0"),
    `delegate` the library that helps, `input_size` S in pixels, `num_scores` N (of several outputs, the sum of theirs).
    `normalization` is what a float input expects of pixels, from the option, else from the file's TFLite Metadata, else
    None: pixel values 0..255 as they are. `codes`, [256] or [256, 3], is what the input stores for each of them, and
    `stored(pixels)` does so for uint8 [S, S, 3].

    `backend` is "auto" or a key of edge_tagger.runtimes.BACKENDS; `threads` None leaves the number to the runtime;
    `delegate_options` are the delegate's own. Bytes may be given a `name`. A file that is known to be `sound`, for it
    has been opened before, is not looked through again: that saves a part of the start. Instances may be shared
    between threads; calls wait in turn. Raises ModelError for a file that is damaged or no such classifier, or a
    delegate that does not work; MissingExtraError without a runtime; ValueError for an option that cannot be.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes,
        *,
        threads: int | None = None,
        backend: str = "auto",
        delegate: str | os.PathLike[str] | None = None,
        delegate_options: Mapping[str, str] | None = None,
        normalization: Normalization | None = None,
        name: str | None = None,
        sound: bool = False,
    ) -> None:
        if threads is not None and threads < 1:
            raise ValueError(f"threads is {threads}; give 1 or more, or None for the runtime's own choice")
        if normalization is not None and (problem := pixel_scale_problem(normalization.mean, normalization.std)):
            raise ValueError(problem)
        if delegate_options and delegate is None:
            raise ValueError("delegate_options are for a delegate, and none is given")
        runtime = find_runtime(backend)
        known_as, self.data = _named(model)
        self.name, self.runtime = name or known_as, str(runtime)
        self.delegate = None if delegate is None else os.fspath(delegate)
        delegates = None
        if delegate is None:
            if not sound:
                runtime.rehearse(self.name, self.data)
        else:
            runtime.check(self.name, self.data)
            from edge_tagger.delegates import load_delegate  # few devices have one

            delegates = [load_delegate(runtime, delegate, delegate_options)]
        self._lock = threading.Lock()
        self._interpreter = runtime.open(self.name, self.data, num_threads=threads, experimental_delegates=delegates)
        with details_of(self.name):
            taken, given = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self.inputs, self.outputs = tuple(map(Tensor.of, taken)), tuple(map(Tensor.of, given))
        self.input_size = check_classifier(self.name, self.inputs, self.outputs)
        self.num_scores = sum(tensor.shape[-1] for tensor in self.outputs)
        if normalization is None and self.inputs[0].dtype == "float32":
            normalization = _described_normalization(self.name, self.data)
        self.normalization = normalization
        self.codes = pixel_codes(self.inputs[0], normalization)
        runtime.allocate(self.name, self._interpreter)
        self._input_place = taken[0]["index"]
        self._output_places = [detail["index"] for detail in given]
        self.stored = pixel_writer(self.inputs[0], self.codes)
        self._readers = [score_reader(tensor) for tensor in self.outputs]

    def scores(self, pixels: Pixels) -> Scores:
        """float32 [N], dequantized, of uint8 [S, S, 3] RGB; of several outputs one after the other.

        A float input gets normalized pixels, a quantized one the integers that stand for them. Raises ModelError for
        pixels of another shape or type, and where the model breaks down.
        """
        if pixels.dtype != np.uint8 or pixels.shape != (self.input_size, self.input_size, 3):
            raise ModelError(
                f"{self.name} takes uint8 {[self.input_size, self.input_size, 3]}, not {pixels.dtype} "
                f"{list(pixels.shape)}; resize the photo with edge_tagger.images.resize"
            )
        stored = self.stored(pixels)[np.newaxis]
        with self._lock:
            try:
                self._interpreter.set_tensor(self._input_place, stored)
                self._interpreter.invoke()
                given = [self._interpreter.get_tensor(place) for place in self._output_places]
            except (RuntimeError, ValueError) as error:
                raise ModelError(f"{self.name} failed while running: {first_line(error)}") from error
        parts = [read(part) for read, part in zip(self._readers, given, strict=True)]
        scores = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if len(scores) != self.num_scores:
            raise ModelError(
                f"{self.name} gives {len(scores)} scores, not the {self.num_scores} that it declares; the file is "
                "damaged, convert it again"
            )
        if not np.isfinite(scores).all():
            raise ModelError(f"{self.name} gives scores that are not finite; the file is damaged, convert it again")
        return scores

    @cached_property
    def assumes_pixels(self) -> bool:
        """Whether a float model gets pixels as they are only because nothing says what it expects: neither an option,
        nor its metadata, nor the first operators of its graph."""
        if self.normalization is not None or self.inputs[0].dtype != "float32":
            return False
        from edge_tagger.first_operators import normalizes  # few models need it
        from edge_tagger.graph_file import read_graphs

        return not normalizes(read_graphs(self.data))

    @cached_property
    def heads(self) -> tuple[Head, ...]:
        """Each output: which of the scores are its, and what made them scores."""
        with self._lock:
            found = [activation_of(self._interpreter, place, self.data) for place in self._output_places]
        stops = np.cumsum([tensor.shape[-1] for tensor in self.outputs]).tolist()
        return tuple(
            Head(tensor.name, slice(start, stop), *activation)
            for tensor, start, stop, activation in zip(self.outputs, [0, *stops], stops, found, strict=False)
        )

    @cached_property
    def activation(self) -> Activation:
        """That of all heads; "unknown" where they differ."""
        found = {head.activation for head in self.heads}
        return found.pop() if len(found) == 1 else "unknown"


def runtime_name(backend: str = "auto") -> str:
    """The runtime in use and its version, "ai-edge-litert 2.3.0". Raises as edge_tagger.runtimes.find_runtime does."""
    return str(find_runtime(backend))


def read_contents(model: str | os.PathLike[str] | bytes, *, name: str | None = None, backend: str = "auto") -> Contents:
    """Look into any `.tflite`, classifier or not; `name` is what messages call bytes. Raises ModelError for a file that
    is damaged, or that no classifier would be taken from (edge_tagger.runtimes.Runtime.rehearse)."""
    known_as, data = _named(model)
    name = name or known_as
    runtime = find_runtime(backend)
    runtime.rehearse(name, data, must_run=False)
    resolver = runtime.module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES  # the file's own operators, none fused
    interpreter = runtime.open(name, data, experimental_op_resolver_type=resolver)
    with details_of(name):
        taken, given = interpreter.get_input_details(), interpreter.get_output_details()
        tensors = interpreter.get_tensor_details()
        signatures = tuple(interpreter.get_signature_list())
        # The list of operators has no public name in any of the three runtimes.
        counts = Counter(str(operator["op_name"]) for operator in interpreter._get_ops_details())
    scales = [len(tensor["quantization_parameters"]["scales"]) for tensor in tensors]
    return Contents(
        inputs=tuple(map(Tensor.of, taken)),
        outputs=tuple(map(Tensor.of, given)),
        operators=tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        tensors_per_channel=sum(count > 1 for count in scales),
        tensors_per_tensor=scales.count(1),
        tensors_unquantized=scales.count(0),
        signatures=signatures,
    )


def activations(model: bytes, photos: Iterable[NDArray[np.uint8]]) -> Iterator[dict[str, NDArray[np.float32]]]:
    """For each of the photos uint8 [S, S, 3] what all tensors of a classifier hold after it ran, dequantized, by name.

    Raises ModelError as Model does.
    """
    plain, runtime = Model(model), find_runtime()  # Model holds the classifier's rules
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that this takes memory
        interpreter = runtime.open(plain.name, model, experimental_preserve_all_tensors=True)
    runtime.allocate(plain.name, interpreter)
    details = [detail for detail in interpreter.get_tensor_details() if detail["name"]]
    for photo in photos:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], plain.stored(photo)[np.newaxis])
        interpreter.invoke()
        found = {}
        for detail in details:
            with suppress(ValueError):  # a tensor that the runtime has fused away
                found[detail["name"]] = dequantize(interpreter.get_tensor(detail["index"]), Tensor.of(detail))
        yield found


def _named(model: str | os.PathLike[str] | bytes) -> tuple[str, bytes]:
    return ("the model", model) if isinstance(model, bytes) else (os.fspath(model), read_model(model))


@contextmanager
def details_of(name: str) -> Iterator[None]:
    """Around what reads the names and numbers of tensors, which no runtime verifies."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise ModelError(f"{name} has a tensor whose name is not UTF-8; it is damaged, convert it again") from error
    except ValueError as error:
        raise ModelError(f"{name} is damaged ({first_line(error)}); convert it again") from error


def _described_normalization(name: str, data: bytes) -> Normalization | None:
    from edge_tagger.standard_metadata import read_standard_metadata  # the int8 models of most devices never need it

    inputs = read_standard_metadata(data, name=name).inputs
    return inputs[0].normalization if inputs else None


def check_classifier(name: str, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> int:
    """The input's side length in pixels. Raises ModelError where the tensors are not a classifier's."""
    rule = f"a classifier has one input [1, S, S, 3], S to {MAX_SIZE}, and outputs [1, N], all of {', '.join(TYPES)}"
    if len(inputs) != 1 or not outputs:
        raise ModelError(f"{name} has {len(inputs)} inputs and {len(outputs)} outputs; {rule}")
    shape = inputs[0].shape
    if len(shape) != 4 or shape[0] != 1 or shape[1] != shape[2] or shape[3] != 3 or not 1 <= shape[1] <= MAX_SIZE:
        raise ModelError(f"{name} has the input {inputs[0].name!r} of shape {list(shape)}; {rule}")
    for output in outputs:
        if not output.shape or output.shape[-1] < 1 or math.prod(output.shape) != output.shape[-1]:
            raise ModelError(f"{name} has the output {output.name!r} of shape {list(output.shape)}; {rule}")
    for tensor in (*inputs, *outputs):
        if not tensor.readable:
            scale = "" if tensor.dtype == "float32" else f" with scale {tensor.scale}"
            raise ModelError(f"{name} has the tensor {tensor.name!r} of type {tensor.dtype}{scale}; {rule}")
    return shape[1]
