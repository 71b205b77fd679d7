"""Where a training starts: pretrained weights with taps, their pooled maps brought to one scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.train.backbones import BACKBONES
from edge_tagger.train.keras import tf, tf_keras
from edge_tagger.train.recipe import ModelOptions
from edge_tagger.train.resnet import Weights
from edge_tagger.train.weights import pixel_affine

_BATCH = 32
_CLIP = 6.0  # of ReLU6
_CLIPPED_PERCENTILE = 95
_HEAD = ("hidden.", "palette.", "histogram.")  # new, as the recipe wants it, where the weights come without their head


def start_weights(options: ModelOptions, pretrained: Weights | None) -> Weights:
    """What `resnet.set_weights` is to be given: nothing pretrained gives only the pixels' normalization.

    A pre-activation stage is tapped as the next stage reads it, through a copy of that one's first norm.
    """
    if pretrained is None:
        return pixel_affine(options.backbone)
    new = () if "head.kernel" in pretrained else _HEAD
    weights = {name: value for name, value in pretrained.items() if not name.startswith(new)}
    spec = BACKBONES[options.backbone]
    for name, stage in [*((f"tap{tap}", tap) for tap in options.taps), ("final_norm", options.stages)]:
        channels = spec.channels(stage - 1)
        source = f"stage{stage + 1}.block1.norm1"
        identity = {
            "depthwise_kernel": np.ones((1, 1, channels, 1), np.float32),
            "bias": np.zeros(channels, np.float32),
        }
        for part, otherwise in identity.items():
            weights.setdefault(f"{name}.{part}", weights.get(f"{source}.{part}", otherwise))
    return weights


def equalize(model: Any, photos: NDArray[np.uint8]) -> None:
    """Scale each channel of the pooled maps, in the affine layers before their ReLU, by what uint8 [n, S, S, 3] photos
    show. A ReLU lets a positive factor through, so that a head can undo it: nothing is lost.

    With ReLU6 each channel's maximum over a photo reaches 6 in one photo of twenty; without, its mean over a photo
    deviates by 1. Pretrained maps had means that deviated by 0.001 to 0.03; on such, gradient descent with steps of one
    size leaves a head far from its optimum (validation macro mAP 0.60 after 40 epochs, at deviation 1 0.73 after 20),
    and one int8 range serves the largest alone. A model whose last layers are no affine ones is left as it is.
    """
    norms = [layer for layer in model.layers if layer.name.startswith(("tap", "final_norm")) and layer.weights]
    if not norms:
        return
    maps = tf_keras.Model(model.input, [layer.get_input_at(0) for layer in norms])

    @tf.function(autograph=False)
    def pooled(pixels: Any) -> Any:
        outputs = tf.nest.flatten(maps(tf.cast(pixels, tf.float32), training=False))
        outputs = [
            tf.nn.relu(layer.depthwise_kernel[..., 0] * o + layer.bias) for layer, o in zip(norms, outputs, strict=True)
        ]
        return [(tf.reduce_mean(o, (1, 2)), tf.reduce_max(o, (1, 2))) for o in outputs]

    seen = [pooled(photos[start : start + _BATCH]) for start in range(0, len(photos), _BATCH)]
    for place, layer in enumerate(norms):
        means, maxima = (np.concatenate([batch[place][kind].numpy() for batch in seen]) for kind in (0, 1))
        clipped = layer.activation is tf.nn.relu6
        extent = np.percentile(maxima, _CLIPPED_PERCENTILE, axis=0) / _CLIP if clipped else means.std(0)
        typical = max(float(np.median(extent)), 1e-6)
        scale = (1 / np.clip(extent, typical / 4, typical * 4)).astype(np.float32)
        kernel, bias = layer.get_weights()
        layer.set_weights([kernel * scale[None, None, :, None], bias * scale])
