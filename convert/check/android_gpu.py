"""Rules of the GPU delegate on Android: what keeps the whole graph on the GPU."""

from __future__ import annotations

from collections.abc import Callable

from edge_tagger.convert.check.facts import ModelFacts, OperatorFacts, TensorFacts
from edge_tagger.convert.check.rule import ERROR, WARNING, Rule, named

# tensorflow/lite/tools/versioning/gpu_compatibility.cc (CheckGpuDelegateCompatibility), all cases of its switch.
_NAMES = """
ABS ADD ADD_N ATAN2 AVERAGE_POOL_2D BATCH_MATMUL CAST CEIL CONCATENATION CONV_2D COS CUMSUM DENSIFY DEPTHWISE_CONV_2D
DEPTH_TO_SPACE DEQUANTIZE DIV DYNAMIC_UPDATE_SLICE ELU EMBEDDING_LOOKUP EQUAL EXP FLOOR FLOOR_DIV FLOOR_MOD
FULLY_CONNECTED GATHER GELU GREATER GREATER_EQUAL HARD_SWISH LEAKY_RELU LESS LESS_EQUAL LOG LOGICAL_AND LOGISTIC LSTM
MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL ONE_HOT PACK PAD PADV2 POW PRELU QUANTIZE REDUCE_MAX
REDUCE_MIN REDUCE_PROD RELU RELU6 RELU_N1_TO_1 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SELECT SELECT_V2
SIGN SIN SLICE SOFTMAX SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE STABLEHLO_CLAMP STRIDED_SLICE SUB
SUM TANH TILE TRANSPOSE TRANSPOSE_CONV
"""
OPERATORS = frozenset(_NAMES.split())
CUSTOM_OPERATORS = frozenset({"Convolution2DTransposeBias", "MaxPoolingWithArgmax2D", "MaxUnpooling2D", "Resampler"})
_TYPES = ("float16", "float32", "int8", "uint8")
_LOGICAL = (
    "EQUAL",
    "GREATER",
    "GREATER_EQUAL",
    "LESS",
    "LESS_EQUAL",
    "LOGICAL_AND",
    "NOT_EQUAL",
    "SELECT",
    "SELECT_V2",
)
_TYPED_OTHERWISE = ("CAST", "GATHER", "ONE_HOT", "EMBEDDING_LOOKUP", "DYNAMIC_UPDATE_SLICE", *_LOGICAL)


def operators(facts: ModelFacts) -> str | None:
    """Every operator runs on the GPU; else the graph is split, often slower than the CPU alone.

    Source: tensorflow/lite/tools/versioning/gpu_compatibility.cc (CheckGpuDelegateCompatibility);
    https://ai.google.dev/edge/litert/performance/gpu (supported ops)
    """
    return named(op for op in facts.operators if op.name not in (CUSTOM_OPERATORS if op.custom else OPERATORS)) or None


def operator_limits(facts: ModelFacts) -> str | None:
    """Operators keep within the GPU's limits of their options.

    Source: tensorflow/lite/tools/versioning/gpu_compatibility.cc (CheckGpuDelegateCompatibility)
    """
    broken = [f"{op}: {what}" for op in facts.operators if op.name in LIMITS and (what := LIMITS[op.name](op))]
    return "; ".join(broken[:5]) or None


def types(facts: ModelFacts) -> str | None:
    """Activations are float32, float16, int8 or uint8.

    Source: tensorflow/lite/delegates/gpu/common/model_builder.cc (GetOpsToReplace, allowed types)
    """
    wrong = [
        f"{op} on {tensor.dtype}"
        for op in facts.operators
        if op.name not in _TYPED_OTHERWISE
        for tensor in op.activations
        if tensor.dtype not in _TYPES
    ]
    return named(wrong) or None


def static_shapes(facts: ModelFacts) -> str | None:
    """No shape is computed while the model runs.

    Source: tensorflow/lite/core/subgraph.cc (ModifyGraphWithDelegate: "a delegate that only supports static-sized
    tensors")
    """
    return named(op for op in facts.operators if computes_shape(op)) or None


