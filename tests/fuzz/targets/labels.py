"""Label files of a model, in whatever encoding and state, and what is decoded with them."""

from __future__ import annotations

import codecs
import json
import os
import random
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from mutations import mutate_bytes
from target import Target

from edge_tagger.decoder import LabelDecoder
from edge_tagger.errors import ModelError
from edge_tagger.heads import Head
from edge_tagger.labels_file import read_labels
from edge_tagger.options import Options

_LABELS = "background\nSports Shoes\nT-Shirts\nGröße 38\nバッグ\nمعطف\n👟 Schuhe\nA/B 100%\n"
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252", "cp932", "gb18030", "utf-7", "cp500")
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, b"\0", b"\r", b"\x85")
_ODD_CHARACTERS = "\0\t\r\n\x0b\x0c\x1b\x85\xa0\u2028\u200b\u202e\ufeff\ufffd\U0010ffff/%:0"


def _seeds(_data: Path | None) -> Sequence[bytes]:
    numbered = [f"{place}: {label}" for place, label in enumerate(_LABELS.splitlines())]
    texts = [_LABELS, "\n".join(numbered), "\r\n".join(reversed(numbered)), _LABELS * 60, "a\n", ""]
    return [text.encode(encoding, "replace") for text in texts for encoding in _ENCODINGS]


def _mutate(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    case = rng.choice(seeds)
    if rng.random() < 0.3:
        text = case.decode("utf-8", "surrogateescape")
        for _ in range(rng.randint(1, 5)):
            place = rng.randrange(len(text) + 1)
            text = text[:place] + rng.choice(_ODD_CHARACTERS) * rng.choice((1, 1, 2, 300)) + text[place:]
        case = text.encode("utf-8", "surrogateescape")
    elif rng.random() < 0.8:
        case = mutate_bytes(rng, case, seeds)
    return rng.choice(_MARKS) + case if rng.random() < 0.2 else case


@cache
def _file() -> int:
    """A file in memory: nothing is left behind when the process ends."""
    return os.memfd_create("labels")


def _run(case: bytes) -> None:
    os.ftruncate(_file(), 0)
    os.pwrite(_file(), case, 0)
    path = Path(f"/proc/self/fd/{_file()}")
    try:
        labels = read_labels(path, 8, "the model")
    except ModelError as error:
        counted = re.search(r"has (\d+) labels", str(error))
        if counted is None:
            raise
        labels = read_labels(path, int(counted[1]), "the model")  # again, as a model that gives as many
    for label in labels:
        assert label == label.strip() and label, f"the label {label!r}"
        assert not {"\0", "\r", "\n"} & set(label), f"the label {label!r}"
    if labels:
        decoder = LabelDecoder(labels, [Head("scores", slice(0, len(labels)), "none")], Options(), model="the model")
        tagged = decoder(np.linspace(-9, 9, len(labels), dtype=np.float32))
        json.dumps(tagged.to_json(), allow_nan=False).encode()
        str(tagged).encode()


TARGET = Target(error=ModelError, memory_bytes=32 * 2**20, seeds=_seeds, mutate=_mutate, run=_run)
