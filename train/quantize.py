"""Quantization-aware training with TFMOT: calibrated ranges, then distillation from the float model.

What TFMOT does on its own and is undone here: activation ranges start at +-6 (here: at what the float model's
activations reach on representative photos), the input's range moves (here: held at 0..255, scale 1), the logits take
their full range (here: +-8, beyond which a sigmoid of 1/256 steps does not change), depthwise kernels are
quantized per tensor (here: left to the converter, which quantizes them per channel), and layers that only move values
get ranges of their own (here: that of what they move), each of which costs an operator that rounds once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.train.histogram import HISTOGRAM_CONVOLUTIONS
from edge_tagger.train.keras import tf, tf_keras, tfmot

LOGIT_RANGE = 8.0
_quantization = tfmot.quantization.keras
_BATCH = 32
_MOVING = tuple(
    getattr(tf_keras.layers, name)
    for name in ("AveragePooling2D", "Concatenate", "Flatten", "Reshape", "ZeroPadding2D")
)


class PerChannelByConverter(tfmot.quantization.keras.QuantizeConfig):
    """Quantizes a layer's output, and leaves its kernel to the converter's per-channel quantization."""

    def get_weights_and_quantizers(self, layer: Any) -> list[Any]:  # noqa: ARG002
        return []

    def get_activations_and_quantizers(self, layer: Any) -> list[Any]:  # noqa: ARG002
        return []

    def set_quantize_weights(self, layer: Any, quantize_weights: Any) -> None:
        pass

    def set_quantize_activations(self, layer: Any, quantize_activations: Any) -> None:
        pass

    def get_output_quantizers(self, layer: Any) -> list[Any]:  # noqa: ARG002
        return [
            _quantization.quantizers.MovingAverageQuantizer(
                num_bits=8, per_axis=False, symmetric=False, narrow_range=False
            )
        ]

    def get_config(self) -> dict[str, Any]:
        return {}


def quantize(model: Any, representative: NDArray[np.uint8]) -> Any:
    """A quantization-aware copy of a folded model, its ranges calibrated on uint8 [n, S, S, 3] photos."""

    def annotate(layer: Any) -> Any:
        if isinstance(layer, tf_keras.layers.InputLayer):
            return layer
        fixed = layer.name in HISTOGRAM_CONVOLUTIONS  # and TFMOT refuses their ReLU6
        by_converter = fixed or isinstance(layer, tf_keras.layers.DepthwiseConv2D)
        return _quantization.quantize_annotate_layer(layer, PerChannelByConverter() if by_converter else None)

    annotated = tf_keras.models.clone_model(model, clone_function=annotate)
    annotated.set_weights(model.get_weights())
    with _quantization.quantize_scope({"PerChannelByConverter": PerChannelByConverter}):
        quantized = _quantization.quantize_apply(annotated)
    _calibrate(quantized, model, representative)
    hold_ranges(quantized)
    return quantized


def hold_ranges(quantized: Any) -> None:
    """Set the ranges that must not move: the input's to 0..255, the logits' to +-8, and one range for all that only
    moves values. Call it after each step."""
    for name, low, high in (("quantize_layer", 0.0, 255.0), ("quant_head", -LOGIT_RANGE, LOGIT_RANGE)):
        for variable, limit in zip(_range_of(quantized.get_layer(name)), (low, high), strict=True):
            variable.assign(limit)
    for ranges in _one_range(quantized):
        for ends, widest in zip(zip(*ranges, strict=True), (tf.reduce_min, tf.reduce_max), strict=True):
            value = widest(tf.stack(ends))
            for variable in ends:
                variable.assign(value)


def _one_range(quantized: Any) -> list[list[Sequence[Any]]]:
    """Ranges that must be the same: of layers that move or average values and of what they take, also in a row."""
    groups: dict[str, set[str]] = {layer.name: {layer.name} for layer in quantized.layers}
    for layer in quantized.layers:
        if isinstance(getattr(layer, "layer", None), _MOVING):
            for tensor in layer.input if isinstance(layer.input, list) else [layer.input]:
                joined = groups[layer.name] | groups[tensor._keras_history.layer.name]
                groups |= dict.fromkeys(joined, joined)
    named = {frozenset(names) for names in groups.values()}
    ranges = [[_range_of(quantized.get_layer(name)) for name in sorted(names)] for names in named]
    return [found for group in ranges if len(found := [ends for ends in group if ends]) > 1]


def _calibrate(quantized: Any, model: Any, representative: NDArray[np.uint8]) -> None:
    """Activation ranges from the float model's activations, kernel ranges from the kernels."""
    ranged = [layer for layer in quantized.layers if layer.name != "quantize_layer" and _range_of(layer)]
    outputs = [model.get_layer(layer.name.removeprefix("quant_")).output for layer in ranged]
    lows, highs = _ranges(tf_keras.Model(model.input, outputs), representative)
    for layer, low, high in zip(ranged, lows, highs, strict=True):
        low_variable, high_variable = _range_of(layer)
        low_variable.assign(min(low, 0.0))
        high_variable.assign(max(high, 0.0))
    for layer in quantized.layers:
        for low, high, kernel in _kernel_ranges(layer):
            extent = tf.reduce_max(
                tf.abs(kernel), axis=None if low.shape.rank == 0 else (0, 1, 2)[: kernel.shape.rank - 1]
            )
            low.assign(-extent)
            high.assign(extent)


def _ranges(activations: Any, photos: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Least and greatest value of each output of `activations` over `photos`."""

    @tf.function(autograph=False)
    def extremes(pixels: Any) -> Any:
        outputs = activations(tf.cast(pixels, tf.float32), training=False)
        return [tf.reduce_min(o) for o in outputs], [tf.reduce_max(o) for o in outputs]

    found = [extremes(photos[start : start + _BATCH]) for start in range(0, len(photos), _BATCH)]
    return np.min([low for low, _ in found], axis=0), np.max([high for _, high in found], axis=0)


def _range_of(layer: Any) -> Sequence[Any]:
    """The variables (min, max) of the range that a layer's output is quantized to; empty where it is not."""
    ends = {"quantize_layer_min": 0, "quantize_layer_max": 1, "output_min": 0, "output_max": 1}
    ends |= {"post_activation_min": 0, "post_activation_max": 1}
    found = {ends[short]: v for v in layer.weights if (short := v.name.split("/")[-1].split(":")[0]) in ends}
    return [found[0], found[1]] if found else []


def _kernel_ranges(layer: Any) -> list[tuple[Any, Any, Any]]:
    """(min, max, kernel) of a layer whose kernel TFMOT quantizes."""
    named = {v.name.split("/")[-1].split(":")[0]: v for v in layer.weights}
    return [(named["kernel_min"], named["kernel_max"], named["kernel"])] if "kernel_min" in named else []
