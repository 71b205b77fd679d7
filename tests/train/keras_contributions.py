"""What edge_tagger.explain is held to: gradient times activation of a Keras model, by tf.GradientTape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.train.keras import tf, tf_keras

Values = NDArray[np.float32]


def pooled_layers(model: Any) -> list[str]:
    """The layers of a model of `resnet.build` whose maps its head reads; those of colours are the last."""
    names = {layer.name for layer in model.layers}
    last = "final_norm" if "final_norm" in names else model.get_layer("features").input.name.partition("/")[0]
    return [
        name for name in (last, "tap1", "tap2", "palette.conv2", "histogram.conv2") if name in names or name == last
    ]


class KerasContributions:
    """Of `layers` [1, h, w, C] to the logits, the output of the layer `logits`."""

    def __init__(self, model: Any, layers: Sequence[str], *, logits: str = "head") -> None:
        outputs = [model.get_layer(name).output for name in layers]
        flat = tf.reshape(model.get_layer(logits).output, (1, -1))
        self._model = tf_keras.Model(model.input, [*outputs, flat])

    def __call__(self, photo: NDArray[np.uint8], places: Sequence[int]) -> list[Values]:
        """[h, w] for each place of the logits, the sum of all maps on the grid of the coarsest."""
        with tf.GradientTape(persistent=True) as tape:
            pixels = tf.Variable(photo[None].astype(np.float32))
            *maps, logits = self._model(pixels, training=False)
            chosen = [logits[0, place] for place in places]
        found = []
        for logit in chosen:
            gradients = tape.gradient(logit, maps)
            parts = [(g * a).numpy().sum(-1)[0] for g, a in zip(gradients, maps, strict=True) if g is not None]
            found.append(_summed(parts))
        return found


def correlation(first: Values, second: Values) -> float:
    """Pearson's, over the places."""
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def _summed(maps: Sequence[Values]) -> Values:
    """Each cell of the coarsest grid, which divides the others, gets what lies on it."""
    height, width = min(m.shape for m in maps)
    blocks = [m.reshape(height, m.shape[0] // height, width, m.shape[1] // width).sum((1, 3)) for m in maps]
    return np.sum(blocks, axis=0, dtype=np.float32)
