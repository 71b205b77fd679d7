"""The bundle for the Pi, unpacked and run on an emulated Cortex-A72: the same tags and scores as here.

Photos have the model's size: OpenCV's resize on ARM rounds a few percent of the pixels otherwise (by one step).
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_tagger.convert.bundle.pi import bundle_pi
from edge_tagger.tagger import DEFAULT_MODEL, Tagger

pytestmark = pytest.mark.arm
MODELS = Path(__file__).resolve().parents[2] / "edge_tagger" / "models"


def draw(path: Path, size: int, seed: int) -> None:
    """Blurred noise, as a PNG: every decoder gives the same pixels."""
    noise = np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)
    assert cv2.imwrite(str(path), cv2.GaussianBlur(noise, (0, 0), size / 16) if size > 32 else noise)


@pytest.mark.parametrize("model", ["tiny-uint8.tflite", "tiny-float32.tflite", DEFAULT_MODEL])
def test_the_device_gives_the_same_tags(device: Any, data: Path, tmp_path: Path, model: str) -> None:
    path = (MODELS if model == DEFAULT_MODEL else data) / model
    with tarfile.open(bundle_pi(path, tmp_path / "pi.tar.gz")) as tar:
        tar.extractall(device.home)
    with Tagger(path) as tagger:
        names = [f"{path.stem}-{seed}.png" for seed in range(3)]
        for seed, name in enumerate(names):
            draw(device.home / name, tagger.model.input_size, seed)
        tags = [tagger.tag(device.home / name).to_json()["tags"] for name in names]
        expected = [{"photo": f"/root/{name}", "tags": own} for name, own in zip(names, tags, strict=True)]
    lines = device.python(f"/root/{path.stem}/tag.py", "--json", *(f"/root/{name}" for name in names)).splitlines()
    answers = [json.loads(line) for line in lines]
    if "float32" in model:  # float sums depend on their order
        for answer, right in zip(answers, expected, strict=True):
            for tag, other in zip(answer["tags"], right["tags"], strict=True):
                assert tag.pop("score") == pytest.approx(other.pop("score"), abs=1e-5)
    assert answers == expected
    assert any(answer["tags"] for answer in expected)
