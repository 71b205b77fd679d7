"""AVIF and HEIF whose boxes say less than their coded pictures hold."""

from __future__ import annotations

import io
import struct
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, features

from edge_tagger.errors import PhotoError
from edge_tagger.images import Limits, load_photo
from edge_tagger.photos.coded_size import coded_sizes

if not cv2.haveImageWriter("x.avif") or not features.check("avif"):
    pytest.skip("this OpenCV or Pillow has no AVIF", allow_module_level=True)
WIDTH, HEIGHT = 200, 120


def avif(mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (WIDTH, HEIGHT), (200, 10, 10, 99)[: len(mode)]).save(file, "AVIF", speed=10, **options)
    return file.getvalue()


def lying(data: bytes) -> bytes:
    """With 16x16 wherever a box gives a size."""
    changed = bytearray(data)
    for name, offset, size in ((b"ispe", 8, struct.pack(">II", 16, 16)), (b"av01", 28, struct.pack(">HH", 16, 16))):
        place = changed.find(name)
        while place >= 0:
            at = place + offset
            if changed[at : at + len(size)] == struct.pack(">II" if len(size) == 8 else ">HH", WIDTH, HEIGHT):
                changed[at : at + len(size)] = size
            place = changed.find(name, place + 1)
    return bytes(changed).replace(struct.pack(">II", WIDTH << 16, HEIGHT << 16), struct.pack(">II", 16 << 16, 16 << 16))


@pytest.mark.parametrize(
    "data",
    [
        avif(),
        avif("RGBA"),
        avif(subsampling="4:4:4"),
        avif(save_all=True, append_images=[Image.new("RGB", (WIDTH, HEIGHT))]),
        avif("RGBA", save_all=True, append_images=[Image.new("RGBA", (WIDTH, HEIGHT))]),
        bytes(cv2.imencode(".avif", np.zeros((HEIGHT, WIDTH, 3), np.uint8))[1]),
    ],
    ids=["still", "alpha", "444", "sequence", "sequence with alpha", "of OpenCV"],
)
def test_the_limit_is_held_to_what_is_coded(data: bytes) -> None:
    assert set(coded_sizes(data)) == {(WIDTH, HEIGHT)}
    false = lying(data)
    assert {(16, 16), (WIDTH, HEIGHT)} == set(coded_sizes(false))
    with pytest.raises(PhotoError, match=f"{WIDTH}x{HEIGHT} pixels"):
        load_photo(false, limits=Limits(max_pixels=WIDTH * HEIGHT - 1))


def test_a_coded_picture_that_tells_no_size_is_refused() -> None:
    data = avif()
    place = data.index(b"\x0a", data.index(b"mdat"))
    with pytest.raises(PhotoError, match="tells no size"):
        load_photo(data[:place] + b"\x12" + data[place + 1 :])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"infe\2\0\0\0\0\1\0\0av01", b"infe\2\0\0\0\0\1\0\0Exif"),  # the item is another; the track tells
        (b"stco\0\0\0\0", b"stsz\0\0\0\0"),
        (b"\0\0\0\x01\0\0\0\x85av01", b"\0\0\0\x02\0\0\0\x10vp09" + bytes(8) + b"\0\0\0\x85av01"),
    ],
)
def test_a_track_cannot_hide_its_size(old: bytes, new: bytes) -> None:
    data = avif(save_all=True, append_images=[Image.new("RGB", (WIDTH, HEIGHT))])
    changed = lying(data).replace(old, new)
    with pytest.raises(PhotoError):
        load_photo(changed, limits=Limits(max_pixels=WIDTH * HEIGHT - 1))
