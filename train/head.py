"""The head while it learns: on features of mean 0 and deviation 1, which is what gradient descent does best on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.train.keras import tf, tf_keras

_LEAST_SHARE = 0.1  # of the median deviation: channels that hardly vary are not blown up


def floored_deviation(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features [n, C] -> each channel's standard deviation [C], and a share of the median one where it is less."""
    deviation = features.std(0)
    floored: NDArray[np.float32] = np.maximum(deviation, _LEAST_SHARE * np.median(deviation) + 1e-6)
    return floored


def start_head(model: Any, seed: int, bias: NDArray[np.float32]) -> None:
    """A head that knows nothing: small weights by `seed`, and `bias` float32 [N]."""
    head = model.get_layer("head")
    kernel = tf_keras.initializers.GlorotUniform(seed)(head.kernel.shape).numpy()
    head.set_weights([kernel * np.float32(0.1), bias])


class StandardizedHead:
    """The layers "hidden" (if there is one) and "head" of a model, called with pooled features [B, C]. The statistics
    of the features are taken out of the weights again by `end`; until `begin` they are 0 and 1."""

    def __init__(self, model: Any) -> None:
        self.head = model.get_layer("head")
        self.hidden = next((layer for layer in model.layers if layer.name == "hidden"), None)
        self.channels = model.get_layer("features").output_shape[-1]
        self.width = self.channels + (self.hidden.units if self.hidden is not None else 0)
        self.centre = tf.Variable(tf.zeros(self.channels), trainable=False, name="centre")
        self.deviation = tf.Variable(tf.ones(self.channels), trainable=False, name="deviation")

    @property
    def state(self) -> list[Any]:
        return [self.centre, self.deviation]

    def __call__(self, pooled: Any, mask: Any = None) -> Any:
        """Logits [B, N]; features and hidden units are multiplied by `mask` [B, width], where there is one."""
        x = (pooled - self.centre) / self.deviation
        if mask is not None:
            x *= mask[:, : self.channels]
        if self.hidden is not None:
            units = self.hidden(x)
            if mask is not None:
                units *= mask[:, self.channels :]
            x = tf.concat([x, units], axis=1)
        return self.head(x)

    def begin(self, pooled: NDArray[np.float32]) -> None:
        """Take the statistics of features [n, C] and write the same function of standardized ones."""
        self.deviation.assign(floored_deviation(pooled))
        self.centre.assign(pooled.mean(0))
        for layer in self._layers():
            kernel, bias = layer.get_weights()
            features = kernel[: self.channels]
            scaled = np.concatenate([features * self.deviation.numpy()[:, None], kernel[self.channels :]])
            layer.set_weights([scaled, bias + self.centre.numpy() @ features])

    def end(self) -> None:
        """Write the same function of features as they are."""
        for layer in self._layers():
            kernel, bias = layer.get_weights()
            features = kernel[: self.channels] / self.deviation.numpy()[:, None]
            layer.set_weights(
                [np.concatenate([features, kernel[self.channels :]]), bias - self.centre.numpy() @ features]
            )

    def _layers(self) -> list[Any]:
        return [self.head] if self.hidden is None else [self.hidden, self.head]
