"""Breaks the contract on purpose, each way once in forty cases: the harness must see them all, and nothing else."""

from __future__ import annotations

import ctypes
import random
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from target import Target

from edge_tagger.errors import ModelError, PhotoError


def _seeds(_data: Path | None) -> Sequence[bytes]:
    return [b"crash", b"hang", b"memory", b"address space", b"exception", b"other error", b"two lines",
            b"long", b"warning", b"promise"]  # fmt: skip


def _mutate(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    place = rng.randrange(40)
    return seeds[place] if place < len(seeds) else b"fine" if place % 2 else b"refused"


def _run(case: bytes) -> None:
    match case:
        case b"refused":
            raise PhotoError("the photo is refused; that is fine")
        case b"crash":
            ctypes.string_at(0)
        case b"hang":
            time.sleep(3600)
        case b"memory":
            bytearray(150 * 2**20)
        case b"address space":
            bytearray(2**40)
        case b"exception":
            raise KeyError("size")
        case b"other error":
            raise ModelError("of a photo")
        case b"two lines":
            warnings.warn("one\ntwo", UserWarning, stacklevel=1)
        case b"long":
            raise PhotoError("x" * 100_000)
        case b"warning":
            warnings.warn("overflow in something", RuntimeWarning, stacklevel=1)
        case b"promise":
            raise AssertionError("scores over 1")


TARGET = Target(error=PhotoError, memory_bytes=100 * 2**20, seeds=_seeds, mutate=_mutate, run=_run)
