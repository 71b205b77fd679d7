"""Small photos and CSV files."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

Draw = Callable[..., Path]
WriteCsv = Callable[..., Path]


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    """draw(name, seed): a 64x64 photo of random squares; other seeds look nothing like it."""

    def one(name: str, seed: int, *, brighter: int = 0) -> Path:
        pixels = np.random.default_rng(seed).integers(20, 220, (16, 16, 3), dtype=np.uint8)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(
            str(path), cv2.resize(pixels, (64, 64), interpolation=cv2.INTER_NEAREST) + np.uint8(brighter)
        )
        return path

    return one


@pytest.fixture
def write_csv(tmp_path: Path) -> WriteCsv:
    """write_csv(header, rows): products.csv beside the photos."""

    def one(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
        path = tmp_path / "products.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([header, *rows])
        return path

    return one
