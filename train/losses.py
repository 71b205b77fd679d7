"""Losses over the logits of many tags, of which some are unknown: for imbalance, for hierarchy, for exclusive answers.

Targets are [B, N]: 1, 0 or any share between for what is known, below 0 for what is not (it is left out). Logits are
float32 [B, N] before the sigmoid. Each loss is a mean over the known pairs of a batch, also where devices share it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edge_tagger.catalogue.labels import POSITIVE, Targets
from edge_tagger.taxonomy import Taxonomy
from edge_tagger.train.keras import tf
from edge_tagger.train.recipe import LossOptions
from edge_tagger.train.replicas import total

Loss = Callable[[Any, Any], Any]
_ROUNDING = 1e-3  # of shares that add up to 1


def make_loss(options: LossOptions, taxonomy: Taxonomy, targets: Targets) -> Loss:
    """The loss of a recipe, (targets, logits) -> scalar; `targets` int8 [n, N] of the training split are counted.

    `coherent` puts the maximum over a tag's subtree in the place of its logit, as the decoder does: a parent then
    learns only where no child speaks for it, and its own score, undecoded, falls behind. `siblings` adds
    that share of a softmax cross-entropy over each level of each exclusive facet, which is what top-1 asks for.
    """
    each = _LOSSES[options.kind](options, targets)
    lift = _Lift(taxonomy) if options.coherent and (taxonomy.parents >= 0).any() else None
    levels = _exclusive_levels(taxonomy) if options.siblings else []

    def loss(targets: Any, logits: Any) -> Any:
        targets = tf.cast(targets, logits.dtype)
        known = tf.cast(targets >= 0, logits.dtype)
        positive, negative = (logits, logits) if lift is None else lift(targets, logits)
        value = _mean(each(tf.maximum(targets, 0), positive, negative), known)
        for places in levels:
            value += options.siblings * _softmax(tf.gather(targets, places, axis=1), tf.gather(logits, places, axis=1))
        return value

    return loss


def masked_binary_crossentropy(targets: Any, logits: Any) -> Any:
    """Mean binary cross-entropy over the known pairs: what distillation minimizes, towards a teacher's scores."""
    targets = tf.cast(targets, logits.dtype)
    each = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.maximum(targets, 0), logits=logits)
    return _mean(each, tf.cast(targets >= 0, logits.dtype))


def _binary_crossentropy(_options: LossOptions, _counted: Targets) -> Callable[[Any, Any, Any], Any]:
    return lambda shares, positive, negative: (
        shares * tf.nn.softplus(-positive) + (1 - shares) * tf.nn.softplus(negative)
    )


def _effective_number(options: LossOptions, counted: Targets) -> Callable[[Any, Any, Any], Any]:
    """Positives weighted by the inverse of the effective number of their tag's photos, (1 - beta^n) / (1 - beta).

    Source: Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019.
    """
    count = np.maximum((counted == POSITIVE).sum(0), 1).astype(np.float64)
    weights = (1 - options.beta) / (1 - options.beta**count)
    weights = (weights / weights.mean()).astype(np.float32)
    return lambda shares, positive, negative: (
        weights * shares * tf.nn.softplus(-positive) + (1 - shares) * tf.nn.softplus(negative)
    )


def _focal(options: LossOptions, _counted: Targets) -> Callable[[Any, Any, Any], Any]:
    """Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017."""

    def focused(logits: Any) -> Any:
        """Of a tag that is absent: its loss times its probability to the power of gamma."""
        return tf.nn.softplus(logits) * tf.exp(-options.gamma * tf.nn.softplus(-logits))

    return lambda shares, positive, negative: shares * focused(-positive) + (1 - shares) * focused(negative)


def _asymmetric(options: LossOptions, _counted: Targets) -> Callable[[Any, Any, Any], Any]:
    """Negatives are focused by `gamma`, their probability first lowered by `margin`; positives are not.

    Source: Ben-Baruch et al., "Asymmetric Loss For Multi-Label Classification", ICCV 2021.
    """
    log_margin = np.log(np.maximum(options.margin, 1e-30), dtype=np.float32)

    def each(shares: Any, positive: Any, negative: Any) -> Any:
        shifted = tf.maximum(tf.sigmoid(negative) - options.margin, 1e-12)  # a root of 0 has no slope
        loss = tf.nn.softplus(negative)
        loss = tf.nn.relu(loss - tf.nn.softplus(loss + log_margin))  # -log(1 - shifted), and no 1 - 1 at large logits
        return shares * tf.nn.softplus(-positive) + (1 - shares) * loss * shifted**options.gamma

    return each


_LOSSES: dict[str, Callable[[LossOptions, Targets], Callable[[Any, Any, Any], Any]]] = {
    "binary_crossentropy": _binary_crossentropy,
    "effective_number": _effective_number,
    "focal": _focal,
    "asymmetric": _asymmetric,
}


class _Lift:
    """Logits lifted to the maximum of their subtree: over all of it where the tag is absent, over its positive part
    where the tag is there, so that a wrong child cannot stand in for it.

    Source: MCLoss of Giunchiglia and Lukasiewicz, "Coherent Hierarchical Multi-Label Classification Networks",
    NeurIPS 2020.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        depths = np.array([tag.level for tag in taxonomy.tags])
        self.steps = [
            (np.flatnonzero(depths == depth), taxonomy.parents[depths == depth])
            for depth in range(int(depths.max()), 0, -1)
        ]

    def __call__(self, targets: Any, logits: Any) -> tuple[Any, Any]:
        there = tf.where(targets > 0, logits, tf.fill(tf.shape(logits), np.float32(-1e9)))
        positive = tf.where(targets > 0, self._up(there), logits)
        return positive, self._up(logits)

    def _up(self, logits: Any) -> Any:
        columns = tf.transpose(logits)
        for places, parents in self.steps:
            columns = tf.tensor_scatter_nd_max(columns, parents[:, None], tf.gather(columns, places))
        return tf.transpose(columns)


def _exclusive_levels(taxonomy: Taxonomy) -> list[list[int]]:
    """Places of the tags at each level of each exclusive facet, where there is a choice."""
    levels: dict[tuple[str, int], list[int]] = {}
    for place, tag in enumerate(taxonomy.tags):
        if taxonomy.facet(tag.facet).exclusive:
            levels.setdefault((tag.facet, tag.level), []).append(place)
    return [places for places in levels.values() if len(places) > 1]


def _softmax(targets: Any, logits: Any) -> Any:
    """Mean softmax cross-entropy over the photos whose one answer among these tags, or its shares, is known."""
    one = tf.cast(tf.abs(tf.reduce_sum(tf.maximum(targets, 0), axis=1) - 1) < _ROUNDING, logits.dtype)
    each = tf.nn.softmax_cross_entropy_with_logits(labels=tf.maximum(targets, 0), logits=logits)
    return tf.reduce_sum(each * one) / tf.maximum(total(tf.reduce_sum(one)), 1)


def _mean(each: Any, known: Any) -> Any:
    return tf.reduce_sum(each * known) / tf.maximum(total(tf.reduce_sum(known)), 1)
