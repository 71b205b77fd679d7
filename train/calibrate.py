"""Calibration: scores that are probabilities, by a scale and an offset per tag that are folded into the head.

Platt scaling (John Platt, "Probabilistic Outputs for Support Vector Machines", 1999) with a prior. All tags together
are drawn to scale 1 and offset 0, each facet to all tags, each tag to its facet: a tag with few photos is not fitted to
their noise, and one with many goes its own way. The scale is positive, so that photos keep their order within a tag and
average precision is what it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.catalogue.labels import POSITIVE, UNKNOWN, Targets
from edge_tagger.metrics import expected_calibration_error
from edge_tagger.taxonomy import Taxonomy

# How firmly each step of the hierarchy is drawn to the one above: 1 / variance of the scale's logarithm and of the
# offset. Chosen by the cross-fitted log-loss of three models (cross-entropy, focal, asymmetric) among 1 to 300.
SCALE_PRECISION = 30.0
OFFSET_PRECISION = 10.0
_MAX_STEPS = 100
_CONVERGED = 1e-6

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Calibration:
    """`scale` (above 0) and `offset`, float32 [N]: the calibrated logit of a tag is scale * logit + offset."""

    scale: NDArray[np.float32]
    offset: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.scale.ndim != 1 or self.scale.shape != self.offset.shape:
            raise ValueError(f"scale {self.scale.shape} and offset {self.offset.shape} must both be [N]")
        if self.scale.dtype != np.float32 or self.offset.dtype != np.float32:
            raise ValueError(f"scale and offset must be float32, not {self.scale.dtype} and {self.offset.dtype}")
        if not (np.isfinite(self.scale) & np.isfinite(self.offset) & (self.scale > 0)).all():
            raise ValueError("every scale must be finite and above 0, every offset finite")

    def scores(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Calibrated scores float32 of logits, both [photos, N]."""
        return _sigmoid(logits.astype(np.float64) * self.scale + self.offset).astype(np.float32)


def fit_calibration(targets: Targets, logits: NDArray[np.floating[Any]], taxonomy: Taxonomy) -> Calibration:
    """The scale and offset of each tag that make its scores probabilities on the known photos.

    `targets` int8 and finite `logits` (the head's own, before the sigmoid) are [photos, N]; the photos were not trained
    on. A tag without known photos takes those of its facet.
    """
    values = logits.astype(np.float64)
    log_scale, offset = np.zeros(len(taxonomy)), np.zeros(len(taxonomy))
    everything = list(range(len(taxonomy)))
    facets = [places for facet in taxonomy.facets if (places := taxonomy.places(facet.name))]
    for places in (everything, *facets):
        column = places[:1]  # all its tags have the same centre
        flat = np.s_[:, places]
        log_scale[places], offset[places] = _fit(
            targets[flat].reshape(-1, 1), values[flat].reshape(-1, 1), log_scale[column], offset[column]
        )
    log_scale, offset = _fit(targets, values, log_scale, offset)
    return Calibration(np.exp(log_scale).astype(np.float32), offset.astype(np.float32))


def fold_into_head(
    kernel: NDArray[np.float32], bias: NDArray[np.float32], calibration: Calibration
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The kernel [C, N] and bias [N] of a dense head whose logits are the calibrated ones."""
    return kernel * calibration.scale, bias * calibration.scale + calibration.offset


def cross_fitted_errors(
    targets: Targets, logits: NDArray[np.floating[Any]], taxonomy: Taxonomy, *, seed: int = 0
) -> dict[str, float | None]:
    """`val_ece_before` and `val_ece_after`: the expected calibration error on photos that calibration did not see."""
    after = cross_fitted_scores(targets, logits, taxonomy, seed=seed)
    return {
        "val_ece_before": expected_calibration_error(targets, _sigmoid(logits.astype(np.float64))),
        "val_ece_after": expected_calibration_error(targets, after),
    }


def cross_fitted_scores(
    targets: Targets, logits: NDArray[np.floating[Any]], taxonomy: Taxonomy, *, seed: int = 0
) -> NDArray[np.float32]:
    """Scores of logits, both [photos, N]: one random half of the photos calibrated by the other, and the other way
    round."""
    first = np.random.default_rng(seed).permutation(len(targets)) < len(targets) // 2
    scores = np.empty(logits.shape, np.float32)
    for half in (first, ~first):
        scores[~half] = fit_calibration(targets[half], logits[half], taxonomy).scores(logits[~half])
    return scores


def _fit(targets: Targets, logits: Values, log_scale: Values, offset: Values) -> tuple[Values, Values]:
    """Logarithms of scales and offsets [columns] of least penalized log-loss, by damped Gauss-Newton.

    They are drawn to, and start at, `log_scale` and `offset`.
    """
    known, positive = targets != UNKNOWN, targets == POSITIVE
    centre = np.stack(np.broadcast_arrays(log_scale, offset, np.zeros(targets.shape[1]))[:2])
    precision = np.array([[SCALE_PRECISION], [OFFSET_PRECISION]])

    def loss(point: Values) -> Values:
        calibrated = np.exp(point[0]) * logits + point[1]
        each = known * (np.logaddexp(0, calibrated) - positive * calibrated)
        return np.asarray(each.sum(axis=0) + (precision * (point - centre) ** 2).sum(axis=0) / 2)

    point, damping = centre.copy(), np.full(targets.shape[1], 1e-3)
    best = loss(point)
    for _ in range(_MAX_STEPS):
        step = _step(known, positive, logits, point, precision * (point - centre), precision, damping)
        found = loss(point + step)
        better = found <= best
        point = np.where(better, point + step, point)
        best = np.minimum(found, best)
        damping = np.where(better, damping / 10, damping * 10)
        if np.abs(step).max() < _CONVERGED:
            break
    return point[0], point[1]


def _step(
    known: NDArray[np.bool_],
    positive: NDArray[np.bool_],
    logits: Values,
    point: Values,
    pull: Values,
    precision: Values,
    damping: Values,
) -> Values:
    """One damped Gauss-Newton step [2, columns]: each column solves its own 2x2 system."""
    scaled = np.exp(point[0]) * logits
    scores = _sigmoid(scaled + point[1])
    residual, weight = known * (scores - positive), known * scores * (1 - scores)
    slope_scale, slope_offset = (residual * scaled).sum(axis=0) + pull[0], residual.sum(axis=0) + pull[1]
    curve_scale = ((weight * scaled**2).sum(axis=0) + precision[0]) * (1 + damping)
    curve_offset = (weight.sum(axis=0) + precision[1]) * (1 + damping)
    mixed = (weight * scaled).sum(axis=0)
    determinant = curve_scale * curve_offset - mixed**2
    step = np.stack(
        [mixed * slope_offset - curve_offset * slope_scale, mixed * slope_scale - curve_scale * slope_offset]
    )
    return np.asarray(np.clip(step / determinant, -1, 1))


def _sigmoid(logits: Values) -> Values:
    return np.asarray(np.exp(-np.logaddexp(0, -logits)))
