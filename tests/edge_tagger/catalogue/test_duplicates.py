from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_tagger.catalogue import duplicates
from edge_tagger.catalogue.duplicates import (
    NEAR_BITS,
    Fingerprint,
    fingerprint,
    fingerprints,
    groups,
    near_pairs,
    perceptual_bits,
)
from edge_tagger.errors import PhotoError


def distance(first: bytes, second: bytes) -> int:
    return bin(int.from_bytes(first, "big") ^ int.from_bytes(second, "big")).count("1")


def test_the_same_picture_saved_otherwise_is_near_and_another_is_far(draw, tmp_path: Path) -> None:
    first = draw("a.png", 1)
    pixels = cv2.imread(str(first))
    cv2.imwrite(str(tmp_path / "a.jpg"), pixels, [cv2.IMWRITE_JPEG_QUALITY, 60])
    cv2.imwrite(str(tmp_path / "large.png"), cv2.resize(pixels, (200, 200), interpolation=cv2.INTER_CUBIC))
    cv2.imwrite(str(tmp_path / "bright.png"), cv2.add(pixels, np.full_like(pixels, 12)))
    a, jpeg, large, bright, other = fingerprints(
        [first, *(tmp_path / name for name in ("a.jpg", "large.png", "bright.png")), draw("b.png", 2)]
    )
    assert len({a.sha256, jpeg.sha256, large.sha256, bright.sha256, other.sha256}) == 5
    assert max(distance(a.bits, near.bits) for near in (jpeg, large, bright)) <= NEAR_BITS
    assert distance(a.bits, other.bits) > 64
    assert groups([a, other, jpeg, large, bright]).tolist() == [0, 1, 0, 0, 0]


def test_plain_colours_are_alike_only_where_they_are_copies(tmp_path: Path) -> None:
    for name, colour in (("red", (0, 0, 200)), ("blue", (200, 0, 0)), ("red2", (0, 0, 200))):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((32, 32, 3), colour, dtype=np.uint8))
    assert perceptual_bits(np.full((32, 32, 3), 255, dtype=np.uint8)) is None
    prints = fingerprints([tmp_path / f"{name}.png" for name in ("red", "blue", "red2")])
    assert groups(prints).tolist() == [0, 1, 0]


def test_broken_photos_come_back_as_errors_in_their_place(draw, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("not a photo")
    good = draw("a.png", 1)
    found = fingerprints([tmp_path / "missing.jpg", good, tmp_path / "text.jpg"])
    assert isinstance(found[0], PhotoError) and "missing.jpg" in str(found[0])
    assert isinstance(found[2], PhotoError) and "text.jpg" in str(found[2])
    assert found[1] == fingerprint(good)


def test_a_chain_of_look_alikes_is_one_group_and_the_limit_is_sharp() -> None:
    steps = np.zeros((3, 256), dtype=np.uint8)
    steps[1, :NEAR_BITS] = 1
    steps[2, : 2 * NEAR_BITS] = 1
    chain = [Fingerprint(bytes([n] * 32), np.packbits(bits).tobytes()) for n, bits in enumerate(steps)]
    assert groups(chain).tolist() == [0, 0, 0]
    assert groups([chain[0], chain[2]]).tolist() == [0, 1]
    assert groups(chain, near_bits=NEAR_BITS - 1).tolist() == [0, 1, 2]
    assert groups([]).tolist() == []


@pytest.mark.parametrize("fast", [True, False])
def test_pairs_are_those_of_the_plain_definition(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not fast:
        monkeypatch.delattr(np, "bitwise_count", raising=False)
    monkeypatch.setattr(duplicates, "_ROWS", 7)
    monkeypatch.setattr(duplicates, "_COLUMNS", 11)
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (60, 256), dtype=np.uint8)
    for copy in range(30, 60):
        bits[copy] = bits[copy - 30]
        bits[copy, rng.choice(256, copy - 30, replace=False)] ^= 1
    hashes = np.packbits(bits, axis=1).view(np.uint64)
    plain = {(i, j) for i in range(60) for j in range(i + 1, 60) if (bits[i] != bits[j]).sum() <= NEAR_BITS}
    found = list(near_pairs(hashes, NEAR_BITS))
    assert set(found) == plain and len(found) == len(plain) >= NEAR_BITS


@pytest.mark.shared
def test_the_calibration_on_known_groups_holds(shared: Path) -> None:
    folder = shared / "data" / "fashion-products"
    with (folder / "products.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))[:2000]
    found = fingerprints([folder / row["image"] for row in rows])
    hashes = np.frombuffer(b"".join(p.bits for p in found), dtype=np.uint64).reshape(-1, 4)
    pairs = list(near_pairs(hashes, NEAR_BITS))
    wrong = [pair for pair in pairs if rows[pair[0]]["group"] != rows[pair[1]]["group"]]
    assert len(pairs) >= 30
    assert len(wrong) <= len(pairs) // 10
