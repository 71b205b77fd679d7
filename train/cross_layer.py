"""The weights of a pre-activation ResNet in a form of which int8 loses less: the channels of a map reach equally far.

One int8 range serves all channels of a map. On the residual stream some reach fifty times as far as others, which are
left with a handful of steps, and the norm that reads them blows the rounding up. A positive factor passes through a
ReLU: what makes a channel is multiplied by it, what reads the channel divided (cross-layer equalization: Nagel et al.,
"Data-Free Quantization Through Weight Equalization and Bias Correction", 2019). The function stays the same.

The stream of a stage is read by norms alone, which have a factor for each channel anyway. Within a block kernels read,
whose rows would then differ as the channels did: they take a share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.train.keras import tf, tf_keras
from edge_tagger.train.resnet import Weights, get_weights

_BATCH = 32
_LEAST_SHARE = 0.02  # of the farthest channel: one that is hardly ever on is not blown up
_SHARE_OF_KERNELS = 0.75  # 0.5 and 1 left 7 and 5 % more error in the logits of a model with three heads


@dataclass(frozen=True)
class _Link:
    """Layers that make the channels of `maps`, and layers that read them; `share` is the exponent of the factors."""

    makers: list[str]
    readers: list[str]
    maps: list[str]
    share: float = 1.0


def cross_layer_equalized(model: Any, photos: NDArray[np.uint8]) -> Weights:
    """The weights of a folded model of `resnet.build`, equalized by what uint8 [n, S, S, 3] photos show; those of a
    backbone without pre-activation as they are."""
    weights = get_weights(model)
    links = list(_links({layer.name for layer in model.layers}))
    if not links:
        return weights
    extents = _extents(model, sorted({name for link in links for name in link.maps}), photos)
    for link in links:
        reach = np.max([extents[name] for name in link.maps], axis=0)
        reach = np.maximum(reach, _LEAST_SHARE * reach.max() + 1e-6)
        factors = ((np.median(reach) / reach) ** link.share).astype(np.float32)
        for name in link.makers:
            kernel = _kernel(weights, name)
            weights[kernel] = weights[kernel] * (_column(factors) if "depthwise" in kernel else factors)
            if f"{name}.bias" in weights:
                weights[f"{name}.bias"] = weights[f"{name}.bias"] * factors
        for name in link.readers:
            kernel = _kernel(weights, name)
            weights[kernel] = weights[kernel] / _column(factors)
    return weights


def _links(names: set[str]) -> Iterator[_Link]:
    if "stage1.block1.norm1" not in names:
        return
    yield _Link(["stem.conv"], ["stage1.block1.norm1"], ["stem.conv"])
    stage = 1
    while blocks := [f"stage{stage}.block{n}" for n in range(1, 100) if f"stage{stage}.block{n}.add" in names]:
        following = f"stage{stage + 1}.block1.norm1"
        readers = [*(f"{block}.norm1" for block in blocks[1:]), following if following in names else "final_norm"]
        readers += [f"tap{stage}"] if f"tap{stage}" in names else []
        makers = [f"{blocks[0]}.shortcut", *(f"{block}.conv3" for block in blocks)]
        yield _Link(makers, readers, [f"{block}.add" for block in blocks])
        for place, block in enumerate(blocks):
            shortcut = [f"{block}.shortcut"] if place == 0 else []
            yield _Link([f"{block}.norm1"], [f"{block}.conv1", *shortcut], [f"{block}.norm1"], _SHARE_OF_KERNELS)
            yield _Link([f"{block}.conv1"], [f"{block}.conv2"], [f"{block}.conv1"], _SHARE_OF_KERNELS)
            yield _Link([f"{block}.conv2"], [f"{block}.conv3"], [f"{block}.conv2"], _SHARE_OF_KERNELS)
        stage += 1


def _extents(model: Any, names: list[str], photos: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Name -> [C]: how far each channel of a map reaches from 0."""
    maps = tf_keras.Model(model.input, [model.get_layer(name).output for name in names])

    @tf.function(autograph=False)
    def farthest(pixels: Any) -> Any:
        return [tf.reduce_max(tf.abs(o), (0, 1, 2)) for o in maps(tf.cast(pixels, tf.float32), training=False)]

    found = [farthest(photos[start : start + _BATCH]) for start in range(0, len(photos), _BATCH)]
    return {name: np.max([batch[place] for batch in found], axis=0) for place, name in enumerate(names)}


def _kernel(weights: Weights, layer: str) -> str:
    name = f"{layer}.kernel"
    return name if name in weights else f"{layer}.depthwise_kernel"


def _column(factors: NDArray[np.float32]) -> NDArray[np.float32]:
    """[1, 1, C, 1]: along the channels that a kernel reads."""
    return factors[None, None, :, None]
