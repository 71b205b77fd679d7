"""Arrays and the state of a training as files that are written wholly or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from edge_tagger.errors import RunError
from edge_tagger.files import write_bytes
from edge_tagger.json_fields import Fields
from edge_tagger.reading import check_regular, checked_json, reason


def save_checkpoint(path: Path, variables: Sequence[Any], counters: Mapping[str, float]) -> None:
    """Write the values of TensorFlow `variables` and `counters` (floats are kept exactly). Raises OutputError."""
    arrays = {_key(place, variable): np.atleast_1d(variable.numpy()) for place, variable in enumerate(variables)}
    write_bytes(path, save(arrays, metadata={"counters": json.dumps(dict(counters))}))


def load_checkpoint(path: Path, variables: Sequence[Any]) -> dict[str, float]:
    """Assign the values in `path` to `variables`; returns the counters.

    Raises RunError where the file is broken or was written by another model; then nothing is assigned.
    """
    try:
        stored, metadata = read_tensors(path)
        counters = _counters(metadata)
    except (OSError, ValueError) as error:
        raise _broken(path, error) from error
    expected = {_key(place, variable): variable for place, variable in enumerate(variables)}
    if stored.keys() != expected.keys():
        differing = sorted(stored.keys() ^ expected.keys())
        raise RunError(f"the checkpoint {path} is of another model (first difference: {differing[0]}); use a new --out")
    for name, variable in expected.items():
        own, found = np.empty(variable.shape, variable.dtype.as_numpy_dtype), stored[name]
        if found.dtype != own.dtype or found.size != own.size:
            told = f"{name} is {found.dtype} {list(found.shape)}, not {own.dtype} {list(own.shape)}"
            raise RunError(f"the checkpoint {path} is of another model ({told}); use a new --out")
    for name, variable in expected.items():
        variable.assign(stored[name].reshape(variable.shape))
    return counters


def read_counters(path: Path) -> dict[str, float]:
    """The counters of a checkpoint alone. Raises RunError where it is broken."""
    try:
        return _counters(read_tensors(path, names=())[1])
    except (OSError, ValueError) as error:
        raise _broken(path, error) from error


def read_tensors(
    path: Path, *, names: Collection[str] | None = None
) -> tuple[dict[str, NDArray[Any]], Mapping[str, str]]:
    """The arrays in a .safetensors file (of these names, or all) and its metadata. Raises OSError or ValueError."""
    check_regular(path)
    try:
        with safe_open(path, framework="np") as file:
            wanted = file.keys() if names is None else names
            return {name: file.get_tensor(name) for name in wanted}, file.metadata() or {}
    except OSError:
        raise
    except Exception as error:  # its own, and what numpy raises of types that it does not have, such as bfloat16
        raise ValueError(str(error) or type(error).__name__) from error


def _counters(metadata: Mapping[str, str]) -> dict[str, float]:
    counters = Fields(checked_json(metadata.get("counters", "").encode()))
    if counters.whole("step") < 0:
        raise ValueError(f"its step is {counters.whole('step')}")
    return {name: counters.number(name) for name in counters.value}


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array as .npy. Raises OutputError."""
    buffer = io.BytesIO()  # numpy itself tells a full disk as "98304 requested and 0 written"
    np.save(buffer, array)
    write_bytes(path, buffer.getbuffer())


def _broken(path: Path, error: Exception) -> RunError:
    return RunError(f"the checkpoint {path} is broken ({reason(error)}); delete it to redo its phase")


def _key(place: int, variable: Any) -> str:
    return f"{place:04d} {variable.name}"
