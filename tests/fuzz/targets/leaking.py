"""Keeps a little of each case on purpose: the harness must see it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from target import Target

from edge_tagger.errors import PhotoError

_kept: list[bytes] = []


def _seeds(_data: Path | None) -> Sequence[bytes]:
    return [b"fine"]


def _mutate(_rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    return seeds[0]


def _run(_case: bytes) -> None:
    _kept.append(b"\1" * 2**20)


TARGET = Target(error=PhotoError, memory_bytes=100 * 2**20, seeds=_seeds, mutate=_mutate, run=_run)
