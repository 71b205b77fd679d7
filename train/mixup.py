"""Pairs of photos of a batch, their features and answers mixed ("mixup", Zhang et al., 2018)."""

from __future__ import annotations

from typing import Any

import numpy as np

from edge_tagger.train.keras import tf


def mixup_shares(parameter: float, photos: int, seed: tuple[int, ...]) -> tuple[Any, ...]:
    """One tensor float32 [photos, 1], each photo's own share, drawn from Beta(parameter, parameter) and at least a
    half; none where the parameter is 0."""
    if not parameter:
        return ()
    drawn = np.random.default_rng(seed).beta(parameter, parameter, (photos, 1))
    return (tf.constant(np.maximum(drawn, 1 - drawn).astype(np.float32)),)


def mixed(features: Any, targets: Any, shares: Any) -> tuple[Any, Any]:
    """Features [B, C] and targets [B, N] of each photo mixed with those of its partner, the one as far from the other
    end of the batch, as float32; a target is unknown (-1) where one of the two is."""
    targets = tf.cast(targets, tf.float32)
    partners = tf.reverse(targets, [0])
    blended = shares * targets + (1 - shares) * partners
    known = (targets >= 0) & (partners >= 0)
    return shares * features + (1 - shares) * tf.reverse(features, [0]), tf.where(known, blended, -1.0)
