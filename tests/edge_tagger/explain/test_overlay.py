from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_tagger.explain.overlay import caption, encode, fit, lay_over, side_by_side

GREY = np.full((60, 90, 3), 128, np.uint8)


def test_hot_places_are_red_and_cold_ones_clear() -> None:
    heat = np.zeros((6, 9), np.float32)
    heat[1, 7], heat[4, 1] = 2.0, -5.0
    laid = lay_over(GREY, heat)
    assert laid.shape == GREY.shape
    assert laid.dtype == np.uint8
    red, green, blue = laid[15, 75].tolist()
    assert red > green + 30
    assert red > blue + 30
    np.testing.assert_array_equal(laid[30:, :45], GREY[30:, :45])


@pytest.mark.parametrize("heat", [np.zeros((3, 3), np.float32), np.full((3, 3), -1, np.float32)])
def test_where_nothing_speaks_for_a_tag_the_photo_stays_as_it_is(heat: np.ndarray) -> None:
    np.testing.assert_array_equal(lay_over(GREY, heat), GREY)


@pytest.mark.parametrize(("height", "width"), [(60, 90), (1500, 400), (1, 1000), (300, 300)])
def test_photos_of_every_shape_fit_a_panel(height: int, width: int) -> None:
    fitted = fit(np.zeros((height, width, 3), np.uint8))
    assert max(fitted.shape[:2]) == 448
    assert min(fitted.shape[:2]) >= 1


@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 1, 1), (3, 1, 3), (4, 1, 4), (5, 2, 4), (9, 3, 4)])
def test_panels_stand_side_by_side_with_their_text(count: int, rows: int, columns: int) -> None:
    panels = [(np.full((300, 448, 3), 10 + number, np.uint8), ["name " * 30, "facet 0.50"]) for number in range(count)]
    sheet = side_by_side(panels)
    height, width = sheet.shape[0] // rows, sheet.shape[1] // columns
    assert (sheet.shape[0] % rows, sheet.shape[1] % columns) == (0, 0)
    for number in range(count):
        cell = sheet[number // columns * height :, number % columns * width :][:height, :width]
        assert np.all(cell == 10 + number, axis=-1).sum() == 300 * 448
        text = np.all(cell < 100, axis=-1) & ~np.all(cell == 10 + number, axis=-1)
        assert 50 < text.sum() < 10_000
        assert not text[:, -5:].any()  # it does not run into the next


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("colour/Blue/Navy Blue", ("Navy Blue", "colour 0.87")),
        ("category/Bags/A%2FB", ("A/B", "category 0.87")),
        ("label/crème brûlée", ("creme brulee", "label 0.87")),
        ("Größe/weiß", ("weiss", "Grosse 0.87")),
        ("category/Обувь", ("tag 3", "category 0.87")),
        ("色/青", ("tag 3", "0.87")),
    ],
)
def test_captions_are_what_opencv_can_draw(tag: str, expected: tuple[str, str]) -> None:
    assert caption(tag, 0.8712, 3) == expected


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".jpg", b"\xff\xd8"), (".jpeg", b"\xff\xd8")])
def test_pictures_are_encoded_as_asked(suffix: str, magic: bytes) -> None:
    picture = np.zeros((20, 30, 3), np.uint8)
    picture[..., 0] = 200
    data = encode(picture, suffix)
    assert data.startswith(magic)
    blue, _, red = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[5, 5].tolist()
    assert red > 190
    assert blue < 10
