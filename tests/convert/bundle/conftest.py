from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge_tagger.manifest import pack, read_manifest


@pytest.fixture
def root() -> Path:
    return Path(__file__).resolve().parents[3]


@pytest.fixture
def repacked_int8(data: Path, tmp_path: Path) -> Callable[[], Path]:
    """A model with int8 inputs and outputs and a manifest that fits it otherwise."""

    def write() -> Path:
        path = tmp_path / "int8.tflite"
        path.write_bytes(pack((data / "bare-int8.tflite").read_bytes(), read_manifest(data / "tiny-uint8.tflite")))
        return path

    return write
