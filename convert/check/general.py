"""Rules for every target: about the graph and the types of its tensors."""

from __future__ import annotations

from pathlib import PurePath

from edge_tagger.convert.check.facts import ModelFacts, TensorFacts
from edge_tagger.convert.check.rule import ERROR, WARNING, Rule, named
from edge_tagger.errors import ModelError
from edge_tagger.interpreter import check_classifier
from edge_tagger.tensors import Tensor

_INTEGER_FORMATS = ("int8", "int16x8")
_HEAVY = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_MIN_PIXEL_SPAN = 128.0  # as in edge_tagger.interpreter: a smaller range holds normalized values, its codes the pixels


def one_input(facts: ModelFacts) -> str | None:
    """A classifier has one input, the photo.

    Source: https://ai.google.dev/edge/litert/libraries/task_library/image_classifier (model compatibility)
    """
    if len(facts.inputs) == 1:
        return None
    return f"{len(facts.inputs)} inputs: {named(f'{tensor.name} {tensor}' for tensor in facts.inputs)}"


def image_shape(facts: ModelFacts) -> str | None:
    """The input is one photo of three channels, [1, height, width, 3].

    Source: https://ai.google.dev/edge/litert/libraries/task_library/image_classifier (model compatibility)
    """
    for tensor in facts.inputs[:1]:
        if len(tensor.shape) != 4 or tensor.shape[0] not in (1, -1) or tensor.shape[3] != 3:
            return f"the input is {tensor}"
        if 0 in tensor.shape:
            return f"the input {tensor} has no pixels"
    return None


def static_shapes(facts: ModelFacts) -> str | None:
    """No input or output has a free size.

    Source: tensorflow/compiler/mlir/lite/schema/schema.fbs (Tensor.shape_signature: -1 is an unknown dimension)
    """
    free = [tensor for tensor in (*facts.inputs, *facts.outputs) if -1 in tensor.shape]
    return f"free sizes (-1): {named(f'{tensor.name} {tensor}' for tensor in free)}" if free else None


def scores_output(facts: ModelFacts) -> str | None:
    """There is one output, a score for each tag: [1, N] or [1, 1, 1, N].

    Source: https://ai.google.dev/edge/litert/libraries/task_library/image_classifier (model compatibility)
    """
    if facts.num_scores is not None and len(facts.outputs[0].shape) in (2, 4):
        return None
    return f"{len(facts.outputs)} outputs: {named(f'{tensor.name} {tensor}' for tensor in facts.outputs)}"


def input_type(facts: ModelFacts) -> str | None:
    """The input is uint8, int8 or float32.

    Source: edge_tagger/interpreter.py (Model); tensorflow/lite/g3doc/performance/post_training_quantization.md
    """
    return _other_type(facts.inputs[:1], "input")


def output_type(facts: ModelFacts) -> str | None:
    """The output is uint8, int8 or float32, and quantized where it is an integer.

    Source: edge_tagger/interpreter.py (Model); tensorflow/lite/g3doc/performance/post_training_quantization.md
    """
    return _other_type(facts.outputs[:1], "output")


def _other_type(tensors: tuple[TensorFacts, ...], what: str) -> str | None:
    for tensor in tensors:
        if tensor.dtype not in ("uint8", "int8", "float32"):
            return f"the {what} is {tensor}"
        if tensor.dtype == "int8" and not tensor.scales:
            return f"the {what} is int8 without scale and zero point"
    return None


def classifier(facts: ModelFacts) -> str | None:
    """Tagger, and all commands that run a model, take it.

    Source: edge_tagger/interpreter.py (check_classifier)
    """
    try:
        check_classifier("the file", *(tuple(map(_tensor, side)) for side in (facts.inputs, facts.outputs)))
    except ModelError as error:
        return str(error).removeprefix("the file has ")
    return None


def _tensor(tensor: TensorFacts) -> Tensor:
    """As an interpreter shows it: a free batch runs as 1."""
    shape = tuple(1 if side == -1 and not place else side for place, side in enumerate(tensor.shape))
    scale = tensor.scales[0] if len(tensor.scales) == 1 else None
    return Tensor(tensor.name, shape, tensor.dtype, scale, tensor.zero_point)


def float_normalization(facts: ModelFacts) -> str | None:
    """A float model says how its pixels are normalized, or does it itself.

    Source: https://ai.google.dev/edge/litert/conversion/tensorflow/metadata (normalization and quantization parameters)
    """
    said = facts.described is not None and any(tensor.normalizations for tensor in facts.described.inputs or ())
    if facts.manifest is not None or said or facts.normalizes or not any(t.dtype == "float32" for t in facts.inputs):
        return None
    return "the input is float32, and neither metadata nor the first operators say which values it wants"


