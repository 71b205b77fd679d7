"""Features of a frozen backbone, computed once, so that a head trains on them in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.catalogue.labels import Targets
from edge_tagger.progress import Progress
from edge_tagger.train.checkpoint import save_array
from edge_tagger.train.dataset import PhotoSet, augmented_batches, plain_batches
from edge_tagger.train.keras import tf, tf_keras
from edge_tagger.train.recipe import AugmentOptions

Features = NDArray[np.float32]
_BATCH = 32


def pooled_features(
    model: Any,
    photos: PhotoSet,
    path: Path,
    *,
    views: int = 0,
    options: AugmentOptions | None = None,
    seed: tuple[int, ...] = (),
) -> Features:
    """float32 [views, n, C]: the model's layer "features" for augmented views of each photo, in the photos' order.

    With `views` = 0 there is one view, as a device sees the photo. What is found at `path` is taken as it is.
    """
    if path.exists():
        stored: Features = np.load(path)
        return stored
    size = model.input_shape[1]
    pooled = tf_keras.Model(model.input, model.get_layer("features").output)

    @tf.function(reduce_retracing=True)
    def forward(pixels: Any) -> Any:
        return pooled(tf.cast(pixels, tf.float32), training=False)

    features = np.zeros((max(views, 1), len(photos), pooled.output_shape[1]), np.float32)
    with Progress(features.shape[0] * len(photos), "features", unit="photo") as bar:
        for view in range(len(features)):
            start = 0
            for pixels, _ in _views(photos, size, view, options if views else None, seed):
                features[view, start : start + len(pixels)] = forward(pixels)
                start += len(pixels)
                bar.update(len(pixels))
    save_array(path, features)
    return features


def head_batches(
    features: Features, targets: Targets, *, batch_size: int, seed: tuple[int, ...], epoch: int, first_step: int
) -> Iterator[tuple[Any, Any]]:
    """(float32 [B, C], int8 [B, N]) of one epoch from `first_step` on, each photo in a view drawn at random."""
    rng = np.random.default_rng((*seed, epoch))
    order = rng.permutation(len(targets))
    views = rng.integers(len(features), size=len(targets))
    for start in range(first_step * batch_size, len(order) // batch_size * batch_size, batch_size):
        chosen = order[start : start + batch_size]
        yield tf.constant(features[views[chosen], chosen]), tf.constant(targets[chosen])


def _views(photos: PhotoSet, size: int, view: int, options: AugmentOptions | None, seed: tuple[int, ...]) -> Any:
    if options is None:
        return plain_batches(photos, size=size, batch_size=_BATCH)
    return augmented_batches(photos, size=size, batch_size=_BATCH, options=options, seed=(*seed, view))
