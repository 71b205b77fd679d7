"""The head while it learns: on features of mean 0 and deviation 1, which is what gradient descent does best on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.train.keras import tf

_LEAST_SHARE = 0.1  # of the median deviation: features that hardly vary are not blown up


class StandardizedHead:
    """The Dense layer "head" of a model, called with pooled features [B, C]; the statistics are taken out of its
    weights again by `end`. Until `begin` they are 0 and 1."""

    def __init__(self, head: Any) -> None:
        self.head = head
        self.channels = channels = int(head.kernel.shape[0])
        self.centre = tf.Variable(tf.zeros(channels), trainable=False, name="centre")
        self.deviation = tf.Variable(tf.ones(channels), trainable=False, name="deviation")

    @property
    def state(self) -> list[Any]:
        return [self.centre, self.deviation]

    def standardize(self, pooled: Any) -> Any:
        return (pooled - self.centre) / self.deviation

    def begin(self, pooled: NDArray[np.float32]) -> None:
        """Take the statistics of features [n, C] and write the same head for standardized ones."""
        deviation = pooled.std(0)
        self.deviation.assign(np.maximum(deviation, _LEAST_SHARE * np.median(deviation) + 1e-6))
        self.centre.assign(pooled.mean(0))
        kernel, bias = self.head.get_weights()
        self.head.set_weights([kernel * self.deviation.numpy()[:, None], bias + self.centre.numpy() @ kernel])

    def end(self) -> None:
        """Write the same head for features as they are."""
        kernel, bias = self.head.get_weights()
        kernel = kernel / self.deviation.numpy()[:, None]
        self.head.set_weights([kernel, bias - self.centre.numpy() @ kernel])
