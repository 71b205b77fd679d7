"""What every bundle is made of: a model that the code in it can run, and its manifest."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_tagger.archive import associated_files
from edge_tagger.convert.check.archive import read_archive
from edge_tagger.errors import ModelError
from edge_tagger.manifest import MANIFEST_FILE, Manifest
from edge_tagger.tagger import Tagger

MODEL_FILE = "model.tflite"


@dataclass(frozen=True)
class Contents:
    """`stem` is the model's file name without its ending, `data` its bytes, `manifest_json` the manifest's own."""

    stem: str
    data: bytes
    manifest: Manifest
    manifest_json: bytes

    @property
    def labels(self) -> bytes:
        """The tags' identities in output order, one a line."""
        return "".join(f"{tag.id}\n" for tag in self.manifest.taxonomy.tags).encode()


def read_contents(model: str | os.PathLike[str]) -> Contents:
    """The model at a path, tried and held to what the bundled code can run.

    Raises ModelError for a file that is no classifier, does not fit its manifest, or has tensors that the bundled code
    does not handle; ManifestError where it has no manifest. Warns where others rewrote it.
    """
    with Tagger(model) as tagger:
        opened, manifest = tagger.model, tagger.manifest
        problems = read_archive(opened.data).problems
        if problems:
            raise ModelError(f"{model} carries an archive that nobody should unpack: {problems[0]}; convert it again")
        assert manifest is not None  # a Tagger without labels has one
        if len(opened.outputs) != 1:
            raise ModelError(f"{model} has {len(opened.outputs)} outputs; a bundle reads one; join them in the graph")
        for tensor in (*opened.inputs, *opened.outputs):
            if tensor.dtype not in ("uint8", "float32"):
                raise ModelError(
                    f"{model} has the {tensor.dtype} tensor {tensor.name!r}; a bundle's inputs and outputs are uint8 "
                    "or float32; convert it with --io uint8 or --io float32"
                )
        if not np.array_equal(opened.codes, np.arange(256)):
            raise ModelError(
                f"{model} does not take pixel values 0 to 255 as they are (scale {opened.inputs[0].scale}, zero point "
                f"{opened.inputs[0].zero_point}; must be 1 and 0); convert it again with edge-tagger"
            )
        return Contents(Path(model).stem, opened.data, manifest, associated_files(opened.data)[MANIFEST_FILE])