def quantized(facts: ModelFacts) -> str | None:
    """The model is float: 8-bit ones run as float on the GPU, by an experimental option.

    Source: tensorflow/lite/g3doc/performance/gpu_advanced.md (Running quantized models)
    """
    count = sum(any(t.dtype in ("int8", "uint8") and t.scales for t in op.activations) for op in facts.operators)
    return f"{count} of {len(facts.operators)} operators are 8-bit" if count else None


def computes_shape(op: OperatorFacts) -> bool:
    """Whether the operator makes a tensor whose size is only known when it runs."""
    if op.name in ("WHERE", "UNIQUE", "NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5", "RANGE"):
        return True
    sized_by_last = op.name in ("RESHAPE", "FILL", "TILE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "BROADCAST_TO")
    place = 0 if op.name == "FILL" else 1
    return sized_by_last and len(op.inputs) > place and not op.inputs[place].constant


def _padding(op: OperatorFacts) -> str | None:
    shape = op.inputs[1].shape if len(op.inputs) > 1 else ()
    return None if shape in ((3, 2), (4, 2)) else f"paddings {list(shape)}, not [3, 2] or [4, 2]"


def _slice(op: OperatorFacts) -> str | None:
    masks = [name for name in ("ellipsisMask", "newAxisMask", "shrinkAxisMask") if getattr(op.options, name, 0)]
    if masks:
        return f"has {', '.join(masks)}"
    return _rank_3_or_4(op)


def _rank_3_or_4(op: OperatorFacts) -> str | None:
    return None if len(op.inputs[0].shape) in (3, 4) else f"{len(op.inputs[0].shape)} dimensions, not 3 or 4"


def _softmax(op: OperatorFacts) -> str | None:
    beta = getattr(op.options, "beta", 1.0)
    return None if beta == 1 else f"beta {beta:g}, not 1"


def _depthwise(op: OperatorFacts) -> str | None:
    multiplier, channels = getattr(op.options, "depthMultiplier", 1), op.inputs[0].shape[-1]
    return f"depth multiplier {multiplier} on {channels} channels" if multiplier != 1 and channels != 1 else None


def _axes(op: OperatorFacts) -> str | None:
    axes: TensorFacts | None = op.inputs[1] if len(op.inputs) > 1 else None
    return None if axes and axes.constant and axes.dtype == "int32" else "axes are not int32 constants"


def _two_inputs(op: OperatorFacts) -> str | None:
    return None if len(op.inputs) == 2 else f"{len(op.inputs)} inputs, not 2"


def _dense(op: OperatorFacts) -> str | None:
    return "shuffled weights" if getattr(op.options, "weightsFormat", 0) else None


def _dequantize(op: OperatorFacts) -> str | None:
    return "from int16" if op.inputs[0].dtype == "int16" else None


LIMITS: dict[str, Callable[[OperatorFacts], str | None]] = {
    "PAD": _padding,
    "PADV2": _padding,
    "MIRROR_PAD": _padding,
    "STRIDED_SLICE": _slice,
    "SLICE": _rank_3_or_4,
    "SOFTMAX": _softmax,
    "DEPTHWISE_CONV_2D": _depthwise,
    "MEAN": _axes,
    "SUM": _axes,
    "REDUCE_MAX": _axes,
    "REDUCE_MIN": _axes,
    "REDUCE_PROD": _axes,
    "ADD_N": _two_inputs,
    "FULLY_CONNECTED": _dense,
    "DEQUANTIZE": _dequantize,
}

RULES = (
    Rule(
        "android-gpu.operators",
        ERROR,
        operators,
        "replace these operators in the model, move them to its end, or run the file on the CPU",
    ),
    Rule("android-gpu.operator-limits", ERROR, operator_limits, "change these operators' options, or run on the CPU"),
    Rule("android-gpu.types", ERROR, types, "convert again with --float16, --float32 or --int8"),
    Rule("android-gpu.static-shapes", ERROR, static_shapes, "export with fixed sizes and batch 1"),
    Rule(
        "android-gpu.quantized",
        WARNING,
        quantized,
        "give phones with a GPU the --float16 file: it runs as it is; or allow 8-bit models in the delegate's options "
        "(setQuantizedModelsAllowed) and measure",
    ),
)
