"""Rules of the Edge TPU compiler (Coral), version 16.0, the last one."""

from __future__ import annotations

from collections.abc import Callable

from edge_tagger.convert.check.android_gpu import computes_shape
from edge_tagger.convert.check.facts import ModelFacts, OperatorFacts, TensorFacts
from edge_tagger.convert.check.rule import ERROR, WARNING, Rule, named

COMPILED = "edgetpu-custom-op"
# Table 1 of https://coral.ai/docs/edgetpu/models-intro/#supported-operations, in the names of the TFLite schema.
_NAMES = """
ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D EXPAND_DIMS FULLY_CONNECTED L2_NORMALIZATION LOGISTIC LSTM
UNIDIRECTIONAL_SEQUENCE_LSTM MAXIMUM MAX_POOL_2D MEAN MINIMUM MUL PACK PAD PRELU QUANTIZE REDUCE_MAX REDUCE_MIN RELU
RELU6 RELU_N1_TO_1 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SLICE SOFTMAX SPACE_TO_DEPTH SPLIT SQUEEZE
SQUARED_DIFFERENCE STRIDED_SLICE SUB SUM TANH TRANSPOSE TRANSPOSE_CONV
"""
OPERATORS = frozenset(_NAMES.split())
# Operator -> the first version that compiler 16.0 was seen to refuse ("Didn't find op for builtin opcode").
REFUSED_VERSIONS = {"CONV_2D": 6, "TRANSPOSE_CONV": 4, "QUANTIZE": 3, "EXP": 2}
ON_CHIP_BYTES = 8 * 10**6  # "roughly 8 MB of SRAM"
MAX_SOFTMAX = 16_000
_WEIGHED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def quantized(facts: ModelFacts) -> str | None:
    """Every operator is 8-bit; float input and output may be quantized at the ends.

    Source: https://coral.ai/docs/edgetpu/models-intro/#model-requirements (tensor parameters are quantized)
    """
    wide = [op for op in facts.operators if any(tensor.dtype == "int16" for tensor in op.activations)]
    wrong = [*facts.float_operators(), *wide]
    return f"{len(wrong)} of {len(facts.operators)} operators: {named(wrong)}" if wrong else None


def static_shapes(facts: ModelFacts) -> str | None:
    """All sizes are known when the model is compiled.

    Source: https://coral.ai/docs/edgetpu/models-intro/#model-requirements (no dynamic sizes)
    """
    free = [f"{t.name} {t}" for t in facts.tensors if -1 in t.shape] + [
        str(o) for o in facts.operators if computes_shape(o)
    ]
    return named(free) or None


def operators(facts: ModelFacts) -> str | None:
    """Every operator is supported; from the first other one on, all runs on the CPU.

    Source: https://coral.ai/docs/edgetpu/models-intro/#supported-operations and #compiling
    """
    wrong = [op for op in facts.operators if op.name not in (*OPERATORS, COMPILED) and not _ends(facts, op)]
    return named(wrong) or None


def operator_limits(facts: ModelFacts) -> str | None:
    """Operators keep within the limits of the table.

    Source: https://coral.ai/docs/edgetpu/models-intro/#supported-operations (known limitations)
    """
    broken = [f"{op}: {what}" for op in facts.operators if op.name in LIMITS and (what := LIMITS[op.name](op))]
    return "; ".join(broken[:5]) or None


def constant_parameters(facts: ModelFacts) -> str | None:
    """Weights and biases are constants.

    Source: https://coral.ai/docs/edgetpu/models-intro/#model-requirements (model parameters are constant)
    """
    if facts.float_operators():
        return None  # float16 weights are dequantized as the model runs; edgetpu.quantized says so
    loose = [op for op in facts.operators if any(not tensor.constant for tensor in _parameters(op))]
    return named(loose) or None


def three_dimensions(facts: ModelFacts) -> str | None:
    """Only the three innermost dimensions of a tensor are larger than 1.

    Source: https://coral.ai/docs/edgetpu/models-intro/#model-requirements (1-, 2- or 3-dimensional)
    """
    if facts.float_operators():
        return None  # as above
    wrong = [
        f"{t.name} {t}" for op in facts.operators for t in op.activations if any(size > 1 for size in t.shape[:-3])
    ]
    return named(wrong) or None


def integer_ends(facts: ModelFacts) -> str | None:
    """Input and output are 8-bit; float ones are converted on the CPU at each photo.

    Source: https://coral.ai/docs/edgetpu/models-intro/#float-input-and-output-tensors
    """
    return named(f"{tensor.name} {tensor}" for tensor in (*facts.inputs, *facts.outputs) if tensor.is_float) or None


