from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_tagger.taxonomy import Facet, Tag, Taxonomy
from edge_tagger.train import kernel
from edge_tagger.train.kernel import KernelTeacher

PARTS = {"final.mean": 5, "histogram.whole.mean": 7}
TAXONOMY = Taxonomy(
    (Facet("kind", ("kind",)), Facet("colour", ("colour",))),
    (Tag("kind", ("shoe",)), Tag("kind", ("shirt",)), Tag("colour", ("red",)), Tag("colour", ("blue",))),
)
RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(60, 12)).astype(np.float32) * 3 + 1
KIND, RED = FEATURES[:, 0] > 1, FEATURES[:, 5] > 1  # a kind is seen in the last stage, a colour in the histogram
TARGETS = np.stack([KIND, ~KIND, RED, ~RED], 1).astype(np.int8)


def a_teacher(targets: Any = TARGETS, features: Any = FEATURES) -> KernelTeacher:
    return KernelTeacher(features, targets, PARTS, TAXONOMY, seed=0)


def ridge_regression(features: Any, targets: Any, asked: Any, weights: Any) -> Any:
    """By the textbook, in float64, with a width of the median distance."""

    def similarity(a: Any, b: Any, width: float) -> Any:
        return np.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / width)

    deviation = features.std(0).astype(np.float64)
    standardized, asked = (np.clip((x - features.mean(0)) / deviation, -8, 8) * weights for x in (features, asked))
    width = np.median(((standardized[:, None] - standardized[None]) ** 2).sum(-1))
    share = targets.mean(0)
    gram = similarity(standardized, standardized, width) + 0.1 * np.eye(len(features))
    return share + similarity(asked, standardized, width) @ np.linalg.solve(gram, targets - share)


def test_answers_are_those_of_kernel_ridge_regression_by_the_kernel_that_suits_the_facet() -> None:
    asked = RNG.normal(size=(9, 12)).astype(np.float32) * 3 + 1
    teacher = a_teacher()
    assert teacher.choices.tolist() == [1, 1, 0, 0], "kinds by the last stage, colours by all parts"
    last = np.repeat([1 / np.sqrt(5), 0.25 / np.sqrt(7)], [5, 7])
    alike = np.repeat([1 / np.sqrt(5), 1 / np.sqrt(7)], [5, 7])
    expected = np.concatenate(
        [ridge_regression(FEATURES, TARGETS, asked, w)[:, tags] for w, tags in ((last, [0, 1]), (alike, [2, 3]))], 1
    )
    np.testing.assert_allclose(teacher(asked).numpy(), np.clip(expected, 1e-3, 1 - 1e-3), atol=1e-3)


def test_the_error_on_photos_left_out_is_that_of_learning_without_them() -> None:
    residuals = (TARGETS - TARGETS.mean(0)).astype(np.float32)
    whole = kernel._Kernel(FEATURES, residuals, np.ones(12, np.float32))
    gram = np.exp(-whole._distances(whole._photos).numpy().astype(np.float64) / whole._width)
    errors = []
    for photo in range(len(FEATURES)):
        others = np.delete(np.arange(len(FEATURES)), photo)
        answers = np.linalg.solve(gram[np.ix_(others, others)] + 0.1 * np.eye(len(others)), residuals[others])
        errors.append((gram[photo, others] @ answers - residuals[photo]) ** 2)
    np.testing.assert_allclose(whole.left_out, np.mean(errors, 0), rtol=1e-3)


def test_what_is_unknown_of_a_photo_says_nothing() -> None:
    """A photo of unknown kind is answered by the tag's share where no other photo is near."""
    features, targets = FEATURES.copy(), TARGETS.copy()
    features[0], targets[0] = 100, [-1, -1, 1, 0]
    answers = a_teacher(targets, features)(features[:1]).numpy()[0]
    assert answers[0] == pytest.approx((targets[1:, 0] == 1).mean(), abs=0.1)
    assert answers[2] > 0.9


def test_of_many_photos_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    all_of_them = a_teacher()(FEATURES).numpy()
    monkeypatch.setattr(kernel, "MAX_PHOTOS", 40)
    few = a_teacher()(FEATURES).numpy()
    drawn = np.random.default_rng(0).choice(60, 40, replace=False)
    drawn.sort()
    assert (few == a_teacher(TARGETS[drawn], FEATURES[drawn])(FEATURES).numpy()).all()
    assert np.abs(few - all_of_them).max() > 0.1
