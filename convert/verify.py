"""A converted file held against the model that it was made from, in LiteRT, on photos, before it gets its name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.catalogue.labels import NEGATIVE, POSITIVE, UNKNOWN, Targets
from edge_tagger.convert.keras_file import brief
from edge_tagger.convert.lite import tensorflow
from edge_tagger.convert.quiet import quiet
from edge_tagger.convert.representative import evenly
from edge_tagger.convert.sources import Source
from edge_tagger.convert.utf8_path import utf8_path
from edge_tagger.errors import ModelError, RunError
from edge_tagger.images import Pixels, load_resized
from edge_tagger.interpreter import Model
from edge_tagger.manifest import Manifest
from edge_tagger.metrics import macro_map
from edge_tagger.progress import Progress
from edge_tagger.taxonomy import Facet, Scores

MAX_PHOTOS = 1000
LEAST_AGREEMENT = 0.9  # of a facet's answers, where there are no labels
_OUTSIDE = 1e-3  # of 0..1: rounding of a float32 softmax


@dataclass(frozen=True, eq=False)
class Reference:
    """Photos uint8 [n, S, S, 3], the source model's scores float32 [n, N] and targets int8 [n, N]. Where `labelled`
    these are labels of validation photos; elsewhere they are the source model's own answers."""

    photos: Pixels
    scores: Scores
    targets: Targets
    labelled: bool

    def thinned(self, count: int, manifest: Manifest) -> Reference:
        """At most `count` of the photos, evenly taken. Few have too few labels, and become unlabelled."""
        if count >= len(self.photos):
            return self
        chosen = evenly(len(self.photos), count)
        return unlabelled(manifest, self.photos[chosen], self.scores[chosen])


@dataclass(frozen=True)
class Verification:
    """`agreement` is the share of photos with the same answer, by facet: the same path where it is exclusive, the same
    tags above their thresholds elsewhere. Differences are between scores, 0..1. `map_drop_points` is by how much macro
    mAP is below the source model's, in points of 100; None where no photo can tell."""

    photos: int
    labelled: bool
    agreement: dict[str, float]
    mean_difference: float
    worst_difference: float
    map_drop_points: float | None

    def to_json(self) -> dict[str, Any]:
        """For the manifest, rounded."""
        return {
            "photos": self.photos,
            "labelled": self.labelled,
            "agreement": {facet: round(share, 4) for facet, share in self.agreement.items()},
            "mean_difference": round(self.mean_difference, 6),
            "worst_difference": round(self.worst_difference, 6),
            "map_drop_points": None if self.map_drop_points is None else round(self.map_drop_points, 3),
        }

    def problem(self, max_drop: float) -> str | None:
        """What is wrong with the file, in words; None where nothing is. Without labels a file that gives all photos the
        same answer could keep its macro mAP, and labels that name no tag give none: answers are counted then."""
        if self.map_drop_points is not None and not self.map_drop_points <= max_drop:
            return f"macro mAP falls by {self.map_drop_points:.2f} points, more than {max_drop:g}"
        facet = min(self.agreement, key=lambda name: self.agreement[name])
        labelled = self.labelled and self.map_drop_points is not None
        if not labelled and self.agreement[facet] < LEAST_AGREEMENT:
            return (
                f"{facet!r} has the source model's answer for {self.agreement[facet]:.1%} of the photos, less than "
                f"{LEAST_AGREEMENT:.0%}"
            )
        return None

    def __str__(self) -> str:
        agreement = ", ".join(f"{facet} {100 * share:.1f}" for facet, share in self.agreement.items())
        truth = "labels" if self.labelled else "the source model's own answers"
        change = "unknown" if self.map_drop_points is None else f"{round(-self.map_drop_points, 2) + 0.0:+.2f} points"
        return (
            f"{self.photos} photos: same answer % {agreement}; scores differ by {self.mean_difference:.4f}, at most "
            f"{self.worst_difference:.3f}; macro mAP against {truth} {change}"
        )


