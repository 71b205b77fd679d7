from __future__ import annotations

import json
import os
import random
import tracemalloc
import zipfile
from dataclasses import replace
from functools import reduce
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_tagger.archive import associated_files, split_model
from edge_tagger.decoder import Decoder
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
    with pytest.raises(ModelError, match="is a folder"):
        read_model(tmp_path)
    os.mkfifo(tmp_path / "pipe.tflite")
    for endless in (tmp_path / "pipe.tflite", "/dev/zero"):
        with pytest.raises(ModelError, match="is not a regular file"):
            read_model(endless)
    with (tmp_path / "large.tflite").open("wb") as file:
        file.truncate(2**31 + 1)  # which takes no room on the disk
    with pytest.raises(ModelError, match=r"more than a \.tflite can"):
        read_model(tmp_path / "large.tflite")
    with pytest.raises(ModelError, match="null"):
        read_model("a\0b")


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
        ("input", [], "input is \\[\\]; it must be an object"),
        ("input", {"size": True}, "input.size is True; it must be a whole number"),
        ("input", {"size": "160"}, "input.size is '160'"),
        ("input", {"size": 160.0}, "input.size is 160.0"),
        ("input", {"size": 10**400}, "it must be a whole number"),
        ("format", True, "format is True; it must be a whole number"),
        ("format", "1", "format is '1'"),
        ("facets", {}, "facets is {}; it must be a list"),
        ("facets", [3], "facets.0. is 3; it must be an object"),
        ("facets", [{"name": "a", "columns": {"a": 1}, "exclusive": True}], "columns is {'a': 1}; it must be a list"),
        ("facets", [{"name": "a", "columns": "ab", "exclusive": True}], "columns is 'ab'; it must be a list"),
        ("facets", [{"name": "a", "columns": ["a"], "exclusive": "yes"}], "exclusive is 'yes'; it must be true or fal"),
        ("facets", [{"name": "a", "columns": ["a"], "exclusive": 1}], "exclusive is 1; it must be true or false"),
        ("facets", [{"name": "a", "columns": ["a"], "exclusive": False, "separator": 3, "none": None}], "separator is"),
        ("facets", [{"name": str(n), "columns": ["a"], "exclusive": True, "separator": None, "none": None}
                    for n in range(1001)], "at most 1000"),
        ("facets", [{"name": "category", "columns": ["a"], "exclusive": True, "separator": None, "none": None}] * 2,
         "the same name"),
        ("tags", {}, "tags is {}; it must be a list"),
        ("tags", [{"id": "category/A", "threshold": "0.5"}], "threshold is '0.5'; it must be a number"),
        ("tags", [{"id": "category/A", "threshold": False}], "threshold is False; it must be a number"),
        ("tags", [{"id": "category/A", "threshold": float("inf")}], "threshold is inf; it must be a number"),
        ("tags", [{"id": "category/A", "threshold": -0.1}], "must lie in 0..1"),
        ("tags", [{"id": "category/A", "threshold": 1e308}], "it must be a number"),
        ("tags", [{"id": "category/A", "threshold": 10**400}], "it must be a number"),
        ("tags", [{"id": ["category"], "threshold": 0.5}], "id is \\['category'\\]; it must be text"),
        ("tags", [{"id": "category/A", "threshold": 0.5}] * 2, "stands twice"),
        ("tags", [{"id": "smell/A", "threshold": 0.5}], "not declared"),
        ("tags", [{"id": "category" + "/A" * 65, "threshold": 0.5}], "stands on level 65 .* at most 64"),
        ("tags", [{"id": "category/\ud800", "threshold": 0.5}], "without surrogates"),
        ("name", "\udfff", "without surrogates"),
        ("name", ["x" * 10**6], "it must be text"),
        ("version", 1, "version is 1; it must be text"),
        ("feature_map", 3, "feature_map is 3; it must be text"),
        ("provenance", [], "provenance is \\[\\]; it must be an object"),
        ("provenance", {"a": float("nan")}, "provenance holds what is no JSON"),
        ("provenance", {"a": "\ud800"}, "provenance holds what is no JSON"),
        ("provenance", reduce(lambda inner, _: {"a": inner}, range(100), {}), "nested too deeply"),
        ("metrics", None, "metrics is None; it must be an object"),
        ("model_crc32", "abc", "model_crc32 is 'abc'; it must be a whole number"),
        ("model_crc32", -1, "model_crc32 is -1; it must lie in"),
        ("model_crc32", 2**32, "it must lie in 0"),
        ("display_names", {"de": ["a"]}, "display_names.de is"),
        ("display_names", {"de\n": {}}, "write it as de"),
    ],
)  # fmt: skip
def test_a_hostile_manifest_is_one_clear_error(manifest: Manifest, key: str, new: Any, told: str) -> None:
    with pytest.raises(ManifestError, match=told) as refused:
        Manifest.from_json(changed(manifest.to_json(), key, new))
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 500


def test_each_field_that_is_missing_is_named(manifest: Manifest) -> None:
    whole = manifest.to_json()
    for key in whole.keys() - {"author", "display_names"}:
        with pytest.raises(ManifestError, match=f"has no '{key}'"):
            Manifest.from_json({other: value for other, value in whole.items() if other != key})


@pytest.mark.parametrize("value", [None, [], "text", 3, {}])
def test_json_that_is_no_manifest_is_refused(value: Any) -> None:
    with pytest.raises(ManifestError):
        Manifest.from_json(value)


