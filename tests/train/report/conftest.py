"""A small case that can be counted by hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_tagger.catalogue.source import Photo
from edge_tagger.manifest import Manifest
from edge_tagger.measure import Measured
from edge_tagger.taxonomy import Facet, Tag, Taxonomy

FACETS = (
    Facet("colour", ("colour",)),
    Facet("details", ("details",), exclusive=False, separator="|", none="none"),
    Facet("only", ("only",)),
)
TAGS = (
    Tag("colour", ("Red",)),
    Tag("colour", ("Blue",)),
    Tag("details", ("<b>&",)),
    Tag("details", ("never",)),
    Tag("only", ("One",)),
)
# The score of Red and of "<b>&". Six red photos (one said to be blue), six blue ones (two said to be red); the first
# three have the detail (the second is missed), the fourth is given it.
RED = (0.9, 0.9, 0.9, 0.9, 0.9, 0.2, 0.1, 0.1, 0.1, 0.1, 0.7, 0.95)
DETAIL = (0.9, 0.2, 0.9, 0.6, *8 * (0.01,))


@pytest.fixture
def photos(tmp_path: Path) -> list[Photo]:
    found = []
    for place in range(len(RED)):
        path = tmp_path / f"{place}.jpg"
        cv2.imwrite(str(path), np.full((40, 20, 3), 20 * place, np.uint8))
        values = {"colour": "Red" if place < 6 else "Blue", "details": "<b>&" if place < 3 else "none", "only": "One"}
        found.append(Photo(path, values, f"photos.csv:{place + 2}"))
    return found


@pytest.fixture
def measured(photos: list[Photo]) -> Measured:
    red, detail = np.array(RED), np.array(DETAIL)
    scores = np.stack([red, 1 - red, detail, 0 * red, 0 * red + 0.8], axis=1).astype(np.float32)
    return Measured.of("models/tagger-int8.tflite", 2_000_000, _manifest(), photos, scores)


@pytest.fixture
def float_model(photos: list[Photo]) -> Measured:
    """Right about every colour, sure of nothing else."""
    red = np.array([0.9] * 6 + [0.1] * 6)
    scores = np.stack([red, 1 - red, *3 * [0 * red + 0.5]], axis=1).astype(np.float32)
    return Measured.of("models/tagger-float32.tflite", 8_000_000, _manifest(), photos, scores)


def _manifest() -> Manifest:
    return Manifest("tagger", 8, Taxonomy(FACETS, TAGS), thresholds=(0.5,) * len(TAGS))
