"""Draws the photos and writes `products.csv` beside them. The same arguments give the same pixels."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_tagger.errors import OutputError
from edge_tagger.files import whole_folder
from edge_tagger.train.synthetic import details, products, scenes, surfaces

Card = TypeVar("Card")

COLUMNS = ("image", "department", "type", "colour", "pattern", "details", "split")
SEPARATOR, NONE = "|", "none"

_SUPERSAMPLING = 3
_DETAIL_CHANCE = 0.45
_BLANK_CHANCE = 0.01  # of a cell: enough to exercise the masks
_JPEG_QUALITY = 92
_SPLITS = ("train",) * 8 + ("val", "test")


@dataclass(frozen=True)
class Look:
    """What a photo shows, exactly."""

    product: products.Product
    colour: str
    pattern: str
    details: tuple[str, ...]


def draw_catalogue(
    folder: str | os.PathLike[str],
    *,
    photos: int = 3000,
    size: int = 96,
    seed: int = 0,
    on_progress: Callable[[int], object] | None = None,
) -> Path:
    """Draw `photos` products of `size` x `size` pixels into `folder` and give the path of its `products.csv`.

    Photos are `images/00000.jpg` and so on. Types, colours and patterns are spread evenly; about one label in a
    hundred is left blank (unknown). Of ten photos eight are for training, one for validation, one for the test. A
    folder that exists is replaced once all is drawn. `on_progress` is called with the number of photos drawn since
    the last call. Raises OutputError.
    """
    if photos < 1 or size < 32:
        raise ValueError(f"draw at least 1 photo of at least 32 pixels, not {photos} of {size}")
    rng = np.random.default_rng(seed)
    kinds = _deck(rng, products.PRODUCTS, photos)
    colours = _deck(rng, tuple(surfaces.COLOURS), photos)
    patterns = _deck(rng, surfaces.PATTERNS, photos)
    splits = _deck(rng, _SPLITS, photos)
    try:
        Path(folder).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}") from error
    with whole_folder(folder) as beside:
        (beside / "images").mkdir()
        with (beside / "products.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(COLUMNS)
            for number, (kind, colour, pattern, split) in enumerate(zip(kinds, colours, patterns, splits, strict=True)):
                own = np.random.default_rng([seed, number])
                look = Look(kind, colour, pattern, _some_details(kind, own))
                name = f"images/{number:05d}.jpg"
                _write_jpeg(beside / name, draw_photo(look, size=size, rng=own))
                rows.writerow([name, *_cells(look, own), split])
                if on_progress is not None:
                    on_progress(1)
    return Path(folder) / "products.csv"


def draw_photo(look: Look, *, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """uint8 [size, size, 3], RGB: the product in a random pose, light and scene."""
    ink, cover = _draw_product(look, size * _SUPERSAMPLING, rng)
    share = np.asarray(cv2.resize(cover, (size, size), interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)
    ink[cover == 0] = 0
    colour = np.asarray(cv2.resize(ink, (size, size), interpolation=cv2.INTER_AREA), np.float32)
    background = scenes.cast_shadow(scenes.draw_background(size, rng), share, rng)
    photo = scenes.light(background * (np.float32(1) - share[..., None]) + colour, rng)
    return np.clip(np.rint(photo), 0, 255).astype(np.uint8)


def _draw_product(look: Look, size: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """RGB [size, size, 3] of the product alone, and where it is [size, size] (255 or 0)."""
    pose = _pose(size, rng)
    base = surfaces.tinted(look.colour, rng)
    ink = np.zeros((size, size, 3), np.uint8)
    cover = np.zeros((size, size), np.uint8)
    surface = surfaces.paint(*_product_coordinates(pose, size), colour=look.colour, base=base,
                             pattern=look.pattern, rng=rng)  # fmt: skip
    edge, edge_px = surfaces.trim(surfaces.trim(base)), max(1, size // 120)
    for part in look.product.parts:
        outline = _pixels(part.outline, pose)
        cv2.fillPoly(cover, [outline], 255)
        if part.fill == "body":
            mask = cv2.fillPoly(np.zeros_like(cover), [outline], 255)
            cv2.copyTo(surface, mask, ink)
        else:
            cv2.fillPoly(ink, [outline], surfaces.trim(base) if isinstance(part.fill, str) else part.fill)
        cv2.polylines(ink, [outline], True, edge, edge_px)
    for detail in look.details:
        for shape, fill, border in details.shapes(detail, look.product.slots[detail], base):
            cv2.fillPoly(ink, [_pixels(shape, pose)], fill)
            cv2.polylines(ink, [_pixels(shape, pose)], True, border, 2 * edge_px)
    return ink, cover


def _pose(size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """[2, 3]: product units to pixels, with a random scale, rotation, flip and place; the product stays in sight."""
    scale = rng.uniform(0.8, 0.98)
    angle = rng.normal(0, 0.12)
    flip = rng.choice([-1, 1])
    room = 1 - scale * 0.97
    shift = rng.uniform(-room, room, 2)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    pose = np.array([[flip * cosine, -sine, 1 + shift[0]], [flip * sine, cosine, 1 + shift[1]]])
    return (pose * (size / 2)).astype(np.float32)


def _product_coordinates(pose: NDArray[np.float32], size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x and y in product units at each pixel, [size, size] each."""
    back = cv2.invertAffineTransform(pose).astype(np.float32)
    along = np.arange(size, dtype=np.float32)
    column, row = along[None, :], along[:, None]
    return back[0, 0] * column + back[0, 1] * row + back[0, 2], back[1, 0] * column + back[1, 1] * row + back[1, 2]


def _pixels(outline: products.Outline, pose: NDArray[np.float32]) -> NDArray[np.int32]:
    points = np.array(outline, np.float32) @ pose[:, :2].T + pose[:, 2]
    return np.asarray(np.rint(points), np.int32)


def _deck(rng: np.random.Generator, cards: Sequence[Card], count: int) -> list[Card]:
    """`count` cards from shuffled decks: each card comes equally often, in no order."""
    decks = -(-count // len(cards))
    return [cards[place] for _ in range(decks) for place in rng.permutation(len(cards))][:count]


def _some_details(product: products.Product, rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(detail for detail in product.slots if rng.uniform() < _DETAIL_CHANCE)


def _cells(look: Look, rng: np.random.Generator) -> list[str]:
    """The labels of a row; a type is never known where its department is not."""
    department, kind = look.product.department, look.product.type
    cells = [department, kind, look.colour, look.pattern, SEPARATOR.join(sorted(look.details)) or NONE]
    blank = rng.uniform(size=len(cells)) < _BLANK_CHANCE
    blank[1] |= blank[0]
    return ["" if unknown else cell for cell, unknown in zip(cells, blank, strict=True)]


def _write_jpeg(path: Path, photo: NDArray[np.uint8]) -> None:
    done, data = cv2.imencode(".jpg", cv2.cvtColor(photo, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not done:
        raise OutputError(f"cannot encode {path.name} as JPEG")
    path.write_bytes(data.tobytes())
