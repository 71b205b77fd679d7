"""`.tflite` files with single fields of their graphs changed: shapes, types, places, options, operator codes, scales,
signatures. Seeds have branches, loops, recurrent layers and computed sizes. Needs the package flatbuffers."""

from __future__ import annotations

import json
import os
import random
import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from mutations import edge_value
from target import Target

from edge_tagger.convert.check.targets import check
from edge_tagger.errors import ModelError
from edge_tagger.explain.class_activation import Explainer
from edge_tagger.inspection import inspect_model
from edge_tagger.interpreter import Model
from edge_tagger.taxonomy import Tag

_DATA = Path(__file__).resolve().parents[2] / "data"
_SEEDS = Path(__file__).resolve().parents[1] / "seeds"
_FLOATS = (0.0, -1.0, 1e-45, 1e38, float("nan"), float("inf"))
_CODES = [number for name, number in vars(schema.BuiltinOperator).items() if not name.startswith("_")]


def _seeds(_data: Path | None) -> Sequence[bytes]:
    return [path.read_bytes() for path in (*sorted(_SEEDS.glob("*.tflite")), *sorted(_DATA.glob("t*.tflite")))]


def _mutate(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    model = schema.ModelT.InitFromPackedBuf(bytearray(rng.choice(seeds)))
    for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
        _change(rng, model)
    builder = flatbuffers.Builder(1024)
    try:
        builder.Finish(model.Pack(builder), b"TFL3")
    except Exception:  # a value that its field cannot hold
        return _mutate(rng, seeds)
    return bytes(builder.Output())


def _change(rng: random.Random, model: Any) -> None:
    """Of all tables a random one, of which a random field; of weights rarely, for they are most of the file."""
    every = [each for each in _tables(model) if vars(each)]
    tables = [each for each in every if not isinstance(each, schema.BufferT) or rng.random() < 0.2]
    table = rng.choice(tables)
    field = rng.choice(list(vars(table)))
    value = getattr(table, field)
    if field in ("builtinCode", "deprecatedBuiltinCode") and rng.random() < 0.7:
        table.builtinCode = rng.choice(_CODES)
        table.deprecatedBuiltinCode = min(table.builtinCode, 127)
    elif field == "inputs" and isinstance(table, schema.OperatorT) and rng.random() < 0.3:
        rng.shuffle(value := list(value))
        table.inputs = value
    else:
        setattr(table, field, _changed(rng, field, value))


def _changed(rng: random.Random, field: str, value: Any) -> Any:
    if isinstance(value, bool | int | float | np.number):
        return _changed_number(rng, value)
    if isinstance(value, bytes):
        return rng.choice((b"", b"\xff\xfe", value * 2))
    if isinstance(value, np.ndarray | list) and len(value):
        return _changed_items(rng, field, list(value))
    if value is None:
        ints = field in ("shape", "shapeSignature", "inputs", "outputs", "intermediates", "newShape")
        return [rng.choice((0, 1, -1, 5))] if ints else None
    return rng.choice((None, value))


def _changed_number(rng: random.Random, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | np.integer):
        return rng.choice((0, 1, -1, 2, 3, int(value) + 1, int(value) - 1, edge_value(rng, 4) - 2**31))
    return rng.choice(_FLOATS)


def _changed_items(rng: random.Random, field: str, items: list[Any]) -> list[Any] | None:
    place = rng.randrange(len(items))
    kind = rng.random()
    if kind < 0.1:
        return None
    if kind < 0.2:
        return items[:place] + items[place + 1 :]
    if kind < 0.3:
        return [*items, items[place]]
    if isinstance(items[place], int | float | np.number):
        items[place] = _changed(rng, field, items[place])
    return items


def _tables(thing: Any) -> Iterator[Any]:
    if isinstance(thing, list):
        for each in thing:
            yield from _tables(each)
    elif type(thing).__module__ == schema.__name__:
        yield thing
        for value in vars(thing).values():
            yield from _tables(value)


@cache
def _file() -> int:
    """A file in memory: nothing is left behind when the process ends."""
    return os.memfd_create("model")


def _run(case: bytes) -> None:
    kind = zlib.crc32(case) % 6
    if kind < 2:
        os.ftruncate(_file(), 0)
        os.pwrite(_file(), case, 0)
        found: Any = (inspect_model, check)[kind](f"/proc/self/fd/{_file()}")
        json.dumps(found.to_json())
        str(found).encode()
        return
    model = Model(case, threads=1)
    size = model.input_size
    photo = np.arange(size * size * 3, dtype=np.uint8).reshape(size, size, 3)
    scores = model.scores(photo)
    assert scores.shape == (model.num_scores,) and np.isfinite(scores).all(), "scores that are none"
    str(model.heads)
    if kind == 2:
        tags = [Tag("label", (str(place),)) for place in range(model.num_scores)]
        for explanation in Explainer(model, tags).explain(photo):
            assert explanation.overlay(photo).shape == photo.shape, "an overlay of another size"


TARGET = Target(error=ModelError, memory_bytes=900 * 2**20, seeds=_seeds, mutate=_mutate, run=_run)
