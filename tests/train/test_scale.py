"""Photos are streamed; tests/train/scale.py measures a whole training."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_tagger.train.dataset import PhotoSet, training_batches
from edge_tagger.train.recipe import AugmentOptions

SIZE = 96


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_photos_that_have_passed_take_no_memory(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "photo.jpg"), noise)
    most_after(tmp_path / "photo.jpg", 500)
    before = resident_bytes()
    assert most_after(tmp_path / "photo.jpg", 5000) - before < 5000 * SIZE * SIZE * 3 / 4


def most_after(photo: Path, photos: int) -> int:
    """The most resident memory while an epoch goes by."""
    many = PhotoSet([photo] * photos, np.zeros((photos, 100), np.int8))
    batches = training_batches(many, size=SIZE, batch_size=50, options=AugmentOptions(), seed=(0,), epoch=0)
    most = [resident_bytes() for _ in batches]
    assert len(most) == photos // 50
    return max(most)


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
