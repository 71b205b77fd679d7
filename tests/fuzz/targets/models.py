"""`.tflite` files, ours and those of others: damaged anywhere, in the flatbuffer under a right checksum, in the zip."""

from __future__ import annotations

import json
import os
import random
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from mutations import mutate_bytes, set_integer
from target import Target

from edge_tagger.archive import associated_files, split_model
from edge_tagger.errors import ManifestError, ModelError
from edge_tagger.inspection import inspect_model
from edge_tagger.interpreter import Model
from edge_tagger.manifest import MANIFEST_FILE, Manifest, find_manifest, pack
from edge_tagger.tagger import Tagger

_DATA = Path(__file__).resolve().parents[2] / "data"
_PACKAGED = Path(__file__).resolve().parents[3] / "edge_tagger" / "models" / "product-tagger-int8.tflite"
_SEEDS = Path(__file__).resolve().parents[1] / "seeds"  # make_seeds.py
_PACKAGED_SHARE = 0.004  # it has 11 MB: a case of it takes as long as a hundred others
_PHOTO = np.arange(9 * 12 * 3, dtype=np.uint8).reshape(9, 12, 3)
_BACKEND = os.environ.get("EDGE_TAGGER_FUZZ_BACKEND", "auto")
# Mark of a zip's parts -> (offset, width) of its numbers: APPNOTE.TXT 4.3.7, 4.3.12 and 4.3.16.
_ZIP_FIELDS = {
    b"PK\3\4": ((4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)),
    b"PK\1\2": ((8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (34, 2), (42, 4)),
    b"PK\5\6": ((4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)),
}


def _seeds(_data: Path | None) -> Sequence[bytes]:
    """The packaged model last."""
    tiny = [*sorted(_DATA.glob("*.tflite")), *sorted(_SEEDS.glob("*.tflite"))]
    return [path.read_bytes() for path in (*tiny, _PACKAGED)]


def _mutate(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    *tiny, packaged = seeds
    model = packaged if rng.random() < _PACKAGED_SHARE else rng.choice(tiny)
    kind = rng.random()
    if kind < 0.2:
        return mutate_bytes(rng, model, tiny)
    if kind < 0.35:
        return _with_zip_damaged(rng, model)
    flatbuffer, archive = split_model(model)
    damaged = mutate_bytes(rng, flatbuffer, tiny) if kind < 0.5 else _with_fields_set(rng, flatbuffer)
    if rng.random() < 0.5 or b"PK" in damaged:  # parts of another archive would be taken for ours
        return damaged + archive
    manifest = find_manifest(model, "the model")  # its checksum made right: LiteRT must bear what it gets
    files = {name: held for name, held in associated_files(model).items() if name != MANIFEST_FILE}
    return damaged if manifest is None else pack(damaged, manifest, files)


def _with_fields_set(rng: random.Random, flatbuffer: bytes) -> bytes:
    """Flatbuffers align what they hold: a table's fields, offsets and lengths stand at multiples of their width."""
    changed = bytearray(flatbuffer)
    end = len(changed) if rng.random() < 0.7 else min(len(changed), 1_500)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        width = rng.choice((1, 2, 4, 4, 4, 8))
        set_integer(rng, changed, rng.randrange(end) // width * width, width)
    return bytes(changed)


def _with_zip_damaged(rng: random.Random, model: bytes) -> bytes:
    changed = bytearray(model)
    places = [(place, mark) for mark in _ZIP_FIELDS for place in _found(model, mark)]
    for _ in range(rng.randint(1, 3)):
        if places:
            place, mark = rng.choice(places)
            offset, width = rng.choice(_ZIP_FIELDS[mark])
            set_integer(rng, changed, place + offset, width)
    if rng.random() < 0.2:
        start = split_model(model)[0]
        return bytes(changed[: len(start)]) + mutate_bytes(rng, bytes(changed[len(start) :]))
    return bytes(changed)


def _found(data: bytes, mark: bytes) -> list[int]:
    places, place = [], data.find(mark)
    while place >= 0:
        places.append(place)
        place = data.find(mark, place + 1)
    return places


@cache
def _file() -> int:
    """A file in memory: nothing is left behind when the process ends."""
    return os.memfd_create("model")


def _run(case: bytes) -> None:
    if zlib.crc32(case) % 4 == 0:
        os.ftruncate(_file(), 0)
        os.pwrite(_file(), case, 0)
        inspection = inspect_model(f"/proc/self/fd/{_file()}")
        json.dumps(inspection.to_json())
        str(inspection).encode()
        return
    try:
        with Tagger(case, threads=1, backend=_BACKEND) as tagger:
            tagged = tagger.tag(_PHOTO)
    except ManifestError:
        Model(case, threads=1, backend=_BACKEND)  # the classifier of others, as --labels opens it
        raise
    json.dumps(tagged.to_json(), allow_nan=False).encode()
    str(tagged).encode()
    manifest = tagger.manifest
    assert all(0 <= tag.score <= 1 for tag in tagged) or not isinstance(manifest, Manifest), "a score outside 0..1"


TARGET = Target(error=ModelError, memory_bytes=512 * 2**20, seeds=_seeds, mutate=_mutate, run=_run)
