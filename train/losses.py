"""Losses over tags of which some are unknown."""

from __future__ import annotations

from typing import Any

from edge_tagger.train.keras import tf


def masked_binary_crossentropy(targets: Any, logits: Any) -> Any:
    """Mean binary cross-entropy of logits [B, N] over the pairs that are known.

    `targets` [B, N] are 1, 0 or any share between for what is known, and below 0 for what is not.
    """
    targets = tf.cast(targets, logits.dtype)
    known = tf.cast(targets >= 0, logits.dtype)
    each = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.maximum(targets, 0), logits=logits)
    return tf.reduce_sum(each * known) / tf.maximum(tf.reduce_sum(known), 1)
