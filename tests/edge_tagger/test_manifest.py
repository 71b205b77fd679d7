from __future__ import annotations

import json
import struct
import tracemalloc
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from edge_tagger.archive import associated_files, split_model
from edge_tagger.errors import ManifestError, ModelError
from edge_tagger.manifest import MANIFEST_FILE, Manifest, is_intact, pack, read_manifest, read_model
from edge_tagger.taxonomy import Facet, Tag, Taxonomy

FLATBUFFER = b"\x1c\0\0\0TFL3" + bytes(range(200))


@pytest.fixture()
def manifest() -> Manifest:
    facets = (Facet("category", ("group", "type")), Facet("details", ("d",), exclusive=False, separator="|", none="-"))
    tags = tuple(map(Tag.from_id, ("category/A%2FB", "category/A%2FB/Größe", "details/logo")))
    return Manifest(
        "a",
        64,
        Taxonomy(facets, tags),
        (0.5, 0.25, 0.75),
        author="Ada",
        display_names={"de": {"details/logo": "Schriftzug"}, "zh-Hant": {}},
        provenance={"seed": 1},
        metrics={"map": 0.5},
    )


def test_the_manifest_stands_as_golden_json(manifest: Manifest, data: Path) -> None:
    assert manifest.to_json() == json.loads((data / "manifest.json").read_text(encoding="utf-8"))


def test_what_is_packed_comes_back_and_the_flatbuffer_stays(manifest: Manifest) -> None:
    packed = pack(FLATBUFFER, manifest, {"labels.txt": b"a\nb\n"})
    read = read_manifest(packed)
    assert read.model_crc32 is not None and read.to_json() == {**manifest.to_json(), "model_crc32": read.model_crc32}
    assert split_model(packed)[0] == FLATBUFFER and is_intact(packed, read)
    assert associated_files(packed)["labels.txt"] == b"a\nb\n"
    assert packed == pack(FLATBUFFER, manifest, {"labels.txt": b"a\nb\n"})


def test_json_and_back_is_the_same(manifest: Manifest) -> None:
    assert Manifest.from_json(json.loads(json.dumps(manifest.to_json()))) == manifest


def test_a_manifest_from_before_authors_and_translations_is_read(manifest: Manifest) -> None:
    older = {key: value for key, value in manifest.to_json().items() if key not in ("author", "display_names")}
    read = Manifest.from_json(older)
    assert (read.author, read.display_names) == ("", {})


def test_a_flatbuffer_that_others_rewrote_is_told(manifest: Manifest) -> None:
    packed = bytearray(pack(FLATBUFFER, manifest))
    packed[50] ^= 1
    assert not is_intact(bytes(packed), read_manifest(bytes(packed)))


def test_a_model_without_manifest_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "bare.tflite").write_bytes(FLATBUFFER)
    with pytest.raises(ManifestError, match=r"bare\.tflite has no edge_tagger\.json inside.*--labels"):
        read_manifest(tmp_path / "bare.tflite")


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        read_model(tmp_path / "none.tflite")
    (tmp_path / "text.tflite").write_text("this is text")
    with pytest.raises(ModelError, match="TFL3"):
        read_model(tmp_path / "text.tflite")


def changed(value: dict[str, Any], key: str, new: Any) -> dict[str, Any]:
    return {**value, key: new}


@pytest.mark.parametrize(
    ("key", "new", "told"),
    [
        ("format", 2, "has format 2"),
        ("name", 3, "name is 3; it must be text"),
        ("facets", None, "broken"),
        ("tags", [{"id": "category/A", "threshold": float("nan")}], "tags.0..threshold is nan; it must be a number"),
        ("tags", [{"id": "category/A", "threshold": 2}], "must lie in 0..1"),
        ("tags", [{"id": "category/A/B", "threshold": 0.5}], "has no parent"),
        ("tags", [{"threshold": 0.5}], "has no 'id'"),
        ("author", None, "author is None; it must be text"),
        ("display_names", {"de": {"details/logo": 3}}, "display_names.de.details/logo is 3; it must be text"),
        ("display_names", {"de": {"details/none": "x"}}, "which is no tag"),
        ("display_names", {"../de": {}}, "write it as de"),
        ("display_names", {"de": {"details/logo": "a\nb"}}, "one line of text"),
        ("display_names", ["de"], "broken"),
        ("input", {"size": 10**9}, "must lie in 1..4096"),
        ("input", [], "broken"),
    ],
)
def test_a_hostile_manifest_is_one_clear_error(manifest: Manifest, key: str, new: Any, told: str) -> None:
    with pytest.raises(ManifestError, match=told) as refused:
        Manifest.from_json(changed(manifest.to_json(), key, new))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("value", [None, [], "text", 3, {}])
def test_json_that_is_no_manifest_is_refused(value: Any) -> None:
    with pytest.raises(ManifestError):
        Manifest.from_json(value)


def test_a_manifest_that_is_not_json_is_refused() -> None:
    buffer = BytesIO(FLATBUFFER)
    buffer.seek(0, 2)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(MANIFEST_FILE, b"{")
    with pytest.raises(ManifestError, match="not JSON"):
        read_manifest(buffer.getvalue())


def _bomb(sizes: list[int]) -> bytearray:
    """Files of zeros, a thousandth of their size."""
    buffer = BytesIO(FLATBUFFER)
    buffer.seek(0, 2)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        for place, size in enumerate(sizes):
            archive.writestr(f"{place}.txt", bytes(size))
    return bytearray(buffer.getvalue())


def test_what_is_read_of_a_zip_bomb_is_bounded() -> None:
    assert len(associated_files(bytes(_bomb([15 * 2**20] * 6)))) == 4
    assert associated_files(bytes(_bomb([17 * 2**20]))) == {}


def test_a_file_that_lies_about_its_size_is_not_unpacked() -> None:
    bomb = _bomb([100 * 2**20])
    struct.pack_into("<I", bomb, bomb.rindex(b"PK\1\2") + 24, 5)  # the size in the central directory
    tracemalloc.start()
    try:
        assert associated_files(bytes(bomb)) == {}
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()
