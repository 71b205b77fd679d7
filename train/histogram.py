"""The colours of a photo as a soft histogram, in layers that a `.tflite` holds: what a ResNet forgets on its way.

A photo at about 40 px is laid on three axes that are linear in RGB: brightness, red against green, yellow against blue
(opponent colours, as in van de Sande et al., "Evaluating Color Descriptors for Object and Scene Recognition", 2010).
Each axis has knots, denser around grey. A first 1x1 convolution tells how far a pixel lies beyond each knot, on either
side; a second one makes bins of them, 1 at a triple of knots and 0 at 1.6 times the distance to its neighbours. The
head reads the bins' means over the whole photo, its middle and its centre, and whether there is some or but little of
each. Nothing here learns: the bins are those of the grid that photos fill most.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.train.keras import tf_keras

HISTOGRAM_CONVOLUTIONS = ("histogram.conv1", "histogram.conv2")
_REGIONS = {"whole": None, "middle": 4, "centre": 3}  # the share of the side that is left out on either side
_PARTS = {"some": 4.0, "few": 20.0}  # how many times its mean takes a bin to the top
_PX = 40
_AXES = np.array([[1 / 3, 1, 1 / 2], [1 / 3, -1, 1 / 2], [1 / 3, 0, -1]], np.float32)  # columns, of R, G, B in 0..1
_KNOTS = (
    np.linspace(0, 1, 9),
    np.array([-0.6, -0.4, -0.25, -0.12, -0.05, 0, 0.05, 0.12, 0.25, 0.4, 0.6, 0.8]),
    np.array([-0.7, -0.5, -0.3, -0.15, -0.06, 0, 0.06, 0.15, 0.3, 0.5, 0.7]),
)
_REACH = 1.6  # of a bin, in distances to the next knot
_LIMIT = 6.0  # of the first convolution's ReLU6, which stands for the reach
_BATCH = 32

Array = NDArray[np.float32]


def histogram_parts(pixels: Any, bins: int) -> dict[str, Any]:
    """Name -> [B, 1, 1, bins] of the normalized pixels [B, S, S, 3]: of each region the mean, and it cut off."""
    x = tf_keras.layers.AveragePooling2D(max(1, pixels.shape[1] // _PX), name="histogram.pixels")(pixels)
    units = 2 * (sum(map(len, _KNOTS)) - len(_KNOTS))
    x = tf_keras.layers.Conv2D(units, 1, activation="relu6", name=HISTOGRAM_CONVOLUTIONS[0])(x)
    x = tf_keras.layers.Conv2D(bins, 1, activation="relu", name=HISTOGRAM_CONVOLUTIONS[1])(x)
    parts = {}
    for region, share in _REGIONS.items():
        name = f"histogram.{region}"
        part = x if share is None else tf_keras.layers.Cropping2D(x.shape[1] // share, name=name)(x)
        parts[f"{name}.mean"] = tf_keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}.mean")(part)
        for least in _PARTS:
            cut_off = tf_keras.layers.DepthwiseConv2D(1, activation="relu6", name=f"{name}.{least}")
            parts[f"{name}.{least}"] = cut_off(parts[f"{name}.mean"])
    return parts


def set_histogram(model: Any, photos: NDArray[np.uint8]) -> None:
    """Set the histogram of a model of `resnet.build` to the bins that uint8 [n, S, S, 3] photos fill most; a model
    without one is left as it is."""
    names = {layer.name for layer in model.layers}
    if "histogram.conv2" not in names:
        return
    scale, offset = model.get_layer("input").get_weights()
    kernel, bias = _distances()
    model.get_layer("histogram.conv1").set_weights(  # of pixels / 255, which "input" has normalized
        [kernel / (255 * scale.reshape(1, 1, 3, 1)), bias - (offset / (255 * scale.ravel())) @ kernel[0, 0]]
    )
    distances = tf_keras.Model(model.input, model.get_layer("histogram.conv1").output)
    starts = range(0, len(photos), _BATCH)
    seen = np.concatenate([distances(photos[s : s + _BATCH].astype(np.float32)).numpy() for s in starts])
    kernel = _bins()
    filled = np.mean([np.maximum(1 - d.reshape(-1, d.shape[-1]) @ kernel, 0).mean(0) for d in seen], axis=0)
    layer = model.get_layer("histogram.conv2")
    fullest = np.sort(np.argsort(-filled, kind="stable")[: layer.filters])
    layer.set_weights([-kernel[None, None, :, fullest], np.ones(layer.filters, np.float32)])
    for region in _REGIONS:
        for least, factor in _PARTS.items():
            factors = np.full((1, 1, layer.filters, 1), factor * _LIMIT, np.float32)
            model.get_layer(f"histogram.{region}.{least}").set_weights([factors, np.zeros(layer.filters, np.float32)])


def _distances() -> tuple[Array, Array]:
    """Kernel [1, 1, 3, units] and bias [units] over RGB in 0..1: how far beyond each knot, towards each neighbour."""
    kernels, biases = [], []
    for axis, knots in zip(_AXES.T, _KNOTS, strict=True):
        for knot, following in pairwise(knots):
            slope = _LIMIT / (_REACH * (following - knot))
            kernels += [slope * axis, -slope * axis]  # above `knot`, below `following`
            biases += [-slope * knot, slope * following]
    return np.array(kernels, np.float32).T[None, None], np.array(biases, np.float32)


def _bins() -> Array:
    """[units, bins of the whole grid]: the share of each distance in what a bin loses."""
    units, starts = [], np.cumsum([0, *(2 * (len(knots) - 1) for knots in _KNOTS)])
    for start, knots in zip(starts, _KNOTS, strict=False):
        own = np.zeros((starts[-1], len(knots)), np.float32)
        for place in range(len(knots) - 1):
            own[start + 2 * place, place] = 1  # above this knot
            own[start + 2 * place + 1, place + 1] = 1  # below the next
        units.append(own / _LIMIT)
    first, second, third = units
    grid = first[:, :, None, None] + second[:, None, :, None] + third[:, None, None, :]
    return np.asarray(grid.reshape(starts[-1], -1), np.float32)
