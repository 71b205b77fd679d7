"""Our wheel on an emulated Cortex-A72: the packaged model gives the bytes that it gives here.

Times there say nothing about a real device.
"""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_tagger.catalogue.source import read_catalogue
from edge_tagger.images import Pixels, load_resized
from edge_tagger.tagger import Tagger
from edge_tagger.taxonomy import Scores

pytestmark = pytest.mark.arm
SCRIPT = Path(__file__).resolve().parents[1] / "install" / "fixed_scores.py"
PRODUCTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "fashion-products" / "products.csv"
PHOTOS = 100


@pytest.fixture(scope="module")
def photos(device: Any) -> list[Path]:
    """Inside the device: the first test photos beside the checkout or, where there are none, drawn ones of 224 px."""
    folder = device.home / "photos"
    folder.mkdir()
    if PRODUCTS.exists():
        for photo in read_catalogue(PRODUCTS).where("split", "test").photos[:PHOTOS]:
            shutil.copy(photo.path, folder)
    else:
        for seed in range(PHOTOS):
            noise = np.random.default_rng(seed).integers(0, 256, (224, 224, 3), np.uint8)
            assert cv2.imwrite(str(folder / f"{seed:03}.jpg"), cv2.GaussianBlur(noise, (0, 0), 8))
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def there(device: Any, photos: list[Path]) -> dict[str, Any]:
    """What fixed_scores.py found in the device."""
    shutil.copy(SCRIPT, device.home)
    device.python(f"/root/{SCRIPT.name}", "/root/there.npz", *(f"/root/photos/{photo.name}" for photo in photos))
    with np.load(device.home / "there.npz") as found:
        return dict(found)


def test_the_same_litert_gives_the_same_scores_on_arm64(there: dict[str, Any], tmp_path: Path) -> None:
    runpy.run_path(str(SCRIPT))["main"](str(tmp_path / "here.npz"))
    with np.load(tmp_path / "here.npz") as here:
        assert there["runtime"] == here["runtime"]
        assert len(np.unique(here["scores"])) > 20
        assert there["scores"].tobytes() == here["scores"].tobytes()
        assert there["tags"].tolist() == here["tags"].tolist()


def test_what_its_own_resize_does_to_tags(there: dict[str, Any], photos: list[Path]) -> None:
    """cv2.resize(INTER_LINEAR) rounds otherwise on ARM. The same pixels score the same, so that is done here."""
    with Tagger() as tagger:
        here = np.stack([load_resized(photo, tagger.model.input_size) for photo in photos])
        scores, tags = _scores_and_tags(tagger, here)
        arm_scores, arm_tags = _scores_and_tags(tagger, there["pixels"])
    steps = np.abs(here.astype(np.int16) - there["pixels"])
    same = sum(mine == its for mine, its in zip(tags, arm_tags, strict=True))
    print(
        f"{len(photos)} photos resized on arm64: {(steps > 0).mean():.1%} of the values differ, by {steps.max()}; "
        f"scores differ by up to {np.abs(scores - arm_scores).max():.3f}; {same} photos have the same tags"
    )
    assert steps.max() <= 1
    assert same >= 0.85 * len(photos)  # docs/library.md has what was seen


def test_the_command_runs_there(device: Any, photos: list[Path]) -> None:
    said = device.python("/opt/py/bin/edge-tagger", "tag", f"/root/photos/{photos[0].name}", "--json")
    answer = json.loads(said)
    assert answer["photo"] == f"/root/photos/{photos[0].name}"
    assert answer["tags"] and all(tag["threshold"] <= tag["score"] <= 1 for tag in answer["tags"])


def _scores_and_tags(tagger: Tagger, photos: Pixels) -> tuple[Scores, list[list[str]]]:
    scores = np.stack([tagger.scores(photo) for photo in photos])
    return scores, [[tag.tag for tag in tagger.tag(photo).tags] for photo in photos]
