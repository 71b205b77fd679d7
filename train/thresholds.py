"""Per-tag thresholds, tuned on the validation split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_tagger.catalogue.labels import NEGATIVE, POSITIVE, Targets

DEFAULT_THRESHOLD = 0.5
MIN_POSITIVES = 3


def best_f1_thresholds(targets: Targets, scores: NDArray[np.float32]) -> tuple[float, ...]:
    """For each tag the threshold with the best F1 over the known photos, halfway between two neighbouring scores.

    `targets` int8 and `scores` float32 are [photos, N]; scores are consistent, as the decoder compares them. A tag
    with fewer than 3 positive photos keeps 0.5: too few to tune on.
    """
    return tuple(_best_f1(targets[:, tag], scores[:, tag]) for tag in range(targets.shape[1]))


def _best_f1(targets: NDArray[np.int8], scores: NDArray[np.float32]) -> float:
    known = (targets == POSITIVE) | (targets == NEGATIVE)
    positive = targets[known] == POSITIVE
    if positive.sum() < MIN_POSITIVES:
        return DEFAULT_THRESHOLD
    order = np.argsort(-scores[known], kind="stable")
    ranked = scores[known][order].astype(np.float64)
    hits = np.cumsum(positive[order])
    f1 = 2 * hits / (np.arange(1, len(ranked) + 1) + positive.sum())
    f1[:-1][ranked[:-1] == ranked[1:]] = 0  # a threshold cannot cut between equal scores
    best = int(np.argmax(f1))
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return round(float((ranked[best] + below) / 2), 4)
