"""Weights against the names and shapes that a model has, with each difference in the error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_tagger.errors import RunError

_MAX_LISTED = 6  # of each kind


def check_names(
    weights: Mapping[str, NDArray[np.float32]], expected: Mapping[str, tuple[int, ...]], source: str
) -> None:
    """Raises RunError, listing what is missing, what is too much and what has another shape, where the arrays of
    `weights`, which come from `source`, are not just those of `expected`."""
    missing = [f"{name} {expected[name]}" for name in expected if name not in weights]
    surplus = [f"{name} {weights[name].shape}" for name in weights if name not in expected]
    wrong = [
        f"{name} (file {weights[name].shape}, model {shape})"
        for name, shape in expected.items()
        if name in weights and weights[name].shape != shape
    ]
    found = (("not in the file", missing), ("only in the file", surplus), ("of another shape", wrong))
    told = [f"{len(names)} {kind}: {_some(names)}" for kind, names in found if names]
    if told:
        raise RunError(
            f"{source} does not fit the model: {'; '.join(told)}; use weights of the recipe's backbone and stages"
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(names[:_MAX_LISTED]) + more
