from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_tagger.convert.representative import LEAST_PHOTOS, Representative, read_representative
from edge_tagger.convert.sources import photos_of_split
from edge_tagger.errors import CatalogueError


def write(folder: Path, photos: Any) -> Path:
    folder.mkdir()
    for number, photo in enumerate(photos):
        cv2.imwrite(str(folder / f"{number:03}.png"), photo)
    return folder


def test_a_folder_and_the_training_rows_of_a_csv(trained: Any) -> None:
    found = read_representative(trained.source, 32)
    assert found.photos.shape == (128, 32, 32, 3) and found.origin == "products.csv"
    folder = read_representative(trained.source.parent / "images", 32)
    assert len(folder.photos) == 160


def test_spanning_photos_hold_black_and_white_and_the_facts_are_of_the_photos_themselves() -> None:
    photos = np.full((2, 8, 8, 3), 100, np.uint8)
    spanning = Representative(photos, "x").spanning()
    assert (spanning.min(), spanning.max()) == (0, 255) and photos.min() == 100
    facts = Representative(photos, "x").facts()
    assert facts["photos"] == 2 and len(set(facts["sha256"])) == 1 and len(facts["sha256"][0]) == 16


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("noise", "are random noise"),
        ("plain", "are one plain colour"),
        ("few", "needs 50 or more"),
        ("copies", "only 1 of the 50 photos"),
    ],
)
def test_what_no_ranges_can_come_from_is_refused(tmp_path: Path, kind: str, message: str) -> None:
    rng = np.random.default_rng(0)
    smooth = [cv2.resize(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8), (48, 48)) for _ in range(LEAST_PHOTOS)]
    photos = {
        "noise": rng.integers(0, 256, (LEAST_PHOTOS, 48, 48, 3), dtype=np.uint8),
        "plain": np.full((LEAST_PHOTOS, 48, 48, 3), 77, np.uint8),
        "few": smooth[:-1],
        "copies": smooth[:1] * LEAST_PHOTOS,
    }[kind]
    with pytest.raises(CatalogueError, match=message):
        read_representative(write(tmp_path / "photos", photos), 48)
    read_representative(write(tmp_path / "smooth", smooth), 48)


def test_test_photos_are_refused_whatever_they_are_called(trained: Any, tmp_path: Path) -> None:
    test = [path for _, path in photos_of_split(trained.run, "test")]
    train = [path for _, path in photos_of_split(trained.run, "train")]
    for number, path in enumerate(train[:60]):
        (tmp_path / "photos").mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / "photos" / f"{number:03}.jpg")
    read_representative(tmp_path / "photos", 32, forbidden=test)
    shutil.copy(test[0], tmp_path / "photos" / "innocent.jpg")
    with pytest.raises(CatalogueError, match=r"1 of the 61 photos .* test split \(innocent.jpg\)"):
        read_representative(tmp_path / "photos", 32, forbidden=test)


def test_hidden_files_and_links_out_are_no_representative_photos(tmp_path: Path) -> None:
    for name in ("in/a.jpg", "in/deep/b.jpg", "in/.git/c.jpg", "in/__MACOSX/d.jpg", "in/._a.jpg", "out.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "in" / "out.jpg").symlink_to(tmp_path / "out.jpg")
    (tmp_path / "in" / "round").symlink_to(tmp_path / "in")
    with pytest.warns(UserWarning, match="outside|not followed"), pytest.raises(CatalogueError, match="has 2 photos"):
        read_representative(tmp_path / "in", 32)
