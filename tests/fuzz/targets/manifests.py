"""Manifests inside a sound model: damaged as values, and as text."""

from __future__ import annotations

import copy
import io
import json
import random
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from mutations import mutate_bytes
from target import Target

from edge_tagger.archive import MAX_FILE_BYTES, associated_files, split_model
from edge_tagger.decoder import Decoder
from edge_tagger.errors import ManifestError, ModelError
from edge_tagger.manifest import MANIFEST_FILE, Manifest, find_manifest
from edge_tagger.options import Options
from edge_tagger.tagger import Tagger

_DATA = Path(__file__).resolve().parents[2] / "data"
_PACKAGED = Path(__file__).resolve().parents[3] / "edge_tagger" / "models" / "product-tagger-int8.tflite"
_PHOTO = np.full((9, 12, 3), 200, np.uint8)
_MANY = 20_000
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1.5, 2**31, 2**63, -(2**64), 10**400, 1e308, float("nan"), float("inf"),
    "", "x", "a/b", "/", "//", "%2F", "\0", "a\nb", "\x1b[2J", "\u202e", "\ud800", "🎽", "x" * 100_000,
    [], [[]], {}, {"": {}}, [None], "NaN", "1", [0] * _MANY, "/".join("abc" * 500),
)  # fmt: skip


def _seeds(_data: Path | None) -> Sequence[bytes]:
    models = (_DATA / "tiny-uint8.tflite", _PACKAGED)
    packed = [associated_files(model.read_bytes())[MANIFEST_FILE] for model in models]
    return [packed[0], packed[0], packed[0], (_DATA / "manifest.json").read_bytes(), packed[1]]


def _mutate(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    text = rng.choice(seeds)
    if rng.random() < 0.25:
        return mutate_bytes(rng, text, seeds)
    if rng.random() < 0.03:
        return rng.choice((b"[" * 100_000, b'{"a":' * 5_000, b"9" * 2_000_000, b'{"format":1,' * 9, b"\xff" + text))
    value = json.loads(text)
    for _ in range(rng.choice((1, 1, 2, 3))):
        value = _damaged(rng, value)
    damaged = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    # Many copies of something large take gigabytes, and packing them longer than a case may: too large is enough.
    return damaged.encode("utf-8", "surrogatepass")[: 2 * MAX_FILE_BYTES]


def _damaged(rng: random.Random, value: Any) -> Any:
    """A copy with one thing changed, anywhere in it."""
    value = copy.deepcopy(value)
    places = list(_places(value))
    if not places:
        return rng.choice(_VALUES)
    holder, key = rng.choice(places)
    kind = rng.randrange(8)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        holder[key] = copy.deepcopy(rng.choice(places)[0])
    elif kind == 2 and isinstance(holder, list):
        holder.insert(rng.randrange(len(holder) + 1), copy.deepcopy(holder[key]))
    elif kind == 3 and isinstance(holder, list):
        rng.shuffle(holder)  # children before their parents
    elif kind == 4 and isinstance(holder, list) and rng.random() < 0.3:
        holder[:] = [copy.deepcopy(holder[key]) for _ in range(_MANY)]
    elif kind == 5 and isinstance(holder, dict):
        holder[rng.choice((*holder, "", "x" * 5_000, "\ud800", "de", "../de", "\n"))] = holder.pop(key)
    elif kind == 6 and isinstance(holder[key], str):
        text, other = holder[key], rng.choice([each for _, each in _texts(places)] or [""])
        holder[key] = rng.choice((text + "/x", text[: len(text) // 2], text.replace("/", "//"), other, text * 50))
    elif kind == 7 and isinstance(holder[key], (int, float)):
        holder[key] = rng.choice((-holder[key], holder[key] + 1, holder[key] * 10**20, str(holder[key])))
    else:
        holder[key] = copy.deepcopy(rng.choice(_VALUES))
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """(list or object, its index or key) of everything inside."""
    held = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in held:
        yield value, key
        yield from _places(each)


def _texts(places: list[tuple[Any, Any]]) -> list[tuple[Any, str]]:
    return [(holder, holder[key]) for holder, key in places if isinstance(holder[key], str)]


@cache
def _flatbuffer() -> bytes:
    return split_model((_DATA / "tiny-uint8.tflite").read_bytes())[0]


def _run(case: bytes) -> None:
    packed = io.BytesIO(_flatbuffer())
    packed.seek(0, io.SEEK_END)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(zipfile.ZipInfo(MANIFEST_FILE), case)
    model = packed.getvalue()
    manifest = find_manifest(model, "the model")
    if manifest is None:
        assert len(case) > MAX_FILE_BYTES, "the manifest is not found"
    else:
        again = Manifest.from_json(json.loads(json.dumps(manifest.to_json(), allow_nan=False)))
        assert again == manifest, "the manifest is another once it is written and read again"
        if len(manifest.taxonomy):
            scores = np.random.default_rng(zlib.crc32(case)).random(len(manifest.taxonomy), np.float32)
            _decode(manifest, scores)
    with Tagger(model, threads=1) as tagger:
        str(tagger.tag(_PHOTO)).encode()


def _decode(manifest: Manifest, scores: np.typing.NDArray[np.float32]) -> None:
    first = manifest.taxonomy.tags[0].id
    for options in (Options(), Options(max_results=3), Options(allow=[first])):
        tagged = Decoder(manifest, options)(scores)
        json.dumps(tagged.to_json(), allow_nan=False).encode()
        for tag in tagged:
            assert tag.threshold is not None and tag.score >= np.float32(tag.threshold), f"{tag} under its threshold"
            assert all(parent in tagged for parent in tag.parents), f"{tag} without its parents"
    try:
        Decoder(manifest, Options(deny=["no such tag"]))
    except ManifestError:
        raise
    except ModelError as error:  # names what comes near: of names that a stranger wrote
        assert str(error).isprintable() and len(str(error)) <= 1_000, f"the message {str(error)[:300]!r}"


TARGET = Target(error=ModelError, memory_bytes=192 * 2**20, seeds=_seeds, mutate=_mutate, run=_run)
