from __future__ import annotations

import io
import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_tagger import images
from edge_tagger.errors import PhotoError
from edge_tagger.images import Limits, PhotoLike, Pixels, load_photo, load_resized, resize

needs_avif = pytest.mark.skipif(not cv2.haveImageWriter("x.avif"), reason="this OpenCV has no AVIF")


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


@pytest.fixture
def noise() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


def png_header(width: int, height: int, depth: int = 8) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in (b"IHDR" + struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0), b"IEND")
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


@needs_avif
@pytest.mark.parametrize("channels", [3, 4])
def test_avif(channels: int, bgr: NDArray[np.uint8]) -> None:
    pixels = bgr if channels == 3 else np.dstack([bgr, np.full(bgr.shape[:2], 255, np.uint8)])
    data = encoded(".avif", pixels)
    np.testing.assert_allclose(load_photo(data)[8, 8].astype(int), [0, 0, 255], atol=8)
    with pytest.raises(PhotoError, match="48x32 pixels"):
        load_photo(data, limits=Limits(max_pixels=1000))


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
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "starts as a HEIF"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "a video"),
        (b"\n <svg width='10' height='10'/>", "not a photo.* but an SVG drawing"),
        (b"<!DOCTYPE html><html>", "a web page .*download the photo itself"),
        (b"GIF89a\1\0\1\0", "a GIF"),
        (b"II*\0\x08\0\0\0", "a TIFF or a camera's raw file"),
        (b"%PDF-1.7", "a PDF"),
        (b"\xff\xd8", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"BM", "BMP"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP"),
        (b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00avif", "AVIF"),
        (png_header(30_000, 30_000), "30000x30000 pixels"),
        (png_header(0, 5), "PNG"),
        (png_header(5, 5, depth=0), "says 0 bits a sample"),
        (b"BM" + struct.pack("<IIIIiiHHI", 0, 0, 54, 40, 10_000, 10_000, 1, 24, 0) + bytes(24), "cut off"),
        (b"BM" + struct.pack("<IIIIiiHHI", 0, 0, 54, 40, -2, -(2**31), 1, 24, 0) + bytes(24), "no size"),
        (b"BM" + struct.pack("<IIIIiiHHI", 0, 0, 54, 40, 2, -(2**31), 1, 24, 1) + bytes(24), "2x2147483648 pixels"),
    ],
)
def test_bad_files_are_named_with_a_reason(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(PhotoError, match=reason) as caught:
        load_photo(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


CUT = [".jpg", ".png", ".webp", ".bmp", pytest.param(".avif", marks=needs_avif)]


@pytest.mark.parametrize("kept", [0.05, 0.5, 0.99])
@pytest.mark.parametrize("suffix", CUT)
def test_a_cut_file_is_refused_quietly(
    suffix: str, kept: float, noise: Pixels, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"cut{suffix}"
    data = encoded(suffix, noise)
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(PhotoError, match="cut"):
        load_photo(path)
    assert not capfd.readouterr().err


def test_a_cut_progressive_jpeg(noise: Pixels) -> None:
    data = encoded(".jpg", noise, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert load_photo(data).shape == noise.shape
    with pytest.raises(PhotoError, match="cut off"):
        load_photo(data[:-2])


def test_a_png_that_was_changed_is_refused_quietly(noise: Pixels, capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(encoded(".png", noise))
    data[len(data) // 2] ^= 1
    with pytest.raises(PhotoError, match="damaged"):
        load_photo(bytes(data))
    assert not capfd.readouterr().err


def test_a_jpeg_of_thousands_of_scans_is_refused(noise: Pixels) -> None:
    data = encoded(".jpg", noise, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    scan = data[data.rindex(b"\xff\xda") : -2]
    bomb = data[:-2] + b"\xff\xfe\0\4\xff\xd9" + scan * 1000 + data[-2:]  # behind a comment that looks like the end
    assert load_photo(data, limits=Limits(max_pixels=noise.size // 3)).shape == noise.shape
    with pytest.raises(PhotoError, match=r"10[01]\d scans"):
        load_photo(bomb, limits=Limits(max_pixels=noise.size // 3))


@pytest.mark.parametrize("progressive", [0, 1])
@pytest.mark.parametrize(("cover", "part"), [(None, 1), (129, 1), (128, 2), (65, 2), (64, 4), (32, 8), (1, 8)])
def test_a_large_jpeg_is_decoded_as_small_as_may_be(cover: int | None, part: int, progressive: int) -> None:
    soft = cv2.resize(np.random.default_rng(0).integers(0, 256, (8, 10, 3), np.uint8), (400, 255))
    data = encoded(".jpg", soft, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
    photo, whole = load_photo(data, cover=cover), load_photo(data)
    assert photo.shape == (-(-255 // part), -(-400 // part), 3)
    small = cv2.resize(whole, photo.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(photo.astype(int) - small).mean() < 2


def test_what_is_no_larger_than_twice_the_model_is_decoded_in_full(noise: Pixels) -> None:
    for data in (encoded(".jpg", noise), encoded(".png", noise)):
        np.testing.assert_array_equal(load_resized(data, 40), resize(load_photo(data), 40))
    large = encoded(".jpg", cv2.resize(noise, (160, 160)))
    np.testing.assert_array_equal(load_resized(large, 40), resize(load_photo(large, cover=80), 40))


def test_memory_stays_near_one_copy() -> None:
    data = encoded(".png", np.zeros((3000, 3000, 4), np.uint8))
    tracemalloc.start()
    load_photo(data)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 3000 * 3000 * 8.5  # BGRA, RGB, and little on the way


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, io.BytesIO])
def test_bytes_and_files_in_memory(make: Callable[[bytes], PhotoLike], noise: Pixels) -> None:
    data = encoded(".png", noise)
    np.testing.assert_array_equal(load_photo(make(data)), cv2.cvtColor(noise, cv2.COLOR_BGR2RGB))


def test_a_file_object_is_read_from_where_it_stands(noise: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "photo.bin"
    path.write_bytes(b"before" + encoded(".png", noise))
    with path.open("rb") as file:
        file.seek(6)
        assert load_photo(file).shape == noise.shape
        with pytest.raises(PhotoError, match=r"photo\.bin is empty"):  # read to its end
            load_photo(file)
    with pytest.raises(PhotoError, match=r"photo\.bin.*closed"):
        load_photo(file)
    path.write_text("text")
    with path.open() as text, pytest.raises(PhotoError, match=r"photo\.bin .*str.* mode 'rb'"):
        load_photo(text)  # type: ignore[arg-type]


def test_a_file_that_never_ends_is_left() -> None:
    with Path("/dev/zero").open("rb") as file, pytest.raises(PhotoError, match="more than 5000000 bytes"):
        load_photo(file, limits=Limits(max_bytes=5_000_000))


def test_what_is_no_photo_at_all() -> None:
    for nothing in (None, 5, [1, 2]):
        with pytest.raises(PhotoError, match="a photo is a path, bytes, a binary file or a uint8 array"):
            load_photo(nothing)  # type: ignore[arg-type]


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
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    with pytest.raises(PhotoError, match="symbolic links"):
        load_photo(tmp_path / "loop.jpg")
    with pytest.raises(PhotoError, match="not a regular file"):
        load_photo("/dev/zero")


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (lambda path: path.unlink(), None),  # the open file is still whole
        (lambda path: path.replace(path.with_name("other.png")), None),
        (lambda path: os.truncate(path, 100), "cut off"),
        (lambda path: os.truncate(path, 0), "0 bytes"),
        (lambda path: path.write_bytes(bytes(5_000_000)), "more than 1000000 bytes"),
    ],
)
def test_a_photo_that_vanishes_or_changes_while_it_is_read(
    happens: Callable[[Path], object], told: str | None, noise: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(".png", noise))
    check = images._check_bytes

    def check_size_then(*arguments: Any) -> None:  # the first thing that is done with an open file
        check(*arguments)
        monkeypatch.undo()
        happens(path)

    monkeypatch.setattr(images, "_check_bytes", check_size_then)
    if told is None:
        np.testing.assert_array_equal(load_photo(path), noise[..., ::-1])
    else:
        with pytest.raises(PhotoError, match=told):
            load_photo(path, limits=Limits(max_bytes=1_000_000))


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that the system fails to read: Linux")
def test_a_disk_that_fails_is_told() -> None:
    with pytest.raises(PhotoError, match="cannot read /proc/self/mem: Input/output error"):
        load_photo("/proc/self/mem")


def test_a_link_to_a_photo_is_followed(bgr: NDArray[np.uint8], tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(encoded(".png", bgr))
    (tmp_path / "link.png").symlink_to("photo.png")
    assert load_photo(tmp_path / "link.png").shape == (32, 48, 3)


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "5", None])
@pytest.mark.parametrize("name", ["max_pixels", "max_bytes"])
def test_limits_check_themselves(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        Limits(**{name: value})  # type: ignore[arg-type]


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
