"""The trained weights in the form that int8 holds best: all that the head reads has mean 0 and deviation 1.

The features are maxima, means a tenth of their size, and shares of colours. Side by side they would share one int8
range, and the head's kernel, whose rows are the larger the smaller a feature is, another. So each part gets a scale and
an offset for each channel, a 1x1 DepthwiseConv2D with a range of its own, and what reads the features undoes them: the
same function.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.train.head import floored_deviation
from edge_tagger.train.resnet import Weights

_LIMIT = 6.0  # what hidden units reach, about as much as standardized features do

Statistics = tuple[NDArray[np.float32], NDArray[np.float32]]


def deployed(weights: Weights, parts: dict[str, int], pooled: NDArray[np.float32]) -> Weights:
    """Weights of a folded model as those of its deployed form. `parts` are the names of its features' parts and their
    channels, in order; `pooled` float32 [n, C] are features of representative photos."""
    result = dict(weights)
    start = 0
    centres, deviations = [], []
    for name, channels in parts.items():
        part = pooled[:, start : start + channels]
        deviation = floored_deviation(part)
        result[f"{name}.scale.depthwise_kernel"] = (1 / deviation).reshape(1, 1, -1, 1).astype(np.float32)
        result[f"{name}.scale.bias"] = (-part.mean(0) / deviation).astype(np.float32)
        centres.append(part.mean(0))
        deviations.append(deviation)
        start += channels
    centre, deviation = np.concatenate(centres), np.concatenate(deviations)
    for layer in _readers(weights):
        kernel, bias = weights[f"{layer}.kernel"], weights[f"{layer}.bias"]
        features = kernel[:start]
        result[f"{layer}.kernel"] = np.concatenate([features * deviation[:, None], kernel[start:]])
        result[f"{layer}.bias"] = np.asarray(bias + centre @ features, np.float32)
    return _bounded(result, (pooled - centre) / deviation)


def trained(weights: Weights, parts: dict[str, int]) -> Weights:
    """The reverse: weights of a deployed model as those of the same model without the scales."""
    result = {name: value for name, value in weights.items() if ".scale." not in name}
    scale = np.concatenate([weights[f"{name}.scale.depthwise_kernel"].ravel() for name in parts])
    offset = np.concatenate([weights[f"{name}.scale.bias"] for name in parts])
    for layer in _readers(weights):
        kernel, bias = weights[f"{layer}.kernel"], weights[f"{layer}.bias"]
        features = kernel[: len(scale)]
        result[f"{layer}.kernel"] = np.concatenate([features * scale[:, None], kernel[len(scale) :]])
        result[f"{layer}.bias"] = np.asarray(bias + offset @ features, np.float32)
    return result


def parts_of(model: Any) -> dict[str, int]:
    """Name -> channels of the parts of a model's features, in order; none where it has only one."""
    names = [layer.name for layer in model.layers]
    joint = model.get_layer("parts" if "parts" in names else "features")
    tensors = joint.get_input_at(0)
    if not isinstance(tensors, list):
        return {}
    return {t._keras_history.layer.name.removesuffix(".scale"): int(t.shape[-1]) for t in tensors}


def _bounded(weights: Weights, features: NDArray[np.float32]) -> Weights:
    """Each hidden unit scaled to reach the limit on standardized features [n, C]; one that is hardly ever on is not
    blown up."""
    if "hidden.kernel" not in weights:
        return weights
    greatest = np.maximum(features @ weights["hidden.kernel"] + weights["hidden.bias"], 0).max(0)
    scale = (_LIMIT / np.maximum(greatest, np.median(greatest) / 4 + 1e-6)).astype(np.float32)
    head = weights["head.kernel"].copy()
    head[features.shape[1] :] /= scale[:, None]
    return {
        **weights,
        "hidden.kernel": weights["hidden.kernel"] * scale,
        "hidden.bias": weights["hidden.bias"] * scale,
        "head.kernel": head,
    }


def _readers(weights: Weights) -> list[str]:
    """The layers that read the features."""
    return [name for name in ("hidden", "head") if f"{name}.kernel" in weights]
