"""Metadata and manifest for a `.tflite` that is there already, whoever made it. The model itself is not touched."""

from __future__ import annotations

from pathlib import Path

from edge_tagger.convert.foreign import describe
from edge_tagger.convert.metadata import with_metadata
from edge_tagger.errors import ModelError, OutputError
from edge_tagger.files import write_bytes
from edge_tagger.interpreter import Model
from edge_tagger.manifest import read_manifest


def redescribe(
    path: Path, out: Path, *, labels: Path | None = None, manifest: Path | None = None, name: str | None = None
) -> Path:
    """Write the model under its own file name into the folder `out`, described by labels or a manifest, else by the
    manifest that it has. What metadata it has besides stays (docs/metadata.md).

    Raises ModelError where the file is no classifier or its metadata cannot be kept, ManifestError where nothing
    describes it, OutputError where it would be written over itself.
    """
    target = out / path.name
    if target.resolve() == path.resolve():
        raise OutputError(f"{path} would be written over itself; name another folder with --out")
    model = Model(path)
    if raw := [head.name for head in model.heads if head.activation in ("none", "log_softmax") or head.largest > 1]:
        raise ModelError(
            f"{path} gives scores that are no probabilities ({raw[0]}), and those of a manifest lie in 0..1; end the "
            "model in a sigmoid or softmax and convert it again, or tag with --labels, which turns them"
        )
    if labels is None and manifest is None:
        described = read_manifest(path)
    else:
        described = describe(path, labels, manifest, name or path.stem, model.input_size, model.num_scores)
    write_bytes(target, with_metadata(model.data, described))
    return target
