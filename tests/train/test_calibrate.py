from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from edge_tagger.catalogue.labels import Targets
from edge_tagger.metrics import average_precision
from edge_tagger.taxonomy import Facet, Tag, Taxonomy
from edge_tagger.train import calibrate
from edge_tagger.train.calibrate import Calibration, cross_fitted_errors, fit_calibration, fold_into_head

TAXONOMY = Taxonomy(
    (Facet("colour", ("colour",)), Facet("details", ("details",), exclusive=False)),
    (*(Tag("colour", (name,)) for name in ("Black", "Blue", "Red")), *(Tag("details", (n,)) for n in ("logo", "dots"))),
)
SCALE, OFFSET = np.array([2.0, 2.0, 2.0, 0.5, 0.5]), np.array([1.0, 1.0, 1.0, -2.0, -2.0])


def distorted(photos: int, *, seed: int) -> tuple[Targets, np.ndarray]:
    """Targets, and logits that are right only times SCALE plus OFFSET."""
    generator = np.random.default_rng(seed)
    truth = generator.normal(size=(photos, 5)) * 2 - 1
    targets = (generator.random(truth.shape) < 1 / (1 + np.exp(-truth))).astype(np.int8)
    return targets, (truth - OFFSET) / SCALE


def test_a_distortion_is_undone() -> None:
    found = fit_calibration(*distorted(20_000, seed=0), TAXONOMY)
    np.testing.assert_allclose(found.scale, SCALE, rtol=0.06)
    np.testing.assert_allclose(found.offset, OFFSET, atol=0.1)


def test_without_a_prior_a_tag_is_fitted_as_scikit_learn_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "SCALE_PRECISION", 1e-9)
    monkeypatch.setattr(calibrate, "OFFSET_PRECISION", 1e-9)
    targets, logits = distorted(500, seed=1)
    targets[::7, 3] = -1
    found = fit_calibration(targets, logits, TAXONOMY)
    for tag in range(5):
        known = targets[:, tag] >= 0
        reference = LogisticRegression(C=1e9, tol=1e-8).fit(logits[known][:, [tag]], targets[known, tag])
        assert found.scale[tag] == pytest.approx(reference.coef_[0, 0], rel=1e-3)
        assert found.offset[tag] == pytest.approx(reference.intercept_[0], abs=1e-3)


def test_a_tag_with_few_photos_goes_with_its_facet_and_one_with_none_is_it() -> None:
    targets, logits = distorted(5000, seed=2)
    targets[:, 1] = -1
    targets[5:, 2] = -1
    targets[:5, 2] = [0, 0, 0, 1, 1]
    logits[:5, 2] = [3, 2, 1, -1, -2]  # five mistakes
    found = fit_calibration(targets, logits, TAXONOMY)
    assert found.scale[1] == pytest.approx(found.scale[0], rel=0.1)
    assert found.offset[1] == pytest.approx(found.offset[0], abs=0.2)
    assert 0.5 < found.scale[2] / found.scale[0] < 0.9  # on their own they would turn the order round


def test_perfect_scores_of_few_photos_stay_finite() -> None:
    targets, logits = np.eye(5, dtype=np.int8), np.eye(5) * 60 - 30
    found = fit_calibration(targets, logits, TAXONOMY)
    assert (found.scale < 3).all() and (np.abs(found.offset) < 3).all()


def test_nothing_known_changes_nothing() -> None:
    found = fit_calibration(np.full((4, 5), -1, np.int8), np.ones((4, 5), np.float32), TAXONOMY)
    assert (found.scale == 1).all() and (found.offset == 0).all()


def test_photos_keep_their_order_within_a_tag() -> None:
    """Even where the labels say the opposite of the scores."""
    targets, logits = distorted(400, seed=3)
    found = fit_calibration(targets, -logits, TAXONOMY)
    scores = found.scores(-logits)
    assert (found.scale > 0).all()
    for tag in range(5):
        before = average_precision(targets[:, tag], -logits[:, tag])
        assert average_precision(targets[:, tag], scores[:, tag]) == pytest.approx(before, abs=1e-6)


def test_the_error_falls_on_photos_that_were_not_seen() -> None:
    errors = cross_fitted_errors(*distorted(2000, seed=4), TAXONOMY)
    before, after = errors["val_ece_before"], errors["val_ece_after"]
    assert before is not None and after is not None and before > 0.1 and after < 0.02


def test_a_split_without_known_photos_has_no_error() -> None:
    errors = cross_fitted_errors(np.full((1, 5), -1, np.int8), np.zeros((1, 5)), TAXONOMY)
    assert errors == {"val_ece_before": None, "val_ece_after": None}


def test_a_folded_head_gives_the_calibrated_scores() -> None:
    generator = np.random.default_rng(5)
    kernel, bias, features = (generator.normal(size=shape).astype(np.float32) for shape in ((8, 5), (5,), (30, 8)))
    calibration = Calibration(SCALE.astype(np.float32), OFFSET.astype(np.float32))
    folded_kernel, folded_bias = fold_into_head(kernel, bias, calibration)
    assert folded_kernel.dtype == folded_bias.dtype == np.float32
    folded = 1 / (1 + np.exp(-(features @ folded_kernel + folded_bias)))
    np.testing.assert_allclose(calibration.scores(features @ kernel + bias), folded, atol=1e-5)


def test_a_calibration_checks_itself() -> None:
    good = Calibration(np.ones(2, np.float32), np.zeros(2, np.float32))
    with pytest.raises(ValueError, match="above 0"):
        replace(good, scale=np.array([1, -1], np.float32))
    with pytest.raises(ValueError, match="finite"):
        replace(good, offset=np.array([0, np.nan], np.float32))
    with pytest.raises(ValueError, match=r"\[N\]"):
        replace(good, offset=np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="float32"):
        replace(good, offset=np.zeros(2))
