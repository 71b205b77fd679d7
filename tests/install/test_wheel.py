"""What a device downloads and unpacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

MAX_WHEEL_BYTES = 16e6  # the int8 model shrinks to 14.4 MB; all the rest is under 1 MB


@pytest.fixture(scope="module")
def site(wheel_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as pip lays it out, without what it requires."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    done = subprocess.run([*pip, "--target", folder, wheel_file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_wheel_is_small_and_has_the_model(wheel_file: Path) -> None:
    model = Path(__file__).resolve().parents[2] / "edge_tagger" / "models" / "product-tagger-int8.tflite"
    with zipfile.ZipFile(wheel_file) as wheel:
        packed = {info.filename: info.compress_size for info in wheel.infolist()}
        assert wheel.read(f"edge_tagger/models/{model.name}") == model.read_bytes()
    own = packed.pop(f"edge_tagger/models/{model.name}")
    assert own < wheel_file.stat().st_size <= MAX_WHEEL_BYTES
    assert sum(packed.values()) < 1e6


def test_the_wheel_has_nothing_that_a_device_does_not_need(wheel_file: Path) -> None:
    with zipfile.ZipFile(wheel_file) as wheel:
        names = wheel.namelist()
    unwanted = ("float16", "float32", "test_", "conftest", "__pycache__", ".pyc")
    assert [name for name in names if any(word in name.rpartition("/")[2] for word in unwanted)] == []
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"edge_tagger"}
    assert wheel_file.name.endswith("-py3-none-any.whl")  # one for every processor


def test_what_was_installed_tags_a_photo(site: Path, tmp_path: Path) -> None:
    """As a script outside the checkout would, by the command that the wheel installs."""
    photo = tmp_path / "photo.jpg"
    pixels = np.random.default_rng(0).integers(0, 256, (50, 40, 3), np.uint8)
    assert cv2.imwrite(str(photo), pixels)
    done = subprocess.run(
        [sys.executable, site / "bin" / "edge-tagger", "tag", photo, "--json"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(site)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["photo"] == str(photo) and all(0 <= tag["score"] <= 1 for tag in answer["tags"])
    where = subprocess.run(
        [sys.executable, "-c", "import edge_tagger; print(edge_tagger.__file__)"],
        capture_output=True, text=True, check=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(site)},
    )  # fmt: skip
    assert Path(where.stdout.strip()).is_relative_to(site)
