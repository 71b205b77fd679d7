"""A teacher for the head: kernel ridge regression on what the head reads (Saunders et al., "Ridge Regression Learning
Algorithm in Dual Variables", 1998; distillation: Hinton et al., 2015).

A photo is answered by the photos like it that were learnt, which is right more often than a head that learns the labels
by gradient descent, above all where a tag has few photos or some wrong labels. On a device that would take all those
photos, and int8 does not hold it: its answers are small differences of large sums. So a head learns the answers, also
between photos (mixup, see "Knowledge distillation: A good teacher is patient and consistent", Beyer et al., 2022).

There are two kernels. One sees all parts of the features alike; the other hardly sees colours and early stages, by
which a red shirt is like a red shoe. Each facet is answered by the one that errs less on photos left out, which ridge
regression tells without learning anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.catalogue.labels import POSITIVE, UNKNOWN, Targets
from edge_tagger.taxonomy import Taxonomy
from edge_tagger.train.head import floored_deviation
from edge_tagger.train.keras import tf

MAX_PHOTOS = 8192  # that answers are made of; memory and time grow with its square and cube
_RIDGE = 0.1
_CLIP = 8.0  # deviations: a channel that hardly varied in these photos is not to decide alone
_SAMPLE = 1000  # photos whose distances tell the width of a kernel
_COLOURS = ("palette.", "histogram.")
_FAINT = 0.25  # what the second kernel sees of colours
_MARGIN = 1e-3  # answers stay this far from 0 and 1

Array = NDArray[np.float32]


class KernelTeacher:
    """Answers for pooled features, learnt from features float32 [n, C] and their targets int8 [n, N].

    `parts` are the names and channels of the features' parts, in order. Of more than MAX_PHOTOS photos so many are
    drawn by `seed`. What is unknown of a photo counts as the tag's share of the known ones.
    """

    def __init__(
        self, features: Array, targets: Targets, parts: Mapping[str, int], taxonomy: Taxonomy, seed: int
    ) -> None:
        if len(features) > MAX_PHOTOS:
            drawn = np.sort(np.random.default_rng(seed).choice(len(features), MAX_PHOTOS, replace=False))
            features, targets = features[drawn], targets[drawn]
        known = targets != UNKNOWN
        share = ((targets == POSITIVE).sum(0) / np.maximum(known.sum(0), 1)).astype(np.float32)
        residuals = np.where(known, (targets == POSITIVE) - share, 0).astype(np.float32)
        self._share = tf.constant(share)
        self._centre = tf.constant(features.mean(0))
        self._deviation = tf.constant(floored_deviation(features))
        self._kernels = [
            _Kernel(self._standardized(features).numpy(), residuals, weights) for weights in _weightings(parts)
        ]
        errors = np.array([kernel.left_out for kernel in self._kernels])
        facets = np.array([tag.facet for tag in taxonomy.tags])
        self.choices = np.array([errors[:, facets == facet].sum(1).argmin() for facet in facets])

    def __call__(self, features: Any) -> Any:
        """Features [B, C] -> each tag's probability [B, N]."""
        standardized = self._standardized(features)
        answers = tf.stack([kernel(standardized) for kernel in self._kernels])
        chosen = tf.reduce_sum(answers * tf.one_hot(self.choices, len(self._kernels), axis=0)[:, None], axis=0)
        return tf.clip_by_value(self._share + chosen, _MARGIN, 1 - _MARGIN)

    def _standardized(self, features: Any) -> Any:
        return tf.clip_by_value((features - self._centre) / self._deviation, -_CLIP, _CLIP)


class _Kernel:
    """A Gaussian kernel over weighted features, as wide as photos lie apart, and its ridge regression.

    `left_out` [N] are the mean squared errors on photos that it had not learnt (leave-one-out: Allen's PRESS, 1974).
    """

    def __init__(self, features: Array, residuals: Array, weights: Array) -> None:
        self._seen = np.flatnonzero(weights)
        self._weights = tf.constant(weights[self._seen])
        self._photos = self._weighted(tf.constant(features))
        self._squares = tf.reduce_sum(self._photos**2, 1)
        self._width = max(float(np.median(self._distances(self._photos[:_SAMPLE])[:, :_SAMPLE])), 1e-6)
        similarity = tf.exp(-self._distances(self._photos) / self._width).numpy()
        inverse = np.linalg.inv(similarity + _RIDGE * np.eye(len(features), dtype=np.float32))
        answers = inverse @ residuals
        self._answers = tf.constant(answers)
        self.left_out: Array = ((answers / np.diag(inverse)[:, None]) ** 2).mean(0)

    def __call__(self, features: Any) -> Any:
        return tf.exp(-self._distances(self._weighted(features)) / self._width) @ self._answers

    def _weighted(self, features: Any) -> Any:
        return tf.gather(features, self._seen, axis=1) * self._weights

    def _distances(self, weighted: Any) -> Any:
        """[B, n], squared, to the photos that were learnt."""
        squares = tf.reduce_sum(weighted**2, 1)[:, None] + self._squares
        return tf.maximum(squares - 2 * tf.matmul(weighted, self._photos, transpose_b=True), 0)


def _weightings(parts: Mapping[str, int]) -> list[Array]:
    """Weights [C]: every part alike and, where that is something else, the last stage with a little of the colours."""
    alike = dict.fromkeys(parts, 1.0)
    last = {name: _FAINT if name.startswith(_COLOURS) else float(not name.startswith("tap")) for name in parts}
    return [
        np.concatenate(
            [np.full(channels, weights[name] / np.sqrt(channels), np.float32) for name, channels in parts.items()]
        )
        for weights in ([alike] if last == alike else [alike, last])
    ]
