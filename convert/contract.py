"""What every converted file must be, whatever its format: see "The model contract" in the manifest's documentation."""

from __future__ import annotations

import numpy as np

from edge_tagger.convert.check.facts import facts_of
from edge_tagger.convert.formats import FORMATS
from edge_tagger.errors import ModelError
from edge_tagger.interpreter import Model
from edge_tagger.manifest import Manifest


def check_contract(data: bytes, manifest: Manifest, *, kind: str, io: str) -> None:
    """Raises ModelError where a file of format `kind` does not take pixels as they are, does not give one score for
    each tag, has input or output of another type than `io`, or has float operators where it must have none."""
    model = Model(data)
    size, tags = manifest.image_size, len(manifest.taxonomy)
    problems = []
    if len(model.inputs) != 1 or tuple(model.inputs[0].shape) != (1, size, size, 3):
        problems.append(f"inputs {[tuple(t.shape) for t in model.inputs]}, wanted one of (1, {size}, {size}, 3)")
    if len(model.outputs) != 1 or tuple(model.outputs[0].shape) != (1, tags):
        problems.append(f"outputs {[tuple(t.shape) for t in model.outputs]}, wanted one of (1, {tags})")
    problems += [
        f"{tensor.name} is {np.dtype(tensor.dtype).name}, wanted {io}"
        for tensor in (*model.inputs, *model.outputs)
        if np.dtype(tensor.dtype).name != io
    ]
    if io == "uint8" and (model.inputs[0].scale, model.inputs[0].zero_point) != (1.0, 0):
        tensor = model.inputs[0]
        problems.append(f"the input has scale {tensor.scale} and zero point {tensor.zero_point}, wanted 1 and 0")
    if FORMATS[kind].integer:
        floats = facts_of("the converted model", data).float_operators()
        named = ", ".join(map(str, floats))
        problems += [f"{len(floats)} operators are not integer: {named}"] if floats else []
    if problems:
        raise ModelError(f"the converted model breaks the contract: {'; '.join(problems)}; no file was written")