def on_chip(facts: ModelFacts) -> str | None:
    """The weights fit the 8 MB of the chip; the rest is fetched for each photo.

    Source: https://coral.ai/docs/edgetpu/compiler/#parameter-data-caching
    """
    size_bytes = facts.weight_bytes
    return f"{size_bytes / 1e6:.1f} MB of weights" if size_bytes > ON_CHIP_BYTES else None


def operator_versions(facts: ModelFacts) -> str | None:
    """Operators are of versions that compiler 16.0 knows.

    Source: https://github.com/google-coral/edgetpu/issues/631 (CONV_2D 6), /845 (TRANSPOSE_CONV 4), /879 (QUANTIZE 3);
    https://github.com/google-coral/libedgetpu/issues/71 (EXP 2)
    """
    new = [
        f"{op.name} version {op.version}" for op in facts.operators if op.version >= REFUSED_VERSIONS.get(op.name, 999)
    ]
    return named(new) or None


def not_compiled(facts: ModelFacts) -> str | None:
    """The file is not compiled yet; the compiler takes the plain one.

    Source: https://coral.ai/docs/edgetpu/compiler/ (edgetpu-custom-op)
    """
    return f"it holds {COMPILED}" if any(op.name == COMPILED for op in facts.operators) else None


def _ends(facts: ModelFacts, op: OperatorFacts) -> bool:
    """Whether it dequantizes an output, or float16 weights, which edgetpu.quantized tells."""
    outputs = {tensor.name for tensor in facts.outputs}
    weights = all(tensor.constant for tensor in op.inputs)
    return op.name == "DEQUANTIZE" and (weights or all(tensor.name in outputs for tensor in op.outputs))


def _parameters(op: OperatorFacts) -> tuple[TensorFacts, ...]:
    if op.name == "TRANSPOSE_CONV":  # output shape, weights, input, bias
        return (*op.inputs[1:2], *op.inputs[3:])
    return op.inputs[1:3] if op.name in _WEIGHED else ()


def _no_fused(op: OperatorFacts) -> str | None:
    return "a fused activation" if getattr(op.options, "fusedActivationFunction", 0) else None


def _dilation(op: OperatorFacts) -> str | None:
    width, height = getattr(op.options, "dilationWFactor", 1), getattr(op.options, "dilationHFactor", 1)
    return None if width == height else f"dilation {width} by {height}"


def _dense(op: OperatorFacts) -> str | None:
    if getattr(op.options, "weightsFormat", 0):
        return "shuffled weights"
    shape = op.outputs[0].shape
    return f"output {list(shape)}, not one-dimensional" if sum(size > 1 for size in shape) > 1 else None


def _softmax(op: OperatorFacts) -> str | None:
    shape = op.inputs[0].shape
    if sum(size > 1 for size in shape) > 1 or shape[-1] > MAX_SOFTMAX:
        return f"input {list(shape)}, not one-dimensional of {MAX_SOFTMAX} at most"
    return None


def _slice(op: OperatorFacts) -> str | None:
    masks = [name for name in ("ellipsisMask", "newAxisMask") if getattr(op.options, name, 0)]
    return f"has {', '.join(masks)}" if masks else None


LIMITS: dict[str, Callable[[OperatorFacts], str | None]] = {
    "AVERAGE_POOL_2D": _no_fused,
    "MAX_POOL_2D": _no_fused,
    "CONCATENATION": _no_fused,
    "CONV_2D": _dilation,
    "DEPTHWISE_CONV_2D": _dilation,
    "FULLY_CONNECTED": _dense,
    "SOFTMAX": _softmax,
    "STRIDED_SLICE": _slice,
}

_INT8 = "convert again with --int8 and --io uint8"

RULES = (
    Rule("edgetpu.quantized", ERROR, quantized, _INT8),
    Rule("edgetpu.static-shapes", ERROR, static_shapes, "export with fixed sizes and batch 1"),
    Rule("edgetpu.operators", ERROR, operators, "replace these operators in the model, or move them to its end"),
    Rule("edgetpu.operator-limits", ERROR, operator_limits, "change these operators' options in the model"),
    Rule("edgetpu.constant-parameters", ERROR, constant_parameters, "export with frozen weights"),
    Rule("edgetpu.three-dimensions", ERROR, three_dimensions, "export with batch 1 and tensors of [1, H, W, C]"),
    Rule("edgetpu.integer-ends", WARNING, integer_ends, _INT8),
    Rule("edgetpu.on-chip", WARNING, on_chip, "train a smaller backbone, or cut the model for several Edge TPUs"),
    Rule(
        "edgetpu.operator-versions",
        ERROR,
        operator_versions,
        "convert with an older TensorFlow (2.8 was advised there), or without the option that needs the version",
    ),
    Rule("edgetpu.not-compiled", WARNING, not_compiled, "check and compile the file that edge-tagger convert wrote"),
)
