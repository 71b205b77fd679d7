from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_tagger.errors import PhotoError
from edge_tagger.images import Limits, load_photo, load_resized, resize


def encoded(suffix: str, pixels: NDArray[np.generic], *options: int) -> bytes:
    done, data = cv2.imencode(suffix, pixels, list(options))
    assert done
    return bytes(data)


@pytest.fixture
def bgr() -> NDArray[np.uint8]:
    """A picture that no decoder can blur: four flat quarters, blue left above, red right below."""
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:16, :24] = (255, 0, 0)
    pixels[:16, 24:] = (0, 255, 0)
    pixels[16:, :24] = (40, 40, 40)
    pixels[16:, 24:] = (0, 0, 255)
    return pixels


def png_header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in (b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IEND")
    )


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".jpg", ".webp"])
def test_every_format_gives_rgb(suffix: str, bgr: NDArray[np.uint8], tmp_path: Path) -> None:
    path = tmp_path / f"photo{suffix}"
    path.write_bytes(encoded(suffix, bgr))
    photo = load_photo(path)
    assert photo.dtype == np.uint8 and photo.shape == (32, 48, 3)
    np.testing.assert_allclose(photo[8, 8].astype(int), [0, 0, 255], atol=6)
    np.testing.assert_allclose(photo[24, 40].astype(int), [255, 0, 0], atol=6)
    np.testing.assert_array_equal(photo, load_photo(path.read_bytes()))
    np.testing.assert_array_equal(photo, load_photo(str(path)))


@pytest.mark.skipif(not cv2.haveImageWriter("x.avif"), reason="this OpenCV has no AVIF")
@pytest.mark.parametrize("channels", [3, 4])
def test_avif(channels: int, bgr: NDArray[np.uint8]) -> None:
    pixels = bgr if channels == 3 else np.dstack([bgr, np.full(bgr.shape[:2], 255, np.uint8)])
    data = encoded(".avif", pixels)
    np.testing.assert_allclose(load_photo(data)[8, 8].astype(int), [0, 0, 255], atol=8)
    with pytest.raises(PhotoError, match="48x32 pixels"):
        load_photo(data, limits=Limits(max_pixels=1000))


def test_exif_turns_a_jpeg(bgr: NDArray[np.uint8]) -> None:
    plain = encoded(".jpg", bgr, cv2.IMWRITE_JPEG_QUALITY, 100)
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)  # orientation 6: turn clockwise
    exif = b"Exif\0\0" + tiff
    turned = load_photo(plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:])
    np.testing.assert_array_equal(turned, np.rot90(load_photo(plain), -1))


def test_alpha_lies_over_white() -> None:
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[..., 2] = 200
    pixels[0, :, 3], pixels[1, :, 3], pixels[2:, :, 3] = 0, 128, 255
    photo = load_photo(encoded(".png", pixels))
    assert photo[0, 0].tolist() == [255, 255, 255]
    assert photo[1, 0].tolist() == [227, 127, 127]
    assert photo[3, 0].tolist() == [200, 0, 0]


@pytest.mark.parametrize(("value", "expected"), [(65535, 255), (0, 0), (257 * 100, 100)])
def test_16_bits_are_scaled(value: int, expected: int) -> None:
    grey = np.full((5, 6), value, np.uint16)
    assert np.all(load_photo(encoded(".png", grey)) == expected)
    assert np.all(load_photo(encoded(".png", np.dstack([grey] * 3))) == expected)


def test_grey_becomes_rgb() -> None:
    photo = load_photo(encoded(".png", np.full((5, 6), 77, np.uint8)))
    assert photo.shape == (5, 6, 3) and np.all(photo == 77)


def test_an_array_is_taken_as_it_is() -> None:
    array = np.zeros((2, 3, 3), np.uint8)
    assert load_photo(array) is array


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 3, 3), np.float32),
        np.zeros((2, 3), np.uint8),
        np.zeros((2, 3, 4), np.uint8),
        np.zeros((0, 3, 3), np.uint8),
    ],
)
def test_an_array_is_never_cast(array: NDArray[np.uint8]) -> None:
    with pytest.raises(PhotoError, match=r"uint8 \[H, W, 3\]"):
        load_photo(array)


def test_resize_is_the_contract(bgr: NDArray[np.uint8]) -> None:
    data = encoded(".png", bgr)
    expected = cv2.resize(load_photo(data), (20, 20), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(load_resized(data, 20), expected)
    np.testing.assert_array_equal(resize(expected, 20), expected)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "0 bytes"),
        (b"just a text\n" * 20, "not a photo"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "not a photo"),
        (b"<svg width='10' height='10'/>", "not a photo"),
        (b"\xff\xd8", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"BM", "BMP"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP"),
        (b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00avif", "AVIF"),
        (png_header(30_000, 30_000), "30000x30000 pixels"),
        (png_header(0, 5), "PNG"),
    ],
)
def test_bad_files_are_named_with_a_reason(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(PhotoError, match=reason) as caught:
        load_photo(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_a_cut_file_is_refused_quietly(suffix: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(encoded(suffix, noise)[:2000])
    with pytest.raises(PhotoError, match="cut"):
        load_photo(path)
    assert "WARN" not in capfd.readouterr().err


def test_files_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="does not exist"):
        load_photo(tmp_path / "none.jpg")
    with pytest.raises(PhotoError, match="a folder"):
        load_photo(tmp_path)
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PhotoError, match="not a regular file"):
        load_photo(tmp_path / "pipe.jpg")
    with pytest.raises(PhotoError, match="null"):
        load_photo("a\0b")


def test_limits_can_be_set(bgr: NDArray[np.uint8], tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(".png", bgr))
    with pytest.raises(PhotoError, match="48x32 pixels"):
        load_photo(path, limits=Limits(max_pixels=1535))
    with pytest.raises(PhotoError, match="bytes"):
        load_photo(path, limits=Limits(max_bytes=10))
    with pytest.raises(PhotoError, match="bytes"):
        load_photo(path.read_bytes(), limits=Limits(max_bytes=10))
    assert load_photo(path, limits=Limits(max_pixels=1536)).shape == (32, 48, 3)
