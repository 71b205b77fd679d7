from __future__ import annotations

import numpy as np

from edge_tagger.train.keras import tf
from edge_tagger.train.mixup import mixed, mixup_shares


def test_a_photo_is_mixed_with_its_partner() -> None:
    features = tf.constant([[1.0, 0.0], [0.0, 1.0], [4.0, 4.0]])
    targets = tf.constant([[1, 0], [0, 1], [1, -1]], tf.int8)
    shares = tf.constant([[0.75], [0.5], [1.0]])
    got, answers = mixed(features, targets, shares)
    np.testing.assert_allclose(got, [[1.75, 1.0], [0.0, 1.0], [4.0, 4.0]])
    np.testing.assert_allclose(answers, [[1.0, -1.0], [0.0, 1.0], [1.0, -1.0]])


def test_shares_are_drawn_by_the_seed_and_at_least_a_half() -> None:
    (shares,) = mixup_shares(0.4, 512, (1, 2))
    (again,) = mixup_shares(0.4, 512, (1, 2))
    (other,) = mixup_shares(0.4, 512, (1, 3))
    assert shares.shape == (512, 1) and shares.dtype == tf.float32
    assert np.min(shares) >= 0.5 and np.max(shares) <= 1 and np.std(shares) > 0.1
    np.testing.assert_array_equal(shares, again)
    assert not np.array_equal(shares, other)


def test_zero_asks_for_none() -> None:
    assert mixup_shares(0.0, 8, (1,)) == ()
