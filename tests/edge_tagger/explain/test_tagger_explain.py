"""`Tagger.explain`, and models of others."""

from __future__ import annotations

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_tagger import Explanation, Tagger
from edge_tagger.errors import ModelError, PhotoError
from edge_tagger.images import load_photo, resize

YELLOW = np.full((30, 40, 3), (250, 250, 0), np.uint8)


def test_photos_of_every_kind_and_tags_by_name(data: Path) -> None:
    encoded = cv2.imencode(".png", YELLOW[..., ::-1])[1].tobytes()
    with Tagger(data / "tiny-uint8.tflite") as tagger:
        (found,) = tagger.explain(YELLOW, "Yellow")
        assert isinstance(found, Explanation)
        for photo in (encoded, io.BytesIO(encoded)):
            again, dark = tagger.explain(photo, ["colour/Warm/Yellow", "dark"])
            np.testing.assert_array_equal(again.map, found.map)
            assert (again.tag, dark.tag) == ("colour/Warm/Yellow", "light/dark")
        assert [each.tag for each in tagger.explain(YELLOW)] == ["colour/Warm/Yellow", "light/bright"]
        assert found.overlay(YELLOW).shape == YELLOW.shape
        with pytest.raises(PhotoError):
            tagger.explain(b"no photo", "Yellow")
    with pytest.raises(ModelError, match="closed"):
        tagger.explain(YELLOW)


def test_threads_wait_in_turn(data: Path) -> None:
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 256, (12, 8, 8, 3)).astype(np.uint8)
    with Tagger(data / "tiny-uint8.tflite") as tagger, ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda photo: tagger.explain(photo, "Red")[0].map, photos))
        for photo, found in zip(photos, together, strict=True):
            np.testing.assert_array_equal(found, tagger.explain(photo, "Red")[0].map)


def test_tagging_alone_loads_nothing_of_it(data: Path) -> None:
    code = (
        "import sys, numpy; from edge_tagger import Tagger\n"
        f"tagger = Tagger({str(data / 'tiny-uint8.tflite')!r}); tagger.tag(numpy.zeros((8, 8, 3), numpy.uint8))\n"
        "assert not [name for name in sys.modules if name.startswith('edge_tagger.explain')]\n"
        "assert '_explainer' not in vars(tagger)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "grid", "biases"),
    [
        ("mobilenet_v1_0.25_128_uint8", 4, 1.5),  # AVERAGE_POOL_2D, CONV_2D 1x1, RESHAPE, SOFTMAX
        ("mlperf_tiny_resnet8_cifar10_int8", 8, 1.0),  # AVERAGE_POOL_2D, FULLY_CONNECTED, SOFTMAX
        ("mlperf_tiny_resnet8_cifar10_float", 8, 1.0),
    ],
)
def test_models_of_others(shared: Path, tmp_path: Path, name: str, grid: int, biases: float) -> None:
    folder = shared / "models" / "third_party"
    cat = load_photo(folder / "cat_720p.jpg")
    labels = folder / "imagenet_labels.txt"
    if "cifar10" in name:
        labels = tmp_path / "labels.txt"
        labels.write_text("airplane automobile bird cat deer dog frog horse ship truck".replace(" ", "\n"))
    with Tagger(folder / f"{name}.tflite", labels=labels) as tagger:
        (found,) = tagger.explain(cat, "Egyptian cat" if grid == 4 else "cat")
        assert found.map.shape == (grid, grid)
        assert found.score in tagger.scores(resize(cat, tagger.model.input_size))
        assert found.logit == pytest.approx(found.map.sum(), abs=biases)
        if grid == 4:  # the cat sits in the middle; at 32 px the other model takes it for a frog
            assert np.argmax(found.heat.sum(0)) in (1, 2)
