"""Each loss against values worked out by hand, and its slope where logits are large."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_tagger.taxonomy import Facet, Tag, Taxonomy
from edge_tagger.train.keras import tf
from edge_tagger.train.losses import make_loss, masked_binary_crossentropy
from edge_tagger.train.recipe import LOSSES, LossOptions

LN2, LN3 = np.log(2), np.log(3)
FLAT = Taxonomy((Facet("details", ("details",), exclusive=False),), tuple(Tag("details", (n,)) for n in "abc"))
SHOES = Taxonomy(
    (Facet("category", ("a", "b", "c")),),
    (
        Tag("category", ("Footwear",)),
        Tag("category", ("Footwear", "Shoes")),
        Tag("category", ("Footwear", "Sandals")),
        Tag("category", ("Footwear", "Shoes", "Heels")),
    ),
)


def value(options: LossOptions, targets: Any, logits: Any, *, taxonomy: Taxonomy = FLAT, counted: Any = None) -> float:
    """The loss of rows of targets and logits."""
    targets = np.array(targets, np.int8)
    counted = targets if counted is None else np.array(counted, np.int8)
    return float(make_loss(options, taxonomy, counted)(tf.constant(targets), tf.constant(logits, tf.float32)))


def softplus(logit: float) -> float:
    return float(np.log1p(np.exp(logit)))


def test_unknown_pairs_do_not_touch_the_loss() -> None:
    logits = np.float32([[2.0, -1.0, 30.0], [0.5, 0.0, -30.0]])
    targets = np.int8([[1, 0, -1], [0, -1, -1]])
    known = np.log1p(np.exp([-2.0, -1.0, 0.5]))
    assert masked_binary_crossentropy(targets, logits).numpy() == pytest.approx(known.mean(), rel=1e-5)
    assert masked_binary_crossentropy(np.full_like(targets, -1), logits).numpy() == 0
    for kind in LOSSES:
        moved = logits + np.where(targets < 0, np.float32(3), np.float32(0))
        assert value(LossOptions(kind), targets, logits) == value(LossOptions(kind), targets, moved)
        assert value(LossOptions(kind), np.full_like(targets, -1), logits) == 0


@pytest.mark.parametrize("options", [LossOptions("focal", gamma=0), LossOptions("asymmetric", gamma=0, margin=0)])
def test_without_focus_and_margin_it_is_cross_entropy(options: LossOptions) -> None:
    rng = np.random.default_rng(0)
    targets, logits = rng.integers(-1, 2, (20, 3)), rng.normal(0, 20, (20, 3)).astype(np.float32)
    assert value(options, targets, logits) == pytest.approx(value(LossOptions(), targets, logits), rel=1e-5)


def test_focal_weights_a_pair_by_how_wrong_it_is() -> None:
    options = LossOptions("focal", gamma=2)
    assert value(options, [[1, -1, -1]], [[0, 0, 0]]) == pytest.approx(0.25 * LN2)
    assert value(options, [[0, -1, -1]], [[LN3, 0, 0]]) == pytest.approx(0.75**2 * np.log(4))
    assert value(options, [[1, -1, -1]], [[LN3, 0, 0]]) == pytest.approx(0.25**2 * np.log(4 / 3))


def test_asymmetric_focuses_negatives_alone_and_forgets_the_easy_ones() -> None:
    options = LossOptions("asymmetric", gamma=2, margin=0.05)
    assert value(options, [[1, -1, -1]], [[0, 0, 0]]) == pytest.approx(LN2)
    assert value(options, [[0, -1, -1]], [[LN3, 0, 0]]) == pytest.approx(0.7**2 * -np.log(0.3))
    assert value(options, [[0, -1, -1]], [[-5, 0, 0]]) == 0  # a probability of 0.007


def test_positives_weigh_by_the_effective_number_of_their_tag() -> None:
    counted = np.zeros((100, 3), np.int8)
    for tag, count in enumerate((1, 10, 100)):
        counted[:count, tag] = 1
    weights = 0.1 / (1 - 0.9 ** np.array([1, 10, 100]))
    weights /= weights.mean()
    options = LossOptions("effective_number", beta=0.9)
    for tag in range(3):
        known = np.eye(3, dtype=np.int8)[[tag]] * 2 - 1  # 1 for the tag, else unknown
        assert value(options, known, np.zeros((1, 3)), counted=counted) == pytest.approx(weights[tag] * LN2, rel=1e-5)
    assert value(options, [[0, 0, 0]], np.zeros((1, 3)), counted=counted) == pytest.approx(LN2)


def test_a_tag_that_is_there_is_lifted_by_its_positive_children_alone() -> None:
    logits, targets = [[-3, -2, 4, 1]], [[1, 1, 0, 1]]
    expected = np.mean([softplus(-1), softplus(-1), softplus(4), softplus(-1)])  # Footwear and Shoes take Heels' 1
    assert value(LossOptions(coherent=True), targets, logits, taxonomy=SHOES) == pytest.approx(expected, rel=1e-5)
    plain = np.mean([softplus(3), softplus(2), softplus(4), softplus(-1)])
    assert value(LossOptions(coherent=False), targets, logits, taxonomy=SHOES) == pytest.approx(plain, rel=1e-5)


def test_a_tag_that_is_absent_takes_the_maximum_of_its_subtree() -> None:
    logits, targets = [[-3, -2, 4, 1]], [[0, 0, 0, 0]]
    expected = np.mean([softplus(4), softplus(1), softplus(4), softplus(1)])
    assert value(LossOptions(coherent=True), targets, logits, taxonomy=SHOES) == pytest.approx(expected, rel=1e-5)


def test_a_positive_tag_with_unknown_children_stands_for_itself() -> None:
    expected = value(LossOptions(coherent=False), [[1, -1, -1, -1]], [[-3, -2, 4, 1]], taxonomy=SHOES)
    assert value(LossOptions(coherent=True), [[1, -1, -1, -1]], [[-3, -2, 4, 1]], taxonomy=SHOES) == expected


def test_siblings_compete_where_one_answer_is_known_in_an_exclusive_facet() -> None:
    colours = (Tag("colour", ("Black",)), Tag("colour", ("Blue",)))
    taxonomy = Taxonomy((Facet("colour", ("colour",)), *FLAT.facets), (*colours, *FLAT.tags))
    targets = [[0, 1, 1, 0, 0], [-1, -1, 0, 1, 0], [0, 0, 0, 0, 1], [1, 0, 0, 0, 0]]
    logits = np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32)
    softmax = np.exp(logits[:, :2]) / np.exp(logits[:, :2]).sum(1, keepdims=True)
    extra = -(np.log(softmax[0, 1]) + np.log(softmax[3, 0])) / 2
    with_siblings, without = (value(LossOptions(siblings=s), targets, logits, taxonomy=taxonomy) for s in (0.1, 0))
    assert with_siblings - without == pytest.approx(0.1 * extra, rel=1e-4)
    assert value(LossOptions(siblings=0.1), [[1, 0, 1]], [[1, 2, 3]]) == value(LossOptions(), [[1, 0, 1]], [[1, 2, 3]])


def test_siblings_share_where_two_photos_are_mixed() -> None:
    """Of two answers in shares; a photo whose partner has none is left out."""
    taxonomy = Taxonomy((Facet("colour", ("colour",)),), (Tag("colour", ("Black",)), Tag("colour", ("Blue",))))
    targets, logits = [[0.25, 0.75], [0.75, 0.0]], np.array([[1, 2], [3, -1]], np.float32)
    softmax = np.exp(logits[0]) / np.exp(logits[0]).sum()
    extra = -(0.25 * np.log(softmax[0]) + 0.75 * np.log(softmax[1]))
    counted = np.ones((2, 2), np.int8)
    with_siblings, without = (
        float(make_loss(LossOptions(siblings=share), taxonomy, counted)(tf.constant(targets), tf.constant(logits)))
        for share in (0.1, 0)
    )
    assert with_siblings - without == pytest.approx(0.1 * extra, rel=1e-4)


@pytest.mark.parametrize("size", [50.0, 200.0])
@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize(("gamma", "margin"), [(0.0, 0.0), (0.5, 0.05), (2.0, 0.05), (4.0, 0.0)])
def test_slopes_are_finite_at_large_logits(kind: str, gamma: float, margin: float, size: float) -> None:
    options = LossOptions(kind, gamma=gamma, margin=margin, siblings=0.1, coherent=True)
    targets = np.array([[1, 1, 0, 1], [0, 0, 0, 0], [1, 0, 1, 0], [-1, -1, -1, -1]], np.int8)
    for sign in (1, -1):
        logits = tf.Variable(np.full((4, 4), sign * size, np.float32))
        with tf.GradientTape() as tape:
            loss = make_loss(options, SHOES, targets)(targets, logits)
        slope = tape.gradient(loss, logits).numpy()
        assert np.isfinite(float(loss)) and np.isfinite(slope).all()
        assert (slope[3] == 0).all()


@pytest.mark.parametrize("kind", LOSSES)
def test_a_pair_that_is_badly_wrong_is_drawn_back(kind: str) -> None:
    logits = tf.Variable([[12.0, -12.0, 0.0]])
    with tf.GradientTape() as tape:
        loss = make_loss(LossOptions(kind, margin=0), FLAT, np.ones((1, 3), np.int8))([[0, 1, -1]], logits)
    absent, there, _ = tape.gradient(loss, logits).numpy()[0]
    assert absent > 0.1 and there < -0.1