def read_reference(source: Source) -> Reference:
    """Run the source model on the representative photos and up to 1,000 of the validation split.

    Raises ModelError where there are no photos at all, or scores are no numbers in 0..1.
    """
    size, tags = source.manifest.image_size, len(source.manifest.taxonomy)
    sets: list[Pixels] = [] if source.representative is None else [source.representative.photos]
    targets = [np.full((len(photos), tags), UNKNOWN, np.int8) for photos in sets]
    if source.validation is not None:
        found = source.validation
        chosen = evenly(len(found.paths), MAX_PHOTOS)
        sets.append(np.stack([load_resized(found.paths[place], size) for place in chosen]))
        targets.append(found.targets[chosen])
    if not sets:
        raise ModelError(f"{source.path} brings no photos to verify the files with; add --representative DIR or CSV")
    photos, labels = np.concatenate(sets), np.concatenate(targets)
    scores = _source_scores(source, photos)
    if not np.isfinite(scores).all():
        raise ModelError(f"{source.path} gives scores that are not finite: its weights are damaged; train it again")
    if scores.min() < -_OUTSIDE or scores.max() > 1 + _OUTSIDE:
        raise ModelError(
            f"{source.path} gives scores from {scores.min():.3g} to {scores.max():.3g}; they must lie in 0..1: end the "
            "model in a sigmoid or softmax"
        )
    if source.validation is not None:
        return Reference(photos, scores, labels, labelled=True)
    return unlabelled(source.manifest, photos, scores)


def unlabelled(manifest: Manifest, photos: Pixels, scores: Scores) -> Reference:
    """A reference whose truth is what the source model answers."""
    own = np.full(scores.shape, NEGATIVE, np.int8)
    for row, vector in zip(own, scores, strict=True):
        row[_answers(manifest, vector)] = POSITIVE
    return Reference(photos, scores, own, labelled=False)


def verify(data: bytes, manifest: Manifest, reference: Reference, *, label: str = "verify") -> Verification:
    """Run the file of `data` in LiteRT on the reference's photos. Raises ModelError where it breaks down."""
    model = Model(data, threads=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    with Progress(len(reference.photos), label, unit="photo") as bar:
        rows = []
        for photo in reference.photos:
            rows.append(model.scores(photo))
            bar.update()
    scores = np.stack(rows)
    difference = np.abs(scores - reference.scores)
    before, after = (macro_map(reference.targets, each) for each in (reference.scores, scores))
    return Verification(
        photos=len(scores),
        labelled=reference.labelled,
        agreement={
            facet.name: _agreement(manifest, facet, reference.scores, scores) for facet in manifest.taxonomy.facets
        },
        mean_difference=float(difference.mean()),
        worst_difference=float(difference.max()),
        map_drop_points=None if before is None or after is None else 100 * (before - after),
    )


def _agreement(manifest: Manifest, facet: Facet, first: Scores, second: Scores) -> float:
    taxonomy = manifest.taxonomy
    if facet.exclusive:
        same = [
            taxonomy.best_path(facet.name, a) == taxonomy.best_path(facet.name, b)
            for a, b in zip(first, second, strict=True)
        ]
        return float(np.mean(same))
    own, thresholds = taxonomy.places(facet.name), _thresholds(manifest)
    above = [taxonomy.consistent(scores)[:, own] >= thresholds[own] for scores in (first, second)]
    return float((above[0] == above[1]).all(axis=1).mean())


def _answers(manifest: Manifest, scores: Scores) -> list[int]:
    """The best path of each exclusive facet, and the tags above their thresholds of the others."""
    taxonomy = manifest.taxonomy
    exclusive = {facet.name for facet in taxonomy.facets if facet.exclusive}
    best = [place for name in exclusive for place in taxonomy.best_path(name, scores)]
    decoded = taxonomy.decode(scores, _thresholds(manifest))
    return [*best, *(place for place in decoded if taxonomy.tags[place].facet not in exclusive)]


def _thresholds(manifest: Manifest) -> NDArray[np.float32]:
    return np.asarray(manifest.thresholds, dtype=np.float32)


def _source_scores(source: Source, photos: Pixels) -> Scores:
    tf = tensorflow()
    with quiet():
        try:
            with utf8_path(source.float_model) as path:
                model = tf.saved_model.load(path)
            serve = model.signatures["serving_default"]
            serve(image=tf.constant(photos[:1], tf.float32))["scores"]
        except Exception as error:  # TensorFlow's own are no OSError
            raise RunError(
                f"the model {source.float_model} cannot be loaded ({brief(error)}); delete it and finish the run with "
                "`edge-tagger train --resume`"
            ) from error
    rows = []
    with Progress(len(photos), "verify: source model", unit="photo") as bar:
        for photo in photos:
            rows.append(serve(image=tf.constant(photo[None], tf.float32))["scores"].numpy()[0])
            bar.update()
    scores: Scores = np.stack(rows)
    return scores
