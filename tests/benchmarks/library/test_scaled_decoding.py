from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_tagger.benchmarks.library import scaled_decoding
from edge_tagger.benchmarks.library.scaled_decoding import agreement
from edge_tagger.catalogue.source import read_catalogue
from edge_tagger.images import Pixels
from edge_tagger.tagger import Tagger


@pytest.fixture
def products(tmp_path: Path) -> Path:
    """Three soft photos, labelled for the packaged model's facets."""
    with Tagger() as tagger:
        assert tagger.manifest is not None
        columns = [column for facet in tagger.manifest.taxonomy.facets for column in facet.columns]
    for number in range(3):
        colours = np.random.default_rng(number).integers(0, 256, (5, 5, 3), np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), cv2.resize(colours, (224, 224), interpolation=cv2.INTER_CUBIC))
    rows = [f"{number}.png," + "," * (len(columns) - 1) for number in range(3)]
    (tmp_path / "products.csv").write_text("\n".join([f"image,{','.join(columns)}", *rows]), encoding="utf-8")
    return tmp_path / "products.csv"


def test_what_is_not_enlarged_by_much_agrees(products: Path) -> None:
    with Tagger() as tagger:
        found = agreement(tagger, read_catalogue(products), 1, progressive=False)
    assert found.photos == 3
    assert 0 < found.largest < 0.5  # two ways to decode, and the same photo
    assert found.same_best >= 0.5


def test_another_photo_at_a_reduced_scale_would_be_told(products: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = scaled_decoding.load_photo

    def load(photo: bytes, cover: int | None = None) -> Pixels:
        return whole(photo) if cover is None else np.zeros((cover, cover, 3), np.uint8)

    monkeypatch.setattr(scaled_decoding, "load_photo", load)
    with Tagger() as tagger:
        assert agreement(tagger, read_catalogue(products), 1, progressive=False).same_tags == 0
