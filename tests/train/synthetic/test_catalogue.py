import csv
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_tagger.catalogue.source import read_catalogue
from edge_tagger.errors import OutputError
from edge_tagger.train.synthetic import COLOURS, DETAILS, PATTERNS, PRODUCTS, draw_catalogue, draw_photo
from edge_tagger.train.synthetic.catalogue import COLUMNS, Look


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_it_has_what_the_demo_promises() -> None:
    assert len({product.type for product in PRODUCTS}) >= 8
    assert len({product.department for product in PRODUCTS}) >= 2
    assert len(COLOURS) >= 12
    assert len(PATTERNS) >= 3
    assert {detail for product in PRODUCTS for detail in product.slots} == set(DETAILS)


def test_same_seed_same_bytes_another_seed_others(tmp_path: Path) -> None:
    folders = [draw_catalogue(tmp_path / name, photos=6, size=48, seed=seed).parent
               for name, seed in (("a", 1), ("b", 1), ("c", 2))]  # fmt: skip
    first, again, other = (
        [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()] for folder in folders
    )
    assert first == again
    assert all(mine != theirs for mine, theirs in zip(first, other, strict=True))


def test_the_csv_is_a_catalogue_that_can_be_read(tmp_path: Path) -> None:
    path = draw_catalogue(tmp_path / "drawn", photos=48, size=40)
    catalogue = read_catalogue(path)
    assert catalogue.columns == COLUMNS
    assert len(catalogue) == 48
    for photo in catalogue.photos:
        pixels = cv2.imread(str(photo.path))
        assert pixels.shape == (40, 40, 3)
        assert pixels.std() > 4


def test_labels_are_spread_evenly_with_a_few_blanks(tmp_path: Path) -> None:
    rows = _rows(draw_catalogue(tmp_path / "drawn", photos=360, size=32))
    types = Counter(row["type"] for row in rows)
    blanks = sum(not cell for row in rows for cell in row.values())
    assert Counter(row["split"] for row in rows) == {"train": 288, "val": 36, "test": 36}
    assert 0 < blanks < 0.03 * 360 * 5
    assert all(types[product.type] >= 25 for product in PRODUCTS)
    assert all(not row["type"] for row in rows if not row["department"])
    assert {detail for row in rows for detail in row["details"].split("|")} == {*DETAILS, "none", ""}


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("colour", ["white", "black", "yellow", "blue"])
def test_every_detail_is_seen_on_every_product_that_carries_it(detail: str, colour: str) -> None:
    for product in PRODUCTS:
        if detail in product.slots:
            for pattern in PATTERNS:
                photos = [
                    draw_photo(Look(product, colour, pattern, shown), size=64, rng=np.random.default_rng(5)).astype(int)
                    for shown in ((), (detail,))
                ]
                changed = (np.abs(photos[0] - photos[1]).max(axis=-1) > 40).sum()
                assert changed >= 20, f"{detail} on a {colour} {pattern} {product.type}: {changed} pixels"


def test_progress_counts_every_photo(tmp_path: Path) -> None:
    steps: list[int] = []
    draw_catalogue(tmp_path / "drawn", photos=5, size=32, on_progress=steps.append)
    assert sum(steps) == 5


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        draw_catalogue(tmp_path / "file" / "drawn", photos=1, size=32)


def test_nothing_is_left_when_drawing_is_interrupted(tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_catalogue(tmp_path / "drawn", photos=3, size=32, on_progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("photos", "size"), [(0, 96), (5, 8)])
def test_too_few_photos_or_pixels_are_refused(tmp_path: Path, photos: int, size: int) -> None:
    with pytest.raises(ValueError, match="at least"):
        draw_catalogue(tmp_path / "drawn", photos=photos, size=size)
