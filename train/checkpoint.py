"""Arrays and the state of a training as files that are written wholly or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from edge_tagger.errors import RunError
from edge_tagger.files import write_bytes


def save_checkpoint(path: Path, variables: Sequence[Any], counters: Mapping[str, float]) -> None:
    """Write the values of TensorFlow `variables` and `counters` (floats are kept exactly). Raises OutputError."""
    arrays = {_key(place, variable): np.atleast_1d(variable.numpy()) for place, variable in enumerate(variables)}
    write_bytes(path, save(arrays, metadata={"counters": json.dumps(dict(counters))}))


def load_checkpoint(path: Path, variables: Sequence[Any]) -> dict[str, float]:
    """Assign the values in `path` to `variables`; returns the counters.

    Raises RunError where the file is broken or was written by another model.
    """
    try:
        with safe_open(path, framework="np") as file:
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            counters: dict[str, float] = json.loads(file.metadata()["counters"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise _broken(path, error) from error
    expected = {_key(place, variable): variable for place, variable in enumerate(variables)}
    if stored.keys() != expected.keys():
        differing = sorted(stored.keys() ^ expected.keys())
        raise RunError(f"the checkpoint {path} is of another model (first difference: {differing[0]}); use a new --out")
    for name, variable in expected.items():
        variable.assign(stored[name].reshape(variable.shape))
    return counters


def read_counters(path: Path) -> dict[str, float]:
    """The counters of a checkpoint alone. Raises RunError where it is broken."""
    try:
        with safe_open(path, framework="np") as file:
            counters: dict[str, float] = json.loads(file.metadata()["counters"])
            return counters
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise _broken(path, error) from error


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array as .npy. Raises OutputError."""
    buffer = io.BytesIO()  # numpy itself tells a full disk as "98304 requested and 0 written"
    np.save(buffer, array)
    write_bytes(path, buffer.getbuffer())


def _broken(path: Path, error: Exception) -> RunError:
    return RunError(f"the checkpoint {path} is broken ({error}); delete it to redo its phase")


def _key(place: int, variable: Any) -> str:
    return f"{place:04d} {variable.name}"
