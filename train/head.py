"""The head while it learns: on features of mean 0 and deviation 1, which is what gradient descent does best on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.train.keras import tf

_LEAST_SHARE = 0.1  # of the median deviation: features that hardly vary are not blown up
_LIMIT = 6.0  # what the pooled maps are clipped at


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
        deviation = pooled.std(0)
        self.deviation.assign(np.maximum(deviation, _LEAST_SHARE * np.median(deviation) + 1e-6))
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


def bound(model: Any, pooled: NDArray[np.float32]) -> None:
    """Scale the palette's colours and the hidden units to reach 6 on features [n, C], as the pooled maps beside them
    do, and what reads them to undo it: the same function, and one int8 range serves all that the head sees."""
    layers = {layer.name: layer for layer in model.layers}
    head, hidden, palette = layers["head"], layers.get("hidden"), layers.get("palette.conv2")
    if palette is not None:
        colours = slice(pooled.shape[1] - 2 * palette.filters, pooled.shape[1])
        scale = _to_limit(pooled[:, colours].reshape(-1, palette.filters))
        _scale_outputs(palette, scale)
        both = np.tile(scale, 2)
        pooled = np.concatenate([pooled[:, : colours.start], pooled[:, colours] * both], axis=1)
        for reader in (hidden, head):
            if reader is not None:
                _scale_inputs(reader, colours, both)
    if hidden is not None:
        kernel, bias = hidden.get_weights()
        scale = _to_limit(np.maximum(pooled @ kernel + bias, 0))
        _scale_outputs(hidden, scale)
        _scale_inputs(head, slice(pooled.shape[1], None), scale)


def _to_limit(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 [C]: what brings the greatest value of each channel to the limit; one that is hardly ever on is not blown
    up."""
    greatest = values.max(0)
    scale: NDArray[np.float32] = (_LIMIT / np.maximum(greatest, np.median(greatest) / 4 + 1e-6)).astype(np.float32)
    return scale


def _scale_outputs(layer: Any, scale: NDArray[np.float32]) -> None:
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel * scale, bias * scale])


def _scale_inputs(layer: Any, rows: slice, scale: NDArray[np.float32]) -> None:
    """Undo a scale of some of a Dense layer's inputs."""
    kernel, bias = layer.get_weights()
    kernel[rows] /= scale[:, None]
    layer.set_weights([kernel, bias])
