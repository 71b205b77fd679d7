"""Photos as people have them, held against Pillow, which reads the same files with other code."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest

from edge_tagger.image_header import read_header
from edge_tagger.images import Pixels, load_photo

Image = pytest.importorskip("PIL.Image")
ImageOps = pytest.importorskip("PIL.ImageOps")

needs_avif = pytest.mark.skipif(not cv2.haveImageWriter("x.avif"), reason="this OpenCV has no AVIF")
FORMATS = ["JPEG", "PNG", "WEBP", pytest.param("AVIF", marks=needs_avif)]


@pytest.fixture
def picture() -> Any:
    """48 x 32 px, soft, alike in no two directions, with all levels of all colours."""
    noise = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    return Image.fromarray(cv2.resize(noise, (48, 32), interpolation=cv2.INTER_CUBIC))


def saved(picture: Any, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def reference(data: bytes) -> Pixels:
    """Upright RGB over white, as Pillow has it."""
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info:
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA"))
    return np.asarray(picture.convert("RGB"))


def assert_alike(data: bytes, *, levels: int) -> None:
    photo, expected = load_photo(data), reference(data)
    assert photo.shape == expected.shape
    assert int(np.abs(photo.astype(int) - expected.astype(int)).max()) <= levels


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", FORMATS)
def test_all_orientations_in_all_formats(kind: str, orientation: int, picture: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(picture, kind, exif=exif.tobytes(), quality=95)
    assert_alike(data, levels=4)
    assert read_header("it", data).orientation == orientation


@pytest.mark.parametrize(("mode", "kind"), [("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "WEBP")])
@pytest.mark.parametrize("orientation", [1, 6])
def test_alpha_over_white_is_turned_too(mode: str, kind: str, orientation: int, picture: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    clear = picture.convert(mode)
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    assert_alike(saved(clear, kind, exif=exif.tobytes(), lossless=True), levels=2)


@needs_avif
def test_alpha_of_an_avif(picture: Any) -> None:
    clear = picture.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    assert_alike(saved(clear, "AVIF", quality=95), levels=6)


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGB"])
def test_kinds_of_png(mode: str, picture: Any) -> None:
    assert_alike(saved(picture.convert(mode), "PNG"), levels=0)


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB", "RGBA"])
def test_kinds_of_bmp(mode: str, picture: Any) -> None:
    assert_alike(saved(picture.convert(mode), "BMP"), levels=0)


def test_bmp_from_the_top_down_and_of_os2(picture: Any) -> None:
    data = saved(picture, "BMP")
    width, height = struct.unpack_from("<ii", data, 18)
    top_down = data[:22] + struct.pack("<i", -height) + data[26:]
    np.testing.assert_array_equal(load_photo(top_down), load_photo(data)[::-1])
    os2 = data[:10] + struct.pack("<IIHHHH", 26, 12, width, height, 1, 24) + data[54:]
    np.testing.assert_array_equal(load_photo(os2), load_photo(data))


def test_palette_with_transparency(picture: Any) -> None:
    assert_alike(saved(picture.convert("P"), "PNG", transparency=bytes(range(256))), levels=1)


def test_one_transparent_colour(picture: Any) -> None:
    corner = picture.getpixel((0, 0))
    data = saved(picture, "PNG", transparency=corner)
    assert load_photo(data)[0, 0].tolist() == [255, 255, 255]
    assert_alike(data, levels=0)


@pytest.mark.parametrize(("mode", "bits"), [("1", 1), ("L", 8), ("I;16", 16)])
def test_one_transparent_grey_level(mode: str, bits: int, picture: Any) -> None:
    grey = picture.convert("L")
    level = grey.getpixel((0, 0))
    if mode == "1":
        picture, level = grey.point(lambda value: 255 * (value > 100), mode="1"), 0
    elif mode == "I;16":
        picture, level = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257), level * 257
    else:
        picture = grey
    opaque, clear = load_photo(saved(picture, "PNG")), load_photo(saved(picture, "PNG", transparency=level))
    key = opaque == (level if bits < 16 else level // 257)
    assert key.any() and not key.all()
    assert np.all(clear[key] == 255)
    np.testing.assert_array_equal(clear[~key], opaque[~key])


@pytest.mark.parametrize("mode", ["CMYK", "L", "RGB"])
@pytest.mark.parametrize("progressive", [False, True])
def test_kinds_of_jpeg(mode: str, progressive: bool, picture: Any) -> None:
    assert_alike(saved(picture.convert(mode), "JPEG", quality=95, progressive=progressive), levels=4)


def test_ycck_jpeg(picture: Any) -> None:
    """Adobe's YCCK: the same four components, of which the marker says that three are YCbCr."""
    data = saved(picture.convert("CMYK"), "JPEG", quality=95)
    place = data.index(b"Adobe") + 11  # its colour transform
    assert data[place] == 0
    assert_alike(data[:place] + b"\2" + data[place + 1 :], levels=4)


def test_an_interlaced_png_is_the_same() -> None:
    """Adam7, written by hand: Pillow and OpenCV write none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    passes = b"\0\x0a" + b"\0\x14" + b"\0\x1e\x28"  # pass 1: (0, 0); pass 6: (0, 1); pass 7: (1, 0), (1, 1)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 1))
    data += chunk(b"IDAT", zlib.compress(passes)) + chunk(b"IEND", b"")
    assert load_photo(data)[:, :, 0].tolist() == [[0x0A, 0x14], [0x1E, 0x28]]
    assert_alike(data, levels=0)


@pytest.mark.parametrize("kind", ["PNG", pytest.param("AVIF", marks=needs_avif)])
def test_the_first_picture_of_an_animation(kind: str, picture: Any) -> None:
    data = saved(picture, kind, save_all=True, append_images=[ImageOps.invert(picture)], duration=100)
    assert_alike(data, levels=12)


@pytest.mark.skipif(cv2.__version__.startswith("4."), reason="OpenCV 4 refuses animated WebP")
def test_the_first_picture_of_an_animated_webp(picture: Any) -> None:
    assert_alike(
        saved(picture, "WEBP", save_all=True, append_images=[ImageOps.invert(picture)], lossless=True), levels=0
    )


def test_a_jpeg_with_a_second_picture_or_other_bytes_behind_it(picture: Any) -> None:
    plain = saved(picture, "JPEG")
    mpo = saved(picture, "MPO", save_all=True, append_images=[ImageOps.invert(picture)])
    for data in (mpo, plain + plain, plain + b"a film of the moment" * 100):
        assert_alike(data, levels=4)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", pytest.param("AVIF", marks=needs_avif)])
@pytest.mark.parametrize("size", [(48, 32), (1, 7), (300, 2)])
def test_headers_give_the_size(kind: str, size: tuple[int, int], picture: Any) -> None:
    for options in ({}, {"lossless": True}, {"exif": Image.Exif().tobytes()}):
        header = read_header("it", saved(picture.resize(size), kind, **options))
        assert (header.kind.upper(), header.width, header.height, header.orientation) == (kind, *size, 1)
