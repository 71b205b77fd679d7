from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_tagger.errors import RunError
from edge_tagger.train.augment import augment
from edge_tagger.train.dataset import PhotoSet, plain_batches, training_batches
from edge_tagger.train.recipe import AugmentOptions

PHOTO = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def test_the_same_state_of_the_generator_gives_the_same_view_and_another_one_another() -> None:
    views = [augment(PHOTO, 32, AugmentOptions(), np.random.default_rng(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(views[0], views[1])
    assert views[0].shape == (32, 32, 3) and views[0].dtype == np.uint8 and (views[0] != views[2]).any()


def test_without_options_a_view_is_the_photo_stretched() -> None:
    plain = augment(PHOTO, 32, AugmentOptions(flip=False, crop=0, brightness=0), np.random.default_rng(0))
    np.testing.assert_array_equal(plain, cv2.resize(PHOTO, (32, 32), interpolation=cv2.INTER_LINEAR))


@pytest.fixture()
def photos(tmp_path: Path) -> PhotoSet:
    paths = [tmp_path / f"{number}.png" for number in range(11)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), np.full((8, 8, 3), number * 20, np.uint8))
    return PhotoSet(paths, np.arange(11, dtype=np.int8)[:, None])


def test_an_epoch_is_shuffled_by_seed_and_epoch_and_can_begin_at_any_step(photos: PhotoSet) -> None:
    def order(*, seed: int, epoch: int, first_step: int = 0) -> list[list[int]]:
        options = AugmentOptions(brightness=0)
        batches = training_batches(
            photos, size=8, batch_size=3, options=options, seed=(seed,), epoch=epoch, first_step=first_step
        )
        told = []
        for pixels, targets in batches:
            np.testing.assert_array_equal(pixels[:, 0, 0, 0], targets[:, 0].numpy().astype(np.uint8) * 20)
            told.append(targets[:, 0].numpy().tolist())
        return told

    whole = order(seed=1, epoch=0)
    assert [len(batch) for batch in whole] == [3, 3, 3]
    assert order(seed=1, epoch=0, first_step=1) == whole[1:]
    assert order(seed=1, epoch=1) != whole and order(seed=2, epoch=0) != whole


def test_plain_batches_hold_every_photo_once_in_order(photos: PhotoSet) -> None:
    seen = [int(t) for _, targets in plain_batches(photos, size=8, batch_size=4) for t in targets[:, 0]]
    assert seen == list(range(11))


def test_a_photo_that_vanished_is_named(photos: PhotoSet) -> None:
    Path(photos.paths[3]).unlink()
    with pytest.raises(RunError, match=r"3\.png"):
        list(plain_batches(photos, size=8, batch_size=4))
