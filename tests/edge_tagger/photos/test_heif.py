from __future__ import annotations

import io
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edge_tagger.catalogue.photo_files import is_photo
from edge_tagger.errors import PhotoError
from edge_tagger.images import Limits, load_photo
from edge_tagger.photos.coded_size import coded_sizes

pillow_heif = pytest.importorskip("pillow_heif")
WIDTH, HEIGHT = 200, 120


def heic(mode: str = "RGB", colour: Any = (200, 10, 10, 0), **options: Any) -> bytes:
    """Red (or clear), its left upper quarter blue."""
    picture = Image.new(mode, (WIDTH, HEIGHT), colour[: len(mode)])
    picture.paste((10, 20, 220, 255)[: len(mode)], (0, 0, WIDTH // 2, HEIGHT // 2))
    return saved(pillow_heif.from_pillow(picture), **options)


def saved(picture: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, quality=95, **options)
    return file.getvalue()


def ten_bits() -> bytes:
    pixels = np.full((HEIGHT, WIDTH, 3), (200 * 257, 10 * 257, 10 * 257), np.uint16)
    pixels[: HEIGHT // 2, : WIDTH // 2] = (10 * 257, 20 * 257, 220 * 257)
    return saved(pillow_heif.from_bytes("RGB;16", (WIDTH, HEIGHT), pixels.tobytes()))


def grid() -> bytes:
    picture = Image.new("RGB", (WIDTH, HEIGHT), (200, 10, 10))
    picture.paste((10, 20, 220), (0, 0, WIDTH // 2, HEIGHT // 2))
    return saved(pillow_heif.from_pillow(picture), tile_size=64)


@pytest.mark.parametrize(
    "data", [heic(), ten_bits(), heic("RGBA"), grid()], ids=["8 bits", "10 bits", "alpha", "tiles"]
)
def test_heic_is_read(data: bytes) -> None:
    photo = load_photo(data)
    assert photo.shape == (HEIGHT, WIDTH, 3) and photo.dtype == np.uint8
    right = [255, 255, 255] if b"auxC" in data else [200, 10, 10]
    np.testing.assert_allclose(photo[100, 180].astype(int), right, atol=8)
    np.testing.assert_allclose(photo[20, 20].astype(int), [10, 20, 220], atol=8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_once(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.new("RGB", (WIDTH, HEIGHT), (200, 10, 10))
    picture.paste((10, 20, 220), (0, 0, WIDTH // 2, HEIGHT // 2))
    stored = pillow_heif.from_pillow(picture)
    stored[0].info["exif"] = exif.tobytes()  # written beside the boxes that count, as phones do
    data = saved(stored)
    assert (b"irot" in data or b"imir" in data) == (orientation > 1)
    photo = load_photo(data)
    shape = (HEIGHT, WIDTH, 3) if orientation <= 4 else (WIDTH, HEIGHT, 3)
    assert photo.shape == shape
    corner = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    np.testing.assert_allclose(photo[corner[orientation]].astype(int), [10, 20, 220], atol=10)


def test_limits_hold_before_decoding() -> None:
    data = heic()
    false = data
    for width, height in set(coded_sizes(data)):
        false = false.replace(b"ispe\0\0\0\0" + struct.pack(">II", width, height), b"ispe\0\0\0\0\0\0\0\x10\0\0\0\x10")
    assert len(set(coded_sizes(false))) == 2
    with pytest.raises(PhotoError, match="pixels; at most"):
        load_photo(false, limits=Limits(max_pixels=WIDTH * HEIGHT - 1))


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_a_cut_file_is_one_line(kept: float) -> None:
    data = heic()
    with pytest.raises(PhotoError) as told:
        load_photo(data[: int(kept * len(data))])
    assert "\n" not in str(told.value)


def test_without_the_package_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PhotoError, match=r"pip install 'edge-tagger\[heif\]'"):
        load_photo(heic())


@pytest.mark.parametrize("suffix", [".heic", ".HEIC", ".heif", ".hif"])
def test_folders_find_it(suffix: str) -> None:
    assert is_photo("IMG_0001" + suffix)


def test_other_photos_do_not_load_it(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    script = "import sys; from edge_tagger.images import load_photo; load_photo('a.png')\n"
    script += "sys.exit(bool({'PIL', 'pillow_heif', 'edge_tagger.photos.profile'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=False).returncode == 0
