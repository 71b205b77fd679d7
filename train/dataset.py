"""Batches of photos and targets, streamed from disk by tf.data.

Which photo comes when, and in which view, depends on seed, epoch and step alone. Iterating raises RunError where a
photo cannot be read any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.catalogue.labels import Targets
from edge_tagger.errors import PhotoError, RunError
from edge_tagger.images import Pixels, load_photo, load_resized
from edge_tagger.train.augment import augment
from edge_tagger.train.keras import tf
from edge_tagger.train.recipe import AugmentOptions


@dataclass(frozen=True)
class PhotoSet:
    """Photos of one split with their targets, int8 [n, N]."""

    paths: Sequence[Path]
    targets: Targets

    def __len__(self) -> int:
        return len(self.paths)


def training_batches(
    photos: PhotoSet,
    *,
    size: int,
    batch_size: int,
    options: AugmentOptions | None,
    seed: tuple[int, ...],
    epoch: int,
    first_step: int = 0,
) -> Iterator[tuple[Any, Any]]:
    """Tensors (uint8 [B, size, size, 3], int8 [B, N]) of one epoch, shuffled and, with `options`, augmented, from
    `first_step` on. The last, partial batch is left out."""
    order = np.random.default_rng((*seed, epoch)).permutation(len(photos))
    order = order[: len(order) // batch_size * batch_size][first_step * batch_size :]
    view = _plain(photos, size) if options is None else _augmented(photos, size, options, (*seed, epoch))
    return _batches(photos, order, view, size, batch_size)


def augmented_batches(
    photos: PhotoSet, *, size: int, batch_size: int, options: AugmentOptions, seed: tuple[int, ...]
) -> Iterator[tuple[Any, Any]]:
    """The same in order and whole: one random view of each photo."""
    return _batches(photos, np.arange(len(photos)), _augmented(photos, size, options, seed), size, batch_size)


def plain_batches(photos: PhotoSet, *, size: int, batch_size: int) -> Iterator[tuple[Any, Any]]:
    """The same in order and whole, as a device sees the photos: stretched, not augmented."""
    return _batches(photos, np.arange(len(photos)), _plain(photos, size), size, batch_size)


def _plain(photos: PhotoSet, size: int) -> Callable[[int], Pixels]:
    def view(index: int) -> Pixels:
        return load_resized(photos.paths[index], size)

    return view


def _augmented(photos: PhotoSet, size: int, options: AugmentOptions, seed: tuple[int, ...]) -> Callable[[int], Pixels]:
    def view(index: int) -> Pixels:
        return augment(load_photo(photos.paths[index]), size, options, np.random.default_rng((*seed, int(index))))

    return view


def _batches(
    photos: PhotoSet, order: NDArray[np.int64], view: Callable[[int], Pixels], size: int, batch_size: int
) -> Iterator[tuple[Any, Any]]:
    targets = tf.constant(photos.targets)
    failed: list[PhotoError] = []

    def pixels(index: int) -> Pixels:
        try:
            return view(index)
        except PhotoError as error:
            failed.append(error)  # TensorFlow would wrap it in a trace of its own
            raise

    def load(index: Any) -> Any:
        loaded = tf.numpy_function(pixels, [index], tf.uint8, stateful=False)
        return tf.ensure_shape(loaded, (size, size, 3)), tf.gather(targets, index)

    dataset = tf.data.Dataset.from_tensor_slices(order)
    try:
        yield from dataset.map(load, num_parallel_calls=2, deterministic=True).batch(batch_size).prefetch(2)
    except tf.errors.OpError as error:
        if not failed:
            raise
        raise RunError(
            f"a photo that could be read when the run began cannot be read now: {failed[0]}; put it back and --resume"
        ) from error
