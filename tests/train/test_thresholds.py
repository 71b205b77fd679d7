from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from edge_tagger.catalogue.labels import Targets
from edge_tagger.errors import RecipeError
from edge_tagger.train.thresholds import DEFAULT_THRESHOLD, Target, missed, parse_target, tune_thresholds

Scores = NDArray[np.float32]


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("best F1", Target()),
        (" BEST  f1 ", Target()),
        ("precision >= 0.9", Target("precision", 0.9)),
        ("recall>=.8", Target("recall", 0.8)),
        ("precision >= 1", Target("precision", 1.0)),
    ],
)
def test_a_target_is_read_and_told_as_a_user_writes_it(text: str, target: Target) -> None:
    assert parse_target(text) == target and parse_target(str(target)) == target


@pytest.mark.parametrize(
    "text", ["", "F1", "best", "precision", "precision > 0.9", "precision >= 90%", "recall >= 0", "recall >= 1.5"]
)
def test_another_target_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(RecipeError, match="'best F1', 'precision >= P' or 'recall >= R'"):
        parse_target(text)


@pytest.mark.parametrize(("measure", "share"), [("accuracy", 0.9), ("F1", 0.9), ("precision", None), ("recall", 2.0)])
def test_a_target_checks_itself(measure: str, share: float | None) -> None:
    with pytest.raises(ValueError, match="best F1"):
        Target(measure, share)


def calibrated(photos: int, rates: list[float], *, seed: int) -> tuple[Targets, Scores]:
    """Targets and scores [photos, tags] where a score is the probability of its target, on the grid of int8."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(photos, len(rates))) * 3 + np.log(rates)
    scores = np.round(256 / (1 + np.exp(-logits))).clip(0, 255) / 256
    return (generator.random(scores.shape) < scores).astype(np.int8), scores.astype(np.float32)


def test_with_many_photos_a_threshold_has_all_but_the_best_f1_of_all_thresholds() -> None:
    targets, scores = calibrated(8000, [0.5, 0.1, 1.0], seed=0)
    thresholds = tune_thresholds(targets, scores, Target())
    for tag, threshold in enumerate(thresholds):
        best = max(f1_score(targets[:, tag], scores[:, tag] >= cut) for cut in np.arange(257) / 256)
        assert f1_score(targets[:, tag], scores[:, tag] >= threshold) > best - 0.003
    assert len({round(threshold, 1) for threshold in thresholds}) > 1


def test_three_lucky_photos_do_not_move_a_threshold_far() -> None:
    """The tag's own best F1 is at 0.95, or at 0.03; the other tags say about 0.4."""
    targets, scores = calibrated(800, [0.5, 0.5, 0.5], seed=1)
    for luck in (0.97, 0.05):
        targets[:, 2], scores[:, 2] = 0, 0.01
        targets[:3, 2], scores[:3, 2] = 1, luck
        scores[3:6, 2] = luck - 0.03
        pooled = tune_thresholds(targets[:, :2], scores[:, :2], Target())
        assert abs(tune_thresholds(targets, scores, Target())[2] - pooled[0]) < 0.3


def test_a_tag_that_nothing_is_known_of_takes_the_threshold_of_all() -> None:
    targets, scores = calibrated(500, [0.3, 0.3], seed=2)
    targets[:, 1] = -1
    alone = tune_thresholds(targets[:, :1], scores[:, :1], Target())
    thresholds = tune_thresholds(targets, scores, Target())
    assert abs(thresholds[1] - alone[0]) < 0.05
    assert tune_thresholds(np.full((4, 2), -1, np.int8), scores[:4], Target()) == (DEFAULT_THRESHOLD,) * 2


def test_a_precision_is_held_with_the_lowest_threshold_that_does() -> None:
    targets, scores = calibrated(4000, [0.4, 1.0], seed=3)
    target = Target("precision", 0.9)
    thresholds = tune_thresholds(targets, scores, target)
    assert missed(targets, scores, thresholds, target) == ()
    for tag, threshold in enumerate(thresholds):
        lower = scores[:, tag] >= threshold - 0.03
        assert targets[lower, tag].mean() < 0.9 + 0.003


def test_a_recall_is_held_with_the_highest_threshold_that_does() -> None:
    targets, scores = calibrated(4000, [0.4, 1.0], seed=4)
    target = Target("recall", 0.8)
    thresholds = tune_thresholds(targets, scores, target)
    assert missed(targets, scores, thresholds, target) == ()
    for tag, threshold in enumerate(thresholds):
        assert (scores[targets[:, tag] == 1, tag] >= threshold + 0.03).mean() < 0.8 + 0.003


def test_few_photos_that_are_all_right_do_not_prove_a_precision() -> None:
    """Three photos of three are right at a score of 0.5: by the score, half of more would be."""
    targets, scores = np.zeros((50, 1), np.int8), np.full((50, 1), 0.01, np.float32)
    targets[:3], scores[:3] = 1, 0.5
    assert tune_thresholds(targets, scores, Target("precision", 0.9))[0] == 0.9


@pytest.mark.parametrize(("highest", "silent_from"), [(0.97, 0.97), (0.4, 0.9), (1.0, 1.0)])
def test_a_tag_that_cannot_hold_a_precision_is_silent_and_named(highest: float, silent_from: float) -> None:
    targets = np.array([[1, 0], [1, 1], [0, 1], [0, 1]], np.int8)
    scores = np.array([[0.99, highest], [0.98, 0.2], [0.01, 0.2], [0.01, 0.2]], np.float32)
    target = Target("precision", 0.9)
    thresholds = tune_thresholds(targets, scores, target)
    assert silent_from <= thresholds[1] <= 1 and missed(targets, scores, thresholds, target) == (1,)
    if highest < 1:
        assert not (scores[:, 1] >= thresholds[1]).any()


def test_best_f1_promises_nothing_that_could_be_missed() -> None:
    targets, scores = np.zeros((3, 1), np.int8), np.zeros((3, 1), np.float32)
    assert missed(targets, scores, tune_thresholds(targets, scores, Target()), Target()) == ()
    assert missed(targets, scores, (0.5,), Target("recall", 0.8)) == (0,)  # no positive to show it on


@pytest.mark.parametrize("text", ["best F1", "precision >= 0.9", "recall >= 0.8"])
def test_thresholds_serve_float_and_int8_scores_alike(text: str) -> None:
    generator = np.random.default_rng(5)
    targets = generator.integers(-1, 2, (300, 4)).astype(np.int8)
    scores = generator.beta(0.3, 0.3, (300, 4)).astype(np.float32)
    rounded = (np.round(scores * 256).clip(0, 255) / 256).astype(np.float32)
    thresholds = tune_thresholds(targets, scores, parse_target(text))
    assert thresholds == tune_thresholds(targets, rounded, parse_target(text))
    assert all(0 <= threshold <= 1 for threshold in thresholds)