@pytest.mark.parametrize(
    "text",
    [b"{", b"", b"\xff\xfe{}", b"[" * 10**5, b'{"a":' * 10**5, b"9" * 10**6, b"NaN", b"-Infinity", b'{"format": 1e999}',
     b'{"format": NaN}', b'"' + b"a" * 10**6, b'{"format": 1, "format": 2}', b"\0" * 100],
    ids=lambda text: repr(text[:12]),
)  # fmt: skip
def test_json_that_is_hostile_is_one_clear_error(text: bytes) -> None:
    with pytest.raises(ManifestError) as refused:
        read_manifest(with_manifest(text))
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 500


def with_manifest(text: bytes) -> bytes:
    buffer = BytesIO(FLATBUFFER)
    buffer.seek(0, 2)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(MANIFEST_FILE, text)
    return buffer.getvalue()


def described(tags: list[str], facets: int = 1) -> dict[str, Any]:
    """JSON of a manifest with these tags in facets "0", "1", ..."""
    plain = Manifest("a", 8, Taxonomy((), ()), ()).to_json()
    of_facet = {"columns": ["c"], "exclusive": True, "separator": None, "none": None}
    plain["facets"] = [{"name": str(place), **of_facet} for place in range(facets)]
    plain["tags"] = [{"id": tag, "threshold": 0.5} for tag in tags]
    return plain


def comb(levels: int) -> list[str]:
    """A chain of tags with a leaf on each level."""
    chain = ["0" + "/a" * depth for depth in range(1, levels + 1)]
    return [tag for parent in chain for tag in (parent, f"{parent}/b")][:-1]


@pytest.mark.parametrize(
    ("tags", "facets"),
    [
        ([f"0/{place}" for place in range(100_000)], 1),
        ([f"{place % 1000}/{place}" for place in range(100_000)], 1000),
        ([*(f"0/{place}" for place in range(99_800)), *comb(64)], 1),
    ],
    ids=["flat", "facets in turn", "deep and flat"],
)
def test_the_largest_manifest_is_read_and_decoded(tags: list[str], facets: int) -> None:
    data = with_manifest(json.dumps(described(tags, facets)).encode())
    answer = Decoder(read_manifest(data))(np.full(len(tags), 0.75, np.float32))
    assert len(answer.paths) == facets and all(answer.paths.values())


def test_a_deep_tag_among_many_flat_ones_takes_some_memory_only() -> None:
    tags = [*(f"0/{place}" for place in range(20_000)), *comb(64)]
    manifest = Manifest.from_json(described(tags))
    tracemalloc.start()
    try:
        Decoder(manifest)(np.zeros(len(tags), np.float32))
        assert tracemalloc.get_traced_memory()[1] < 100 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("tags", [[f"0/{place}" for place in range(100_001)], comb(65)], ids=["many", "deep"])
def test_larger_ones_are_refused(tags: list[str]) -> None:
    with pytest.raises(ManifestError, match="at most"):
        read_manifest(with_manifest(json.dumps(described(tags)).encode()))


def any_manifest(generator: random.Random) -> Manifest:
    def word() -> str:
        return "".join(generator.choices("aB /%ü漢😀'\"\\", k=generator.randint(1, 6))).strip() or "x"

    facets = [Facet(f"f{n}", tuple(word() for _ in range(generator.randint(1, 3))), exclusive=generator.random() < 0.5)
              for n in range(generator.randint(0, 3))]  # fmt: skip
    paths: list[Tag] = []
    for place in range(generator.randint(1, 30) if facets else 0):
        facet = generator.choice(facets).name
        above = [tag.path for tag in paths if tag.facet == facet]
        paths.append(Tag(facet, (*generator.choice([(), *above]), f"{word()}{place}")))
    thresholds = tuple(generator.choice([0.0, 1.0, generator.random()]) for _ in paths)
    names = {tag.id: word() for tag in paths if generator.random() < 0.3}
    return Manifest(
        word(), generator.randint(1, 4096), Taxonomy(tuple(facets), tuple(paths)), thresholds, author=word(),
        description=word(), display_names={"de": names} if names else {}, feature_map=generator.choice([None, word()]),
        provenance={word(): [generator.random(), None, True, word()]}, metrics={},
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(100))
def test_any_manifest_comes_back_from_json_and_from_a_file(seed: int) -> None:
    manifest = any_manifest(random.Random(seed))
    assert Manifest.from_json(json.loads(json.dumps(manifest.to_json()))) == manifest
    packed = pack(FLATBUFFER, manifest)
    assert replace(read_manifest(packed), model_crc32=None) == manifest and is_intact(packed, read_manifest(packed))


@pytest.mark.parametrize("seed", range(300))
def test_a_manifest_with_anything_put_anywhere_is_read_or_refused(seed: int) -> None:
    """One value of the JSON, wherever it stands, is replaced. No other error, and an answer for what is read."""
    generator = random.Random(seed)
    plain = any_manifest(generator).to_json()
    spots: list[tuple[Any, Any]] = []
    todo: list[Any] = [plain]
    while todo:
        holder = todo.pop()
        for key, value in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
            spots.append((holder, key))
            if isinstance(value, dict | list):
                todo.append(value)
    holder, key = generator.choice(spots)
    holder[key] = generator.choice(
        [None, True, 0, -1, 2.5, 10**30, float("nan"), float("inf"), "", "/", "x", "\ud800", [], {}, [[]], {"": ""}]
    )
    try:
        manifest = Manifest.from_json(plain)
    except ManifestError as error:
        assert "\n" not in str(error)
    else:
        Decoder(manifest)(np.zeros(len(manifest.taxonomy), np.float32))
