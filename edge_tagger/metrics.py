"""How good scores are against targets: average precision, F1, top-1. numpy only, so that a device can measure itself.

Targets are int8 [photos, N]: 1 has the tag, 0 has it not, -1 unknown (left out). Scores are float [photos, N].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]


def average_precision(targets: Values, scores: Values) -> float | None:
    """The sum of precision times gain in recall over the distinct scores [photos], as scikit-learn defines it.

    Photos of equal score count together. None where no target is positive, for then there is no recall.
    """
    known = targets >= 0
    hits, ranked = targets[known] == 1, scores[known]
    total = int(hits.sum())
    if total == 0:
        return None
    order = np.argsort(-ranked, kind="stable")
    hits, ranked = hits[order], ranked[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # the last photo of each distinct score
    found = np.cumsum(hits)[ends]
    precision = found / (ends + 1)
    recall = found / total
    return float(np.sum(precision * np.diff(recall, prepend=0.0)))


def macro_map(targets: Values, scores: Values) -> float | None:
    """The mean of the tags' average precisions, over tags with at least one positive; None where there are none."""
    each = [average_precision(targets[:, tag], scores[:, tag]) for tag in range(targets.shape[1])]
    return _mean([value for value in each if value is not None])


def micro_map(targets: Values, scores: Values) -> float | None:
    """Average precision over all known (photo, tag) pairs of the tags with at least one positive."""
    tags = _with_positives(targets)
    return average_precision(targets[:, tags].ravel(), scores[:, tags].ravel())


def micro_f1(targets: Values, answers: Values) -> float | None:
    """F1 of the answers (bool [photos, N]) over all known pairs; None with neither a positive nor an answer."""
    known = targets >= 0
    return _f1(_count(known & (targets == 1) & answers), _count(known & (targets == 1)), _count(known & answers))


def macro_f1(targets: Values, answers: Values) -> float | None:
    """The mean of the tags' F1, over tags with at least one positive; None where there are none."""
    tags = _with_positives(targets)
    each = [micro_f1(targets[:, [tag]], answers[:, [tag]]) for tag in np.flatnonzero(tags)]
    return _mean([value for value in each if value is not None])


def top1(truths: Sequence[str | None], answers: Sequence[str | None]) -> float | None:
    """The share of photos whose answer is the truth; a truth of None is unknown and left out. None where all are."""
    pairs = [(truth, answer) for truth, answer in zip(truths, answers, strict=True) if truth is not None]
    return sum(truth == answer for truth, answer in pairs) / len(pairs) if pairs else None


def expected_calibration_error(targets: Values, scores: Values, bins: int = 15) -> float | None:
    """How far scores are from the share that is positive: the mean gap over bins of equal width, weighted by size.

    Over all known pairs of `targets`, `scores` [photos] or [photos, N]; a bin holds its upper edge. 0 is perfect.
    None where nothing is known. Source: Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks",
    ICML 2017.
    """
    counts, given, right = calibration_bins(targets, scores, bins)
    return float(np.abs(given - right).sum() / counts.sum()) if counts.any() else None


def calibration_bins(targets: Values, scores: Values, bins: int = 15) -> tuple[Values, Values, Values]:
    """Number of known pairs, sum of their scores and number of positives, float64 [bins], by bins of equal width."""
    known = targets >= 0
    right, given = (targets[known] == 1).astype(np.float64), scores[known].astype(np.float64)
    places = np.clip(np.ceil(given * bins) - 1, 0, bins - 1).astype(np.intp)
    counts = np.bincount(places, minlength=bins).astype(np.float64)
    return counts, np.bincount(places, given, bins), np.bincount(places, right, bins)


def _with_positives(targets: Values) -> NDArray[np.bool_]:
    return np.asarray((targets == 1).any(axis=0), dtype=np.bool_)


def _f1(right: int, positives: int, answered: int) -> float | None:
    return 2 * right / (positives + answered) if positives + answered else None


def _count(mask: Values) -> int:
    return int(np.count_nonzero(mask))


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
