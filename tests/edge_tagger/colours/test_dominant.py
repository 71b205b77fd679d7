"""Colours of products on drawn photos, and what is no product."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_tagger.colours.difference import ciede2000, lab_of
from edge_tagger.colours.dominant import Colour, dominant_colours
from edge_tagger.colours.palette import Palette, Shade, built_in
from edge_tagger.colours.product import product_mask, without_skin
from edge_tagger.errors import PhotoError

RED, NAVY, SKIN = (205, 40, 45), (31, 42, 76), (224, 172, 140)


def on_white(height: int = 240, width: int = 200) -> np.ndarray:
    return np.full((height, width, 3), 255, np.uint8)


def test_one_colour_on_white() -> None:
    photo = on_white()
    cv2.ellipse(photo, (100, 120), (60, 80), 0, 0, 360, RED, -1)
    (colour,) = dominant_colours(photo)
    assert (colour.name, colour.share) == ("Red", pytest.approx(1))
    shown = np.frombuffer(bytes.fromhex(colour.hex[1:]), np.uint8)
    assert ciede2000(lab_of(shown), lab_of(np.array(RED, np.uint8))) < 2


@pytest.mark.parametrize("background", [(255, 255, 255), (0, 0, 0), (240, 230, 120), (90, 150, 90)])
def test_two_colours_with_their_shares(background: tuple[int, int, int]) -> None:
    photo = np.full((200, 200, 3), background, np.uint8)
    photo[40:160, 40:160] = NAVY
    photo[40:160, 120:160] = RED
    first, second = dominant_colours(photo)
    assert (first.name, second.name) == ("Navy Blue", "Red")
    assert first.share > second.share > 0.1
    assert first.share + second.share == pytest.approx(1, abs=0.02)
    assert dominant_colours(photo, count=1) == (first,)


def test_a_white_print_inside_a_product_before_white_is_product() -> None:
    photo = on_white(200, 200)
    cv2.rectangle(photo, (40, 40), (160, 160), NAVY, -1)
    cv2.circle(photo, (100, 100), 36, (255, 255, 255), -1)
    assert [colour.name for colour in dominant_colours(photo, count=2)] == ["White", "Navy Blue"]


def test_a_white_product_before_white_is_told_by_its_outline() -> None:
    photo = on_white(200, 200)
    cv2.rectangle(photo, (50, 40), (150, 160), (252, 252, 252), -1)
    cv2.rectangle(photo, (50, 40), (150, 160), (200, 200, 203), 3)
    assert dominant_colours(photo)[0].name == "White"


def test_what_the_bottom_cuts_off_is_no_background() -> None:
    photo = on_white(200, 200)
    photo[60:, 60:140] = RED
    assert [colour.name for colour in dominant_colours(photo)] == ["Red"]


@pytest.mark.parametrize(
    "photo",
    [
        on_white(),
        np.full((50, 50, 3), RED, np.uint8),
        np.tile(np.linspace(90, 220, 200).astype(np.uint8)[:, np.newaxis, np.newaxis], (1, 160, 3)),
        np.random.default_rng(0).normal(150, 10, (200, 200, 3)).clip(0, 255).astype(np.uint8),
        on_white(1, 1),
        on_white(7, 300),
    ],
    ids=["white", "one colour", "gradient", "noise", "one pixel", "a strip"],
)
def test_no_product_is_no_colour(photo: np.ndarray) -> None:
    assert dominant_colours(photo) == ()


@pytest.mark.parametrize("size", [(8, 8), (9, 4000), (3000, 2), (31, 64), (1200, 900)])
def test_any_size_is_taken(size: tuple[int, int]) -> None:
    photo = on_white(*size)
    photo[size[0] // 4 : -(size[0] // 4) or None, size[1] // 4 : -(size[1] // 4) or None] = NAVY
    assert {colour.name for colour in dominant_colours(photo)} <= set(built_in().names)


def test_random_pixels_are_answered_somehow() -> None:
    random = np.random.default_rng(1)
    for _ in range(20):
        height, width = random.integers(1, 150, 2)
        photo = random.integers(0, 256, (height, width, 3), np.uint8)
        colours = dominant_colours(photo, count=5)
        assert sum(colour.share for colour in colours) <= 1 + 1e-9
        assert [colour.share for colour in colours] == sorted((colour.share for colour in colours), reverse=True)
        assert len({colour.name for colour in colours}) == len(colours)


def test_skin_in_the_upper_third_is_left_out_and_skin_coloured_shoes_are_not() -> None:
    person = on_white(200, 200)
    cv2.circle(person, (100, 35), 25, SKIN, -1)
    person[60:190, 60:140] = NAVY
    person[60:150, 40:60] = SKIN
    lab = lab_of(cv2.resize(person, (64, 64), interpolation=cv2.INTER_AREA))
    product = product_mask(lab)
    assert product is not None
    dressed = without_skin(lab, product)
    assert 0.05 * product.sum() < (product & ~dressed).sum() < 0.4 * product.sum()
    shoe = on_white(200, 200)
    shoe[110:160, 30:170] = SKIN
    lab = lab_of(cv2.resize(shoe, (64, 64), interpolation=cv2.INTER_AREA))
    product = product_mask(lab)
    assert product is not None
    assert (without_skin(lab, product) == product).all()


def test_the_users_palette_names() -> None:
    photo = on_white()
    photo[60:180, 50:150] = NAVY
    mine = Palette((Shade("Midnight", "#1f2a4c"), Shade("Snow", "#ffffff")), {})
    assert dominant_colours(photo, palette=mine)[0].name == "Midnight"


def test_files_and_bytes_are_taken_as_arrays_are(tmp_path: Path) -> None:
    photo = on_white()
    photo[60:180, 50:150] = RED
    path = tmp_path / "red.png"
    cv2.imwrite(str(path), photo[..., ::-1])
    assert dominant_colours(path) == dominant_colours(path.read_bytes()) == dominant_colours(photo)
    with pytest.raises(PhotoError, match="does not exist"):
        dominant_colours(tmp_path / "none.png")


def test_a_count_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="count is 0"):
        dominant_colours(on_white(), count=0)


def test_a_colour_is_frozen_and_ready_for_json() -> None:
    colour = Colour("#1f2a4c", 0.70512, "Navy Blue")
    assert json.dumps(colour.to_json()) == '{"hex": "#1f2a4c", "share": 0.705, "name": "Navy Blue"}'
    assert str(colour) == "#1f2a4c 71% Navy Blue"
    with pytest.raises(dataclasses.FrozenInstanceError):
        colour.name = "Blue"  # type: ignore[misc]


def test_names_of_drawn_products_are_right() -> None:
    """A few of what docs/colours.md gives figures of."""
    script = Path(__file__).with_name("drawn_products.py")
    done = subprocess.run([sys.executable, script, "250"], capture_output=True, text=True, check=True)
    found = re.fullmatch(r"\| all \| ([0-9.]+)% of 250 \|", done.stdout.splitlines()[-1])
    assert found, done.stdout
    assert float(found[1]) >= 97
