"""Per-tag thresholds, tuned on the validation split for a target that the user names.

Scores are calibrated (edge_tagger.train.calibrate) and consistent, as the decoder compares them. A tag with few
positive photos is not tuned on those alone: each photo counts as a mixture of its label and its score, which is a
probability, and the scores weigh as much as SCORE_WEIGHT positive photos do. The best F1 of expected counts: Lipton,
Elkan and Narayanaswamy, "Optimal Thresholding of Classifiers to Maximize F1 Measure", ECML PKDD 2014.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_tagger.catalogue.labels import NEGATIVE, POSITIVE, UNKNOWN, Targets
from edge_tagger.errors import RecipeError

DEFAULT_THRESHOLD = 0.5
# In positive photos. Chosen by cross-validated F1 within the validation split, on the scores of three models
# (cross-entropy, focal, asymmetric), among 0 to 1e9 and 0 to 20. With SCORE_WEIGHT 0 tags tuned on one half to a
# precision of 0.9 had 0.85 on the other; with 100 they had 0.91.
SCORE_WEIGHT = 100
POOLED_WEIGHT = 5
_ALLOWED = "'best F1', 'precision >= P' or 'recall >= R' with a share between 0 and 1, as in 'precision >= 0.9'"
_PATTERN = re.compile(r"(precision|recall)\s*>=\s*(\d*\.?\d+)", re.IGNORECASE)
_STEPS = 256  # an int8 model answers in steps of 1/256: cuts lie between them, so that they serve every format
_SLACK = 1e-9  # for the rounding of sums

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """What thresholds are tuned for: the best F1 (`at_least` None), or a precision or recall of at least a share."""

    measure: str = "F1"
    at_least: float | None = None

    def __post_init__(self) -> None:
        share = self.at_least
        if self.measure not in ("F1", "precision", "recall") or (self.measure == "F1") != (share is None):
            raise ValueError(f"{self.measure!r} with {share!r} is no target for thresholds; give {_ALLOWED}")
        if share is not None and not 0 < share <= 1:
            raise ValueError(f"a {self.measure} of {share!r} cannot be a target; give {_ALLOWED}")

    def __str__(self) -> str:
        return "best F1" if self.at_least is None else f"{self.measure} >= {self.at_least:g}"


def parse_target(text: str) -> Target:
    """The target that a user wrote: `best F1`, `precision >= 0.9` or `recall >= 0.8`. Raises RecipeError."""
    if " ".join(text.split()).lower() == "best f1":
        return Target()
    found = _PATTERN.fullmatch(text.strip())
    if found is None:
        raise RecipeError(f"{text!r} is no target for thresholds; give {_ALLOWED}")
    try:
        return Target(found[1].lower(), float(found[2]))
    except ValueError as error:
        raise RecipeError(str(error)) from error


@dataclass(frozen=True)
class _Cuts:
    """What known photos say of every threshold between two distinct scores, from the highest to the lowest.

    Counts of the photos at or above each cut: `answered`, and of these `right` by their labels and `expected` by the
    mixture of labels and scores; then the totals of both, and the highest score.
    """

    thresholds: Values
    answered: Values
    right: Values
    expected: Values
    positives: float
    expected_positives: float
    highest: float


def tune_thresholds(targets: Targets, scores: NDArray[np.float32], target: Target) -> tuple[float, ...]:
    """For each tag the threshold that serves `target` on the known photos, with four decimals.

    `targets` int8 and `scores` float32 are [photos, N]. What holds, holds for every tag on its own, before decoding:
    an exclusive facet answers one path, which costs recall and adds precision.

    Best F1: that of expected counts, drawn to the threshold of all tags together with the weight of 5 positive photos.
    Precision: the lowest threshold that holds it by the labels and by the mixture. Where none does, the tag stays
    silent on these photos, and on scores below the share itself, for a score is a probability. Recall: the highest
    threshold that holds it both ways. `missed` tells which tags do not reach the target.
    """
    columns = range(targets.shape[1])
    if target.measure == "F1":
        pooled = _best_f1(_cuts(targets.ravel(), scores.ravel()))
        tuned = [_drawn(_cuts(targets[:, tag], scores[:, tag]), pooled) for tag in columns]
    else:
        share = float(target.at_least or 0)
        choose = _lowest_precise if target.measure == "precision" else _highest_complete
        tuned = [choose(_cuts(targets[:, tag], scores[:, tag]), share) for tag in columns]
    return tuple(round(threshold, 4) for threshold in tuned)


def missed(
    targets: Targets, scores: NDArray[np.float32], thresholds: tuple[float, ...], target: Target
) -> tuple[int, ...]:
    """Places of the tags that fall short of a precision or recall on these photos, or have nothing to show it on."""
    if target.at_least is None:
        return ()
    answered = (scores >= np.asarray(thresholds, np.float32)) & (targets != UNKNOWN)
    right = (answered & (targets == POSITIVE)).sum(axis=0)
    counted = answered.sum(axis=0) if target.measure == "precision" else (targets == POSITIVE).sum(axis=0)
    return tuple(np.flatnonzero((counted == 0) | (right < target.at_least * counted - _SLACK)).tolist())


def _cuts(targets: Targets, scores: NDArray[np.float32]) -> _Cuts:
    known = (targets == POSITIVE) | (targets == NEGATIVE)
    steps = np.minimum(np.round(scores[known].astype(np.float64) * _STEPS), _STEPS - 1)
    order = np.argsort(-steps, kind="stable")
    ranked: Values = steps[order] / _STEPS
    positive = (targets[known][order] == POSITIVE).astype(np.float64)
    trust = positive.sum() / (positive.sum() + SCORE_WEIGHT)
    mixture = trust * positive + (1 - trust) * ranked
    ends = np.flatnonzero(ranked != np.append(ranked[1:], -1.0))  # the last photo of each distinct score
    return _Cuts(
        (ranked[ends] + np.append(ranked[1:], 0.0)[ends]) / 2,
        np.asarray(ends + 1, np.float64),
        np.cumsum(positive)[ends],
        np.cumsum(mixture)[ends],
        float(positive.sum()),
        float(mixture.sum()),
        float(ranked[0]) if len(ranked) else 0.0,
    )


def _best_f1(cuts: _Cuts) -> float:
    if not len(cuts.thresholds):
        return DEFAULT_THRESHOLD
    f1 = 2 * cuts.expected / (cuts.expected_positives + cuts.answered)
    return float(cuts.thresholds[np.argmax(f1)])


def _drawn(cuts: _Cuts, pooled: float) -> float:
    """The tag's best threshold, drawn to that of all tags on the scale of logits, where those of rare tags lie."""
    trust = cuts.positives / (cuts.positives + POOLED_WEIGHT)
    return 1 / (1 + math.exp(-trust * _logit(_best_f1(cuts)) - (1 - trust) * _logit(pooled)))


def _lowest_precise(cuts: _Cuts, share: float) -> float:
    needed = share * cuts.answered - _SLACK
    holding = np.flatnonzero((cuts.right >= needed) & (cuts.expected >= needed))
    if len(holding):
        return float(cuts.thresholds[holding[-1]])
    above = cuts.highest + 0.5 / _STEPS if cuts.highest < 1 - 1 / _STEPS else 1.0
    return max(above, share)


def _highest_complete(cuts: _Cuts, share: float) -> float:
    enough = cuts.right >= share * cuts.positives - _SLACK
    enough &= cuts.expected >= share * cuts.expected_positives - _SLACK
    return float(cuts.thresholds[np.argmax(enough)]) if len(enough) else DEFAULT_THRESHOLD


def _logit(threshold: float) -> float:
    inside = max(threshold, 0.5 / _STEPS)  # 0 answers always
    return math.log(inside / (1 - inside))


def best_f1_thresholds(targets: Targets, scores: NDArray[np.float32]) -> tuple[float, ...]:
    """`tune_thresholds` for the best F1."""
    return tune_thresholds(targets, scores, Target())
