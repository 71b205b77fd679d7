"""Colour profiles, held against LittleCMS (in Pillow)."""

from __future__ import annotations

import io
import struct
import warnings
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, features

from edge_tagger import images
from edge_tagger.images import Pixels, load_photo
from edge_tagger.photos.profile import ProfileError, way_of_primaries, way_of_profile

D50 = (0.9642, 1.0, 0.8249)
# Red, green and blue as XYZ under D50
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
PROPHOTO = ((0.79767, 0.28804, 0.0), (0.13519, 0.71187, 0.0), (0.03134, 0.00008, 0.82491))


def fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def para(kind: int, *values: float) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + fixed(*values)


def curv(*values: int) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(f">I{len(values)}H", len(values), *values)


def srgb_light(level: Any) -> Any:
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


SRGB_CURVE = para(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
SRGB_TABLE = curv(*(round(65535 * float(srgb_light(step / 1023))) for step in range(1024)))
CURVES = {
    "para 0": para(0, 1.8),
    "para 1": para(1, 2.2, 0.95, 0.05),
    "para 2": para(2, 2.2, 0.9, 0.05, 0.01),
    "para 3": SRGB_CURVE,
    "para 4": para(4, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0, 0),
    "gamma": curv(round(2.2 * 256)),
    "table": SRGB_TABLE,
    "none": curv(),
}


def icc(
    colours: Any = P3, curve: bytes = SRGB_CURVE, *, name: str = "Test P3", version: int = 4, space: bytes = b"RGB "
) -> bytes:
    if version == 2:
        desc = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name.encode() + bytes(79)
    else:
        text = name.encode("utf-16-be")
        desc = b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(text), 28) + text
    tags = {b"desc": desc, b"wtpt": b"XYZ \0\0\0\0" + fixed(*D50)}
    if space == b"RGB ":
        for letter, colour in zip(b"rgb", colours, strict=True):
            tags[bytes([letter]) + b"XYZ"] = b"XYZ \0\0\0\0" + fixed(*colour)
            tags[bytes([letter]) + b"TRC"] = curve
    elif space == b"GRAY":
        tags[b"kTRC"] = curve
    table, held = struct.pack(">I", len(tags)), b""
    for tag, content in tags.items():
        table += struct.pack(">4sII", tag, 132 + 12 * len(tags) + len(held), len(content))
        held += content + bytes(-len(content) % 4)
    head = struct.pack(">I4sBB2x4s4s4s12x4s", 132 + len(table) - 4 + len(held), b"test", version, 0, b"mntr", space,
                       b"XYZ ", b"acsp").ljust(68, b"\0") + fixed(*D50)  # fmt: skip
    return head.ljust(128, b"\0") + table + held


@pytest.fixture
def colours() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_told", set())


def saved(pixels: Pixels, kind: str, profile: bytes, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, icc_profile=profile, **options)
    return file.getvalue()


def by_littlecms(pixels: Pixels, profile: bytes) -> Pixels:
    done = ImageCms.profileToProfile(
        Image.fromarray(pixels), ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC, flags=ImageCms.Flags.NOOPTIMIZE,
    )  # fmt: skip
    return np.asarray(done)


@pytest.mark.parametrize("version", [2, 4])
@pytest.mark.parametrize("primaries", [P3, ADOBE, PROPHOTO, SRGB])
@pytest.mark.parametrize("curve", CURVES)
def test_colours_become_those_of_littlecms(primaries: Any, curve: str, version: int, colours: Pixels) -> None:
    profile = icc(primaries, CURVES[curve], version=version)
    difference = np.abs(load_photo(saved(colours, "PNG", profile)).astype(int) - by_littlecms(colours, profile))
    assert difference.max() <= 3 and difference.mean() < 0.3


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"quality": 100, "subsampling": 0}),
        ("WEBP", {"lossless": True}),
        ("PNG", {}),
        pytest.param("AVIF", {"quality": 100, "subsampling": "4:4:4"},
                     marks=pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")),
    ],
)  # fmt: skip
def test_every_format_has_its_profile(kind: str, options: Any) -> None:
    product = np.full((32, 32, 3), (191, 52, 51), np.uint8)  # sRGB #cd1e2d in Display P3
    profile = icc() + bytes(70_000)  # longer than one segment of a JPEG
    shown = load_photo(saved(product, kind, profile, **options))
    np.testing.assert_allclose(shown[16, 16].astype(int), by_littlecms(product, profile)[16, 16].astype(int), atol=4)
    np.testing.assert_allclose(shown[16, 16].astype(int), [205, 30, 45], atol=6)


@pytest.mark.parametrize("version", [2, 4])
@pytest.mark.parametrize("curve", ["para 3", "para 4", "table"])
def test_srgb_is_left_as_it_is(curve: str, version: int, colours: Pixels) -> None:
    near = tuple(tuple(value + 0.0004 for value in colour) for colour in SRGB)
    for primaries in (SRGB, near):
        profile = icc(primaries, CURVES[curve], version=version)
        assert way_of_profile(profile) is None
        for kind in ("PNG", "JPEG"):
            np.testing.assert_array_equal(
                load_photo(saved(colours, kind, profile)), load_photo(saved(colours, kind, b""))
            )
    assert way_of_profile(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()) is None


def test_grey_profiles() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
    shown = load_photo(saved(ramp, "PNG", icc(curve=curv(int(1.8 * 256)), space=b"GRAY")))
    expected = by_littlecms(np.dstack([ramp] * 3), icc(SRGB, curv(int(1.8 * 256))))
    np.testing.assert_allclose(shown.astype(int), expected.astype(int), atol=2)


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (icc(space=b"CMYK", name="Coated"), "'Coated' .CMYK by tables. is not converted"),
        (icc(space=b"Lab ", name="Lab\x1b[31m"), r"'Lab\[31m' .Lab by tables"),
        (icc(name="Cut")[:250], "is damaged"),
        (icc(P3, para(1, 2.2, 0, 0)), "'Test P3' is damaged"),
        (icc(P3, b"curv\0\0\0\0\xff\xff\xff\xff"), "'Test P3' is damaged"),
        (icc(((0, 0, 0), *P3[1:])), "'Test P3' is damaged"),
        (b"nothing", "without a name is damaged"),
    ],
)
def test_what_is_not_converted_is_told_once_and_its_pixels_stay(profile: bytes, said: str, colours: Pixels) -> None:
    data = saved(colours, "PNG", profile)
    with pytest.warns(UserWarning, match=said) as told:
        np.testing.assert_array_equal(load_photo(data), colours)
    assert len(told) == 1 and "\n" not in str(told[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_photo(data)


def test_colours_by_numbers() -> None:
    way = way_of_primaries(12, 13)
    assert way is not None
    of_profile = way_of_profile(icc())
    assert of_profile is not None
    np.testing.assert_allclose(way.matrix, of_profile.matrix, atol=2e-3)
    assert way_of_primaries(1, 13) is None and way_of_primaries(2, 2) is None
    with pytest.raises(ProfileError, match="PQ"):
        way_of_primaries(9, 16)


def test_a_heic_has_its_profile() -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    picture = Image.new("RGB", (64, 64), (191, 52, 51))
    picture.info["icc_profile"] = icc()
    file = io.BytesIO()
    pillow_heif.from_pillow(picture).save(file, quality=95)
    np.testing.assert_allclose(load_photo(file.getvalue())[32, 32].astype(int), [205, 30, 45], atol=8)