def pixel_codes(facts: ModelFacts) -> str | None:
    """A pixel is copied into a quantized input, not computed: one step for each pixel value.

    Source: mediapipe/tasks/cc/components/processors/image_preprocessing_graph.cc (uint8 input gets 0..255 as they are)
    """
    for tensor in facts.inputs[:1]:
        limits = tensor.range()
        if limits is None or tensor.dtype == "int16" or limits[1] - limits[0] < _MIN_PIXEL_SPAN:
            continue
        lowest = 0 if tensor.dtype == "uint8" else -128
        if (tensor.scales[0], tensor.zero_point) != (1.0, lowest):
            return f"the input has scale {tensor.scales[0]:.6g} and zero point {tensor.zero_point}"
    return None


def custom_operators(facts: ModelFacts) -> str | None:
    """All operators are built into TensorFlow Lite.

    Source: https://ai.google.dev/edge/litert/conversion/tensorflow/ops_custom and .../ops_select
    """
    custom = [operator.name for operator in facts.operators if operator.custom]
    flex = [name for name in custom if name.startswith("Flex")]
    parts = [f"TensorFlow operators that need the Flex delegate: {named(flex)}"] if flex else []
    others = [name for name in custom if not name.startswith("Flex")]
    parts += [f"custom operators: {named(others)}"] if others else []
    return "; ".join(parts) or None


def integer_everywhere(facts: ModelFacts) -> str | None:
    """An integer file is integer everywhere, but for float input and output.

    Source: https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/post_training_integer_quant (full
    integer quantization)
    """
    floats = facts.float_operators()
    why = _integer_because(facts)
    if not floats or why is None:
        return None
    return f"{why}, but {len(floats)} of {len(facts.operators)} operators work on floats: {named(floats)}"


def _integer_because(facts: ModelFacts) -> str | None:
    """Why the file counts as an integer one."""
    made = str(facts.manifest.provenance.get("format", "")) if facts.manifest else ""
    if made in _INTEGER_FORMATS:
        return f"the manifest says {made}"
    for kind in _INTEGER_FORMATS:
        if kind in PurePath(facts.path).name.lower():
            return f"the name says {kind}"
    for tensor in (*facts.inputs, *facts.outputs):
        if tensor.dtype in ("int8", "uint8"):
            return f"{tensor.name} is {tensor.dtype}"
    for operator in facts.operators:
        activations = operator.activations
        if operator.name in _HEAVY and activations and all(t.dtype in ("int8", "uint8", "int16") for t in activations):
            return f"{operator} is integer"
    return None


def aligned(facts: ModelFacts) -> str | None:
    """Constant values begin at a multiple of their own size (the schema wants 16 bytes, LiteRT lives with less).

    Source: tensorflow/compiler/mlir/lite/schema/schema.fbs (Buffer.data, force_align: 16)
    """
    sizes = {"float32": 4, "int32": 4, "int64": 8, "float16": 2, "int16": 2, "float64": 8}
    # int64 lies at multiples of 4 in files of TensorFlow's own converter; LiteRT copies where that matters
    off = [t for t in facts.tensors if t.offset_bytes and t.offset_bytes % min(4, sizes.get(t.dtype, 1))]
    return f"{len(off)} constant tensors at odd addresses: {named(tensor.name for tensor in off)}" if off else None


GRAPH_RULES = (
    Rule(
        "general.one-input",
        ERROR,
        one_input,
        "export a model that takes the photo alone; fold the other inputs into it as constants",
    ),
    Rule(
        "general.image-shape",
        ERROR,
        image_shape,
        "export the model with an input [1, S, S, 3], channels last, RGB",
    ),
    Rule(
        "general.static-shapes",
        WARNING,
        static_shapes,
        "export with fixed sizes and batch 1: input_signature=[tf.TensorSpec([1, S, S, 3], tf.float32)], or "
        "keras.Input(shape, batch_size=1)",
    ),
    Rule(
        "general.scores-output",
        ERROR,
        scores_output,
        "export the scores alone, flattened to [1, N]",
    ),
    Rule(
        "general.classifier",
        ERROR,
        classifier,
        "export a model with one input [1, S, S, 3] and the scores [1, N] alone",
    ),
    Rule(
        "general.float-normalization",
        WARNING,
        float_normalization,
        "put the normalization into the graph or its metadata, or give --mean and --std to the commands that run it",
    ),
    Rule("general.input-type", ERROR, input_type, "convert again with --io uint8 or --io float32"),
    Rule("general.output-type", ERROR, output_type, "convert again with --io uint8 or --io float32"),
    Rule(
        "general.pixel-codes",
        WARNING,
        pixel_codes,
        "quantize with representative photos that hold the pixels 0 and 255, so that the input gets scale 1 and zero "
        "point 0 (uint8) or -128 (int8)",
    ),
    Rule(
        "general.custom-operators",
        ERROR,
        custom_operators,
        "replace them in the model by operators that TensorFlow Lite has; else every app must link the Flex delegate "
        "or their code, which MediaPipe and ML Kit cannot",
    ),
    Rule(
        "general.integer-everywhere",
        ERROR,
        integer_everywhere,
        "convert again with --int8 and --representative photos; for a graph with custom float parts, move them out of "
        "the model",
    ),
    Rule("general.aligned", WARNING, aligned, "write the file with a tool that keeps the schema's alignment"),
)
