"""Models that edge-tagger did not train: Keras files and SavedModels, brought into the form that a run's have."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_tagger.convert.freeze import frozen_function
from edge_tagger.convert.keras_file import brief, load_keras
from edge_tagger.convert.lite import tensorflow
from edge_tagger.convert.quiet import quiet
from edge_tagger.convert.saved_model import check_saved_model
from edge_tagger.convert.sources import Source
from edge_tagger.errors import ManifestError, ModelError
from edge_tagger.labels_file import read_labels
from edge_tagger.manifest import Manifest
from edge_tagger.reading import read_json, reason
from edge_tagger.taxonomy import Facet, Tag, Taxonomy

KERAS_SUFFIXES = (".keras", ".h5", ".hdf5")
_RULE = "a classifier has one float32 input [batch, S, S, 3] and one output [batch, N]"


@dataclass(frozen=True)
class Normalization:
    """What a model expects: (pixel - mean) / std, for pixels 0 to 255; one value, or one for each of R, G and B."""

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if (
            len(self.mean) not in (1, 3)
            or len(self.std) not in (1, 3)
            or not all(math.isfinite(value) for value in (*self.mean, *self.std))
            or min(self.std) <= 0
        ):
            raise ModelError(
                f"mean {self.mean} and std {self.std} must have one value, or three for R, G, B, and std be above 0; "
                "both are in pixel values, 0 to 255: write 127.5, not 0.5"
            )

    def of(self, pixels: Any) -> Any:
        """What the model gets for a tensor of pixels [..., 3]."""
        return (pixels - self.mean) / self.std


@contextmanager
def open_model(
    path: Path,
    *,
    labels: Path | None = None,
    manifest: Path | None = None,
    name: str | None = None,
    image_size: int | None = None,
    normalization: Normalization | None = None,
    unsafe: bool = False,
) -> Iterator[Source]:
    """A `.keras` or `.h5` file or a SavedModel as a Source, with a batch of 1 and `normalization` inside the graph.

    Its tags are a label for each output, one a line, or a manifest as JSON. Labels alone make one facet, "label", that
    is exclusive. `unsafe` lets code that is inside the file run. Raises ModelError where the model is no classifier,
    has another number of outputs, or holds what could run code or touch files.
    """
    path = path.resolve()
    if not path.exists():
        raise ModelError(f"{path} does not exist; give a run, a .keras or .h5 file, or a SavedModel")
    with tempfile.TemporaryDirectory(prefix="edge-tagger-") as folder:
        with quiet():
            keras_file = path.suffix.lower() in KERAS_SUFFIXES
            forward, shape = (_load_keras if keras_file else _load_saved_model)(path, unsafe=unsafe)
        size = _size(path, shape, image_size)

        def scores(image: Any) -> Any:
            return forward(normalization.of(image) if normalization else image)

        frozen = _frozen(path, scores, size)
        outputs = frozen.outputs[0].shape
        if outputs.rank != 2 or not outputs[1]:
            raise ModelError(f"{path} gives {outputs}; {_RULE}")
        described = describe(path, labels, manifest, name or path.stem, size, outputs[1])
        with quiet():
            try:
                _save(frozen, size, Path(folder))
            except Exception as error:  # as above
                raise ModelError(f"{path} cannot be saved as a SavedModel: {brief(error)}; {_RULE}") from error
        yield Source(path, described, Path(folder), recurrent=_has_loops(frozen))


def _frozen(path: Path, scores: Callable[[Any], Any], size: int) -> Any:
    tf = tensorflow()
    pixels = tf.TensorSpec([1, size, size, 3], tf.float32, name="image")
    with quiet():
        try:
            return frozen_function(tf.function(scores).get_concrete_function(pixels))
        except Exception as error:  # whatever a stranger's graph may do; it is told as one line
            raise ModelError(f"{path} cannot be traced for a photo of {size} px: {brief(error)}; {_RULE}") from error


def _has_loops(frozen: Any) -> bool:
    graph = frozen.graph.as_graph_def()
    functions = [node for function in graph.library.function for node in function.node_def]
    return any("While" in node.op or "TensorList" in node.op for node in [*graph.node, *functions])


def _save(frozen: Any, size: int, folder: Path) -> None:
    tf = tensorflow()
    module = tf.Module()
    module.frozen = frozen
    pixels = tf.TensorSpec([1, size, size, 3], tf.float32, name="image")
    module.serve = tf.function(lambda image: {"scores": frozen(image)[0]}, input_signature=[pixels])
    # Functions for gradients (swish, SiLU have one) cannot be saved from a frozen graph, and nothing trains on it.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(folder), signatures=module.serve, options=options)


def _load_keras(path: Path, *, unsafe: bool) -> tuple[Callable[[Any], Any], Sequence[int | None]]:
    model = load_keras(path, unsafe=unsafe)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError(f"{path} has {len(model.inputs)} inputs and {len(model.outputs)} outputs; {_RULE}")
    return lambda image: model(image, training=False), tuple(model.inputs[0].shape)


def _load_saved_model(path: Path, *, unsafe: bool) -> tuple[Callable[[Any], Any], Sequence[int | None]]:
    tf = tensorflow()
    if not (path / "saved_model.pb").is_file():
        raise ModelError(
            f"{path} is no run (manifest.json), no Keras file ({', '.join(KERAS_SUFFIXES)}) and no SavedModel "
            "(saved_model.pb); give one of these"
        )
    if not unsafe:
        check_saved_model(path)
    try:
        model = tf.saved_model.load(str(path))
    except Exception as error:  # TensorFlow has errors of its own for each thing that can be wrong in a stranger's file
        raise ModelError(f"{path} cannot be loaded as a SavedModel: {brief(error)}") from error
    if "serving_default" not in model.signatures:
        named = ", ".join(model.signatures) or "none"
        raise ModelError(f"{path} has no signature serving_default (it has: {named}); export it with one")
    serve = model.signatures["serving_default"]
    inputs, outputs = serve.structured_input_signature[1], serve.structured_outputs
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(f"{path} has {len(inputs)} inputs and {len(outputs)} outputs; {_RULE}")
    (given,), (taken,) = outputs, inputs
    if inputs[taken].dtype != tf.float32 or inputs[taken].shape.rank is None:
        raise ModelError(f"{path} takes {inputs[taken].dtype.name} {inputs[taken].shape}; {_RULE}")

    def forward(image: Any, _alive: Any = model) -> Any:  # the signature alone does not keep the variables
        return serve(**{taken: image})[given]

    return forward, tuple(inputs[taken].shape)


def _size(path: Path, shape: Sequence[int | None], wanted: int | None) -> int:
    """S in pixels. A free batch becomes 1, which is what a photo needs."""
    if len(shape) != 4 or shape[3] not in (3, None) or shape[0] not in (1, None) or shape[1] != shape[2]:
        raise ModelError(f"{path} takes {list(shape)}; {_RULE}, of a batch of 1 or any")
    size = shape[1]
    if size is None and wanted is None:
        raise ModelError(f"{path} takes photos of any size; say which with --image-size")
    if size is not None and wanted not in (None, size):
        raise ModelError(f"{path} takes {size} px, not {wanted}; leave --image-size out")
    return int(size or wanted or 0)


def describe(path: Path, labels: Path | None, manifest: Path | None, name: str, size: int, outputs: int) -> Manifest:
    """What is known of a model with so many outputs: a manifest as it is, or labels as one exclusive facet.

    Raises ModelError, ManifestError where there is neither, or one of another model.
    """
    if manifest is not None:
        try:
            described = Manifest.from_json(read_json(manifest))
        except (OSError, ValueError, ManifestError) as error:
            raise ManifestError(f"cannot read the manifest {manifest}: {reason(error)}") from error
        if (len(described.taxonomy), described.image_size) != (outputs, size):
            raise ManifestError(
                f"{manifest} describes {len(described.taxonomy)} tags and {described.image_size} px, {path} has "
                f"{outputs} outputs and {size} px; they must be the same"
            )
        return described
    if labels is None:
        raise ModelError(f"{path} does not say what its {outputs} outputs mean; add --labels FILE or --manifest FILE")
    names = read_labels(labels, outputs, str(path))
    try:
        taxonomy = Taxonomy((Facet("label", ("label",)),), tuple(Tag("label", (label,)) for label in names))
    except ValueError as error:
        raise ModelError(f"{labels}: {error}; every label must be another") from error
    return Manifest(name=name, image_size=size, taxonomy=taxonomy, thresholds=(0.5,) * outputs)
