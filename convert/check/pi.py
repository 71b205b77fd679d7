"""Rules of the Raspberry Pi: LiteRT on its CPU, which is XNNPACK for the operators that it has."""

from __future__ import annotations

from edge_tagger.convert.check.android_gpu import computes_shape
from edge_tagger.convert.check.facts import ModelFacts
from edge_tagger.convert.check.rule import WARNING, Rule, named

# tflite/delegates/xnnpack/README.md of LiteRT, "Quantized Operators".
_NAMES = """
ADD CONCATENATION CONV_2D DEPTH_TO_SPACE DEPTHWISE_CONV_2D DEQUANTIZE ELU FULLY_CONNECTED LEAKY_RELU LOGISTIC
MAX_POOL_2D MEAN MUL PAD QUANTIZE RESHAPE RESIZE_BILINEAR SLICE SPACE_TO_DEPTH SPLIT SUB TANH TRANSPOSE TRANSPOSE_CONV
"""
QUANTIZED_OPERATORS = frozenset(_NAMES.split())
LAST_32_BIT = (2, 14, 0)  # tflite-runtime; ai-edge-litert has no wheels for armv7l
MAX_BYTES = 128 * 2**20
_8_BIT = ("int8", "uint8")
_WEIGHED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


def float32(facts: ModelFacts) -> str | None:
    """The model is int8: a quarter of float32's bytes, and faster where the CPU multiplies bytes (Pi 5, Cortex-A76).

    Source: https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/post_training_quantization (table of
    techniques)
    """
    wide = [
        op
        for op in facts.operators
        if op.name in _WEIGHED and any(tensor.constant and tensor.dtype == "float32" for tensor in op.inputs[1:2])
    ]
    return f"{len(wide)} operators have float32 weights" if wide else None


def float16(facts: ModelFacts) -> str | None:
    """Weights are not float16, which run as float32: half the file, the same memory and speed.

    Source: tflite/delegates/xnnpack/README.md of LiteRT (Floating-Point (IEEE FP16) Operators: FP32 calculations unless
    the CPU and the model's metadata allow)
    """
    half = [tensor for tensor in facts.tensors if tensor.constant and tensor.dtype == "float16"]
    return f"{len(half)} float16 constants" if half else None


def dynamic(facts: ModelFacts) -> str | None:
    """Int8 weights come with int8 activations.

    Source: tflite/delegates/xnnpack/README.md of LiteRT (Quantized Operators: "Post-training dynamic range quantization
    is not supported")
    """
    mixed = [
        op
        for op in facts.operators
        if op.name in _WEIGHED
        and any(t.constant and t.dtype == "int8" for t in op.inputs[:2])
        and any(t.is_float for t in op.activations)
    ]
    return f"{len(mixed)} operators quantize as they run: {named(mixed)}" if mixed else None


def int16(facts: ModelFacts) -> str | None:
    """Activations are not int16, for which XNNPACK has no operators.

    Source: tflite/delegates/xnnpack/README.md of LiteRT (Quantized Operators: 8-bit format);
    https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/post_training_integer_quant_16x8
    """
    wide = [op for op in facts.operators if any(tensor.dtype == "int16" for tensor in op.activations)]
    return f"{len(wide)} of {len(facts.operators)} operators: {named(wide)}" if wide else None


def xnnpack_operators(facts: ModelFacts) -> str | None:
    """Every 8-bit operator is one of XNNPACK's; others run on one plain kernel between two parts of the graph.

    Source: tflite/delegates/xnnpack/README.md of LiteRT (Quantized Operators)
    """
    slow = [
        op
        for op in facts.operators
        if not op.custom
        and op.name not in QUANTIZED_OPERATORS
        and any(tensor.dtype in _8_BIT for tensor in op.activations)
    ]
    return named(slow) or None


def static_shapes(facts: ModelFacts) -> str | None:
    """No shape is computed while the model runs: XNNPACK leaves such graphs alone.

    Source: tflite/delegates/xnnpack/README.md of LiteRT (Other limitations: dynamically allocated tensors);
    tensorflow/lite/core/subgraph.cc (ModifyGraphWithDelegate)
    """
    return named(op for op in facts.operators if computes_shape(op)) or None


def old_runtime(facts: ModelFacts) -> str | None:
    """A 32-bit system can run it: its last runtime is tflite-runtime 2.14.0.

    Source: https://pypi.org/project/tflite-runtime/2.14.0/#files (armv7l); the converter's note min_runtime_version
    """
    try:
        needed = tuple(int(part) for part in facts.min_runtime.split(".") if part)
    except ValueError:
        return None
    return f"it needs TensorFlow Lite {facts.min_runtime}" if needed > LAST_32_BIT else None


def size(facts: ModelFacts) -> str | None:
    """The file is at most 128 MiB, a quarter of the memory of a Pi Zero 2 W.

    Source: https://datasheets.raspberrypi.com/rpizero2/raspberry-pi-zero-2-w-product-brief.pdf (512 MB)
    """
    return f"{facts.size_bytes / 2**20:.0f} MiB" if facts.size_bytes > MAX_BYTES else None


_INT8 = "convert again with --int8"

RULES = (
    Rule("pi.float32", WARNING, float32, _INT8),
    Rule("pi.float16", WARNING, float16, "take --int8 for speed; --float16 saves download only"),
    Rule("pi.dynamic", WARNING, dynamic, _INT8),
    Rule("pi.int16", WARNING, int16, "convert again with --int8; keep --int16x8 for models that int8 harms"),
    Rule(
        "pi.xnnpack-operators", WARNING, xnnpack_operators, "replace them in the model if edge-tagger bench shows them"
    ),
    Rule("pi.static-shapes", WARNING, static_shapes, "export with fixed sizes and batch 1"),
    Rule(
        "pi.old-runtime",
        WARNING,
        old_runtime,
        "use a 64-bit system with ai-edge-litert, or convert with an older TensorFlow",
    ),
    Rule("pi.size", WARNING, size, "convert again with --int8, or train a smaller backbone"),
)
