"""From a vector of scores to the tags of a photo. No model needed.

The code in android_assets/ and the bundle for the Pi decode in the same way: all are held to
tests/data/golden_decoding.json.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from edge_tagger.errors import ModelError
from edge_tagger.heads import Head
from edge_tagger.manifest import Manifest
from edge_tagger.options import ALL, Options
from edge_tagger.tagged import TaggedPhoto, TagScore
from edge_tagger.taxonomy import Scores, Tag, Taxonomy

LABEL_FACET = "label"
_MOST = 1.001  # 255 steps of 1/255 as float32 are a little more than 1
_BEST = 5  # labels that are given where neither max_results nor score_threshold says otherwise


def decode(scores: Scores, manifest: Manifest) -> TaggedPhoto:
    """The tags that scores, float32 [N] in the manifest's order, stand for. To decode many, make a Decoder."""
    return Decoder(manifest)(scores)


class Decoder:
    """Decodes the scores of a model with a manifest; what does not depend on the photo is worked out once.

    `facets` are the names of those that have a tag left. Raises ModelError where the model, which messages call
    `model`, lacks what the options name.
    """

    def __init__(self, manifest: Manifest, options: Options = ALL, *, model: str = "the model") -> None:
        tags, facets = manifest.taxonomy.tags, manifest.taxonomy.facets
        names = options.display_names(manifest, model)
        self._model, self._num_scores = model, len(tags)
        self._kept = kept = options.kept([tag.id for tag in tags], model)
        if len(kept) < len(tags):
            tags = tuple(tags[place] for place in kept)
            left = {tag.facet for tag in tags}
            facets = tuple(facet for facet in facets if facet.name in left)
        self._taxonomy = Taxonomy(facets, tags)
        self.facets = tuple(facet.name for facet in facets)
        thresholds = [manifest.thresholds[place] for place in kept]
        if options.score_threshold is not None:
            thresholds = [float(options.score_threshold)] * len(kept)
        self._thresholds = np.array(thresholds, np.float32)
        self._max_results = options.max_results
        self._exclusive = tuple(facet.name for facet in facets if facet.exclusive)
        self._known = [
            (tag.id, tag.facet, names.get(tag.id, tag.name), threshold, _parents(tag))
            for tag, threshold in zip(tags, thresholds, strict=True)
        ]

    def __call__(self, scores: Scores) -> TaggedPhoto:
        """The tags for float32 [N] in the manifest's order. Raises ValueError for another shape, ModelError for a tag
        whose score is more than 1."""
        if scores.shape != (self._num_scores,):
            raise ValueError(f"scores are {list(scores.shape)}, and the manifest has {self._num_scores} tags")
        if len(self._kept) < self._num_scores:
            scores = scores[self._kept]
        lifted = self._taxonomy.consistent(scores)
        places = self._taxonomy.answer(scores, lifted >= self._thresholds)
        if self._max_results is not None:
            # A parent scores no less than its children and stands before them: it is never cut before them.
            best = sorted(places, key=lambda place: (-lifted[place], place))[: self._max_results]
            places = sorted(best)
        tags = []
        for place in places:
            tag, facet, name, threshold, parents = self._known[place]
            score = float(lifted[place])
            if score > _MOST:  # looking at all scores takes longer, and a low one is no answer anyway
                raise ModelError(
                    f"{self._model} gives {tag} the score {score:.4g}, and scores of a manifest lie in 0..1; it is "
                    "damaged or lacks its sigmoid; convert it again"
                )
            tags.append(TagScore(tag, facet, name, score, threshold, parents))
        return TaggedPhoto(tuple(tags), self._exclusive)


class LabelDecoder:
    """Decodes the scores of a model that has labels and no manifest: the best of them, the highest first.

    Without max_results and score_threshold these are five; with score_threshold alone, all that reach it. Raw logits
    pass through softmax, output by output, and one alone through a sigmoid, so that they lie in 0..1 as others do; what
    the graph shows to be probabilities stays as it is (edge_tagger.heads). Raises ModelError as Decoder.
    """

    def __init__(self, labels: Sequence[str], heads: Sequence[Head], options: Options, *, model: str) -> None:
        identities = [Tag(LABEL_FACET, (label,)).id for label in labels]
        of_label = dict(zip(labels, identities, strict=True))  # allow and deny may name a label as its file does
        asked = replace(
            options,
            allow=tuple(of_label.get(entry, entry) for entry in options.allow),
            deny=tuple(of_label.get(entry, entry) for entry in options.deny),
        )
        if options.locale is not None:
            raise ModelError(f"{model} has no display names, so none for {options.locale!r}; leave the locale out")
        self._tags = [(identity, LABEL_FACET, label) for identity, label in zip(identities, labels, strict=True)]
        self._kept = np.array(asked.kept(identities, model), np.intp)
        self._makers = [(head.scores, maker) for head in heads if (maker := _probabilities_of(head)) is not None]
        self._threshold = options.score_threshold
        self._max_results = options.max_results
        self.facets = (LABEL_FACET,)
        if self._max_results is None and self._threshold is None:
            self._max_results = _BEST

    def __call__(self, scores: Scores) -> TaggedPhoto:
        """The labels for float32 [N] in their order."""
        if self._makers:
            scores = scores.copy()
            for own, make in self._makers:
                scores[own] = make(scores[own])
        best = self._kept[np.argsort(-scores[self._kept], kind="stable")]
        if self._threshold is not None:
            best = best[scores[best] >= np.float32(self._threshold)]
        return TaggedPhoto(tuple(self._tag_score(place, scores) for place in best[: self._max_results].tolist()))

    def _tag_score(self, place: int, scores: Scores) -> TagScore:
        tag, facet, name = self._tags[place]
        return TagScore(tag, facet, name, float(scores[place]), self._threshold, ())


def _probabilities_of(head: Head) -> Callable[[Scores], Scores] | None:
    """What turns the scores of a head into probabilities; None where they are."""
    if head.activation == "log_softmax":
        return np.exp
    if head.activation == "none":
        return _sigmoid if head.scores.stop - head.scores.start == 1 else _softmax
    return None if head.largest == 1 else lambda scores: np.asarray(scores / head.largest, np.float32)


def _sigmoid(logits: Scores) -> Scores:
    """Of one output alone softmax would always be 1."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -80, 80))), np.float32)


def _softmax(logits: Scores) -> Scores:
    powers = np.exp(logits - logits.max())
    probabilities: Scores = powers / powers.sum()
    return probabilities


def _parents(tag: Tag) -> tuple[str, ...]:
    return tuple(Tag(tag.facet, tag.path[:depth]).id for depth in range(1, len(tag.path)))
