"""The face of the library: a photo in, its tags out."""

from __future__ import annotations

import os
import warnings
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from edge_tagger.errors import ModelError
from edge_tagger.images import PhotoLike, load_resized
from edge_tagger.interpreter import Model
from edge_tagger.labels_file import read_labels
from edge_tagger.manifest import Manifest, is_intact, read_manifest
from edge_tagger.taxonomy import Scores, Tag

DEFAULT_MODEL = "product-tagger-int8.tflite"
LABEL_FACET = "label"
_TOP = 5


@dataclass(frozen=True)
class TagScore:
    """One tag of a photo: `tag` is its identity, `parents` the identities above it from the broadest on.

    `score` (0..1) is at least that of each tag below it. `threshold` is None where the model has none.
    """

    tag: str
    facet: str
    name: str
    score: float
    threshold: float | None
    parents: tuple[str, ...]


@dataclass(frozen=True)
class TaggedPhoto:
    """The tags of one photo: facet by facet in the model's order, parents first; by score where there are no facets."""

    tags: tuple[TagScore, ...]

    def path(self, facet: str) -> tuple[TagScore, ...]:
        """The tags of one facet; of an exclusive facet, its path from the broadest on. Empty where nothing was sure."""
        return tuple(tag for tag in self.tags if tag.facet == facet)

    def to_json(self) -> dict[str, Any]:
        """{"tags": [{"tag", "facet", "name", "score", "threshold", "parents"}]}, plain JSON values."""
        return {"tags": [{**asdict(tag), "parents": list(tag.parents)} for tag in self.tags]}

    def __str__(self) -> str:
        """One line for each tag that has no tag of the photo below it: its path and score."""
        inner = {parent for tag in self.tags for parent in tag.parents}
        width = max((len(tag.facet) for tag in self.tags), default=0)
        lines = [
            f"{tag.facet:{width}}  {' > '.join(Tag.from_id(tag.tag).path)}  {tag.score:.2f}"
            for tag in self.tags
            if tag.tag not in inner
        ]
        return "\n".join(lines) or "no tag is sure enough"


class Tagger:
    """Tags photos with a `.tflite`: the packaged one, one that edge-tagger wrote, or any classifier with `labels`.

    `labels` is a text file with one label a line, in output order; it stands in for the manifest, and the answer is
    then the five best labels. Use as a context manager, or call :meth:`close`. Raises ModelError where the file is no
    classifier, its manifest does not fit it, or the labels do not; ManifestError where it has no manifest.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes | None = None,
        *,
        labels: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        source = _packaged_model() if model is None else model
        self._model: Model | None = Model(source, threads=threads)
        self.manifest: Manifest | None = None
        self.labels: tuple[str, ...] = ()
        if labels is not None:
            self.labels = read_labels(Path(labels), self._model.num_scores, self._model.name)
            return
        self.manifest = read_manifest(source)
        _check_fit(self._model, self.manifest)
        if not is_intact(self._model.data, self.manifest):
            warnings.warn(
                f"{self._model.name} was rewritten after its manifest was made; its scores and thresholds may be off; "
                "convert it again",
                stacklevel=2,
            )

    @property
    def model(self) -> Model:
        """The model in memory. Raises ModelError after :meth:`close`."""
        if self._model is None:
            raise ModelError("this Tagger is closed; make a new one")
        return self._model

    def scores(self, photo: PhotoLike) -> Scores:
        """float32 [N]: the model's scores as they are, dequantized, undecoded, in output order. Raises PhotoError."""
        return self.model.scores(load_resized(photo, self.model.input_size))

    def tag(self, photo: PhotoLike) -> TaggedPhoto:
        """The tags of a photo: a path, encoded bytes, or a uint8 RGB array [H, W, 3]. Raises PhotoError."""
        scores = self.scores(photo)
        if self.manifest is None:
            best = np.argsort(-scores, kind="stable")[:_TOP]
            return TaggedPhoto(
                tuple(_tag_score(Tag(LABEL_FACET, (self.labels[place],)), scores[place], None) for place in best)
            )
        return decode(scores, self.manifest)

    def close(self) -> None:
        """Let go of the model's memory."""
        self._model = None

    def __enter__(self) -> Tagger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def decode(scores: Scores, manifest: Manifest) -> TaggedPhoto:
    """The tags that scores, float32 [N] in the manifest's order, stand for. No model needed.

    android_assets/ and the bundle for the Pi decode the same way; tests/data/golden_decoding.json holds all to it.
    """
    taxonomy, thresholds = manifest.taxonomy, manifest.thresholds
    lifted = taxonomy.consistent(scores)
    places = taxonomy.decode(scores, np.asarray(thresholds, dtype=np.float32))
    return TaggedPhoto(tuple(_tag_score(taxonomy.tags[p], lifted[p], thresholds[p]) for p in places))


def _tag_score(tag: Tag, score: np.float32, threshold: float | None) -> TagScore:
    parents = tuple(Tag(tag.facet, tag.path[:depth]).id for depth in range(1, len(tag.path)))
    return TagScore(tag.id, tag.facet, tag.name, float(score), threshold, parents)


def _packaged_model() -> str | bytes:
    file = resources.files("edge_tagger.models").joinpath(DEFAULT_MODEL)
    if not file.is_file():
        raise ModelError(f"this installation has no packaged model ({DEFAULT_MODEL}); name a .tflite file")
    # A path names itself in messages; inside a zip there are only bytes.
    return str(file) if isinstance(file, Path) else file.read_bytes()


def _check_fit(model: Model, manifest: Manifest) -> None:
    if model.num_scores != len(manifest.taxonomy):
        raise ModelError(
            f"{model.name} gives {model.num_scores} scores and its manifest names {len(manifest.taxonomy)} tags; "
            "convert the model again"
        )
    if model.input_size != manifest.image_size:
        raise ModelError(
            f"{model.name} takes {model.input_size} px and its manifest says {manifest.image_size} px; "
            "convert the model again"
        )
