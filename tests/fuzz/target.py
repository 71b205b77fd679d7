"""What a fuzz target is, and which there are."""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_tagger.errors import EdgeTaggerError

# Name -> its share of the cases of `all`. The module targets/NAME.py has the Target.
SHARES = {"photos": 0.5, "models": 0.25, "graphs": 0.05, "manifests": 0.1, "labels": 0.1}
FAULTY = ("planted", "leaking")  # what breaks the contract on purpose: the harness must see it


@dataclass(frozen=True)
class Target:
    """A part of the library that takes bytes from strangers.

    `seeds` gives sound inputs, with those of a folder where one is named; `mutate` damages one of them; `run` does with
    it what a user would, raises no other error than `error`, takes at most `memory_bytes` above what the process has,
    and asserts that what comes out is in order.
    """

    error: type[EdgeTaggerError]
    memory_bytes: int
    seeds: Callable[[Path | None], Sequence[bytes]]
    mutate: Callable[[random.Random, Sequence[bytes]], bytes]
    run: Callable[[bytes], None]


def load_target(name: str) -> Target:
    found: Target = importlib.import_module(f"targets.{name}").TARGET
    return found
