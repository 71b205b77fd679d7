from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from edge_tagger.metrics import (
    average_precision,
    expected_calibration_error,
    macro_f1,
    macro_map,
    micro_f1,
    micro_map,
    top1,
)


@pytest.mark.parametrize("levels", [2, 5, 256, 10_000])
@pytest.mark.parametrize("seed", range(5))
def test_average_precision_is_scikit_learns(levels: int, seed: int) -> None:
    """`levels` distinct scores: few make many ties, as int8 does."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, 2, 300)
    targets[0] = 1
    scores = generator.integers(0, levels, 300) / levels
    ours = average_precision(targets, scores.astype(np.float32))
    assert ours == pytest.approx(average_precision_score(targets, scores.astype(np.float32)), abs=1e-12)


def test_unknown_targets_are_left_out() -> None:
    targets, scores = np.array([1, -1, 0, 1, -1]), np.array([0.9, 0.99, 0.5, 0.2, 0.1], np.float32)
    assert average_precision(targets, scores) == pytest.approx(average_precision_score([1, 0, 1], [0.9, 0.5, 0.2]))


def test_no_positive_no_average_precision() -> None:
    assert average_precision(np.array([0, -1]), np.array([0.5, 0.5])) is None
    assert macro_map(np.zeros((3, 2), int), np.zeros((3, 2))) is None
    assert micro_map(np.zeros((3, 2), int), np.zeros((3, 2))) is None


def test_means_leave_tags_without_positives_out() -> None:
    generator = np.random.default_rng(0)
    targets, scores = generator.integers(0, 2, (80, 4)), generator.random((80, 4))
    targets[:, 2] = 0
    used = [0, 1, 3]
    expected = average_precision_score(targets[:, used], scores[:, used], average="macro")
    assert macro_map(targets, scores) == pytest.approx(expected)
    expected = average_precision_score(targets[:, used], scores[:, used], average="micro")
    assert micro_map(targets, scores) == pytest.approx(expected)


def test_f1_is_scikit_learns() -> None:
    generator = np.random.default_rng(1)
    targets, answers = generator.integers(0, 2, (80, 3)), generator.random((80, 3)) > 0.4
    assert micro_f1(targets, answers) == pytest.approx(f1_score(targets, answers, average="micro"))
    assert macro_f1(targets, answers) == pytest.approx(f1_score(targets, answers, average="macro"))


def test_f1_leaves_the_unknown_out() -> None:
    targets = np.array([[1, -1], [0, 1], [-1, 0]])
    answers = np.array([[True, True], [True, True], [True, False]])
    assert micro_f1(targets, answers) == pytest.approx(2 * 2 / (2 + 3))
    assert macro_f1(targets, answers) == pytest.approx((2 / 3 + 1) / 2)
    assert micro_f1(np.zeros((2, 1), int), np.zeros((2, 1), bool)) is None


def test_top1_leaves_blanks_out_and_counts_no_answer_as_wrong() -> None:
    assert top1(["a", "b", None, "c"], ["a", None, "a", "c"]) == pytest.approx(2 / 3)
    assert top1([None], ["a"]) is None


def test_the_calibration_error_is_the_weighted_gap_of_each_bin() -> None:
    scores = np.array([0.1, 0.2, 0.9, 0.8, 1.0], np.float32)  # of two bins
    targets = np.array([0, 1, 1, 1, 0])
    expected = 2 / 5 * abs(0.15 - 0.5) + 3 / 5 * abs(0.9 - 2 / 3)
    assert expected_calibration_error(targets, scores, bins=2) == pytest.approx(expected)


def test_the_calibration_error_leaves_the_unknown_out_and_takes_both_ends() -> None:
    targets, scores = np.array([[0, 1], [-1, 1]]), np.array([[0.0, 1.0], [0.9, 1.0]], np.float32)
    assert expected_calibration_error(targets, scores) == 0
    assert expected_calibration_error(np.full(3, -1), np.zeros(3)) is None


def test_scores_that_are_probabilities_are_better_calibrated_than_sharper_ones() -> None:
    generator = np.random.default_rng(2)
    truth = generator.random(20_000)
    targets = (generator.random(20_000) < truth).astype(np.int8)
    sharper = truth**3 / (truth**3 + (1 - truth) ** 3)
    honest, sharp = (expected_calibration_error(targets, values) for values in (truth, sharper))
    assert honest is not None and sharp is not None and honest < 0.02 and sharp > 0.1
