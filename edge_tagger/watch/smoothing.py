"""An answer that does not flicker: scores smoothed over time, and changes that must last before they are told."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

from edge_tagger.tagged import TaggedPhoto, TagScore
from edge_tagger.taxonomy import Scores, Tag

Key: TypeAlias = tuple[str, str]
Tags: TypeAlias = tuple[TagScore, ...]


class Smoothing:
    """The exponential mean of scores over time: after `seconds` a frame weighs 1/e of what it did; 0 smooths nothing.

    It goes by the frames' times, not by their number: a fast and a slow camera give the same curve.
    """

    def __init__(self, seconds: float) -> None:
        if not (seconds >= 0 and math.isfinite(seconds)):
            raise ValueError(f"seconds of smoothing are {seconds}; give 0 or more")
        self._seconds = seconds
        self._mean: Scores | None = None
        self._at_s = 0.0

    def __call__(self, scores: Scores, at_s: float) -> Scores:
        """float32 [N]: the mean with these scores, of a frame at `at_s` seconds."""
        passed_s, self._at_s = max(0.0, at_s - self._at_s), at_s
        if self._mean is None or self._seconds == 0:
            self._mean = scores
        else:
            new = np.float32(1 - math.exp(-passed_s / self._seconds))
            self._mean = self._mean + new * (scores - self._mean)
        return self._mean


class Settled:
    """Tells a change only once it has lasted: hysteresis in time, which leaves thresholds as the model has them.

    An exclusive facet changes as a whole, so that it always gives one path; of other facets each tag with what is below
    it changes on its own. What has lasted `seconds` in one frame after the other is told; the first answer at once.
    """

    def __init__(self, seconds: float) -> None:
        if not (seconds >= 0 and math.isfinite(seconds)):
            raise ValueError(f"seconds that a change must last are {seconds}; give 0 or more")
        self._seconds = seconds
        self._told: dict[Key, Tags] | None = None
        self._since: dict[Key, tuple[frozenset[str], float]] = {}

    def __call__(self, tagged: TaggedPhoto, at_s: float) -> tuple[TaggedPhoto, bool]:
        """The settled answer, with the newest scores that there are of its tags; and whether other tags are told than
        before."""
        now = _parts(tagged)
        if self._told is None:
            self._told = now
            return tagged, True
        changed = False
        for key in {**self._told, **now, **self._since}:
            new, old = now.get(key, ()), self._told.get(key, ())
            if _names(new) == _names(old):
                self._since.pop(key, None)
            else:
                wanted, since_s = self._since.get(key, (None, at_s))
                if wanted != _names(new):
                    since_s = at_s
                self._since[key] = _names(new), since_s
                if at_s - since_s < self._seconds:
                    continue
                del self._since[key]
                changed = True
            self._told[key] = new
        return self._answer(tagged), changed

    def _answer(self, tagged: TaggedPhoto) -> TaggedPhoto:
        assert self._told is not None
        self._told = {key: tags for key, tags in self._told.items() if tags}
        places = {facet: place for place, facet in enumerate(tagged.facets)}
        parts = sorted(self._told.items(), key=lambda part: places.get(part[0][0], len(places)))
        if not places:  # a model with labels alone: the best first
            parts.sort(key=lambda part: -part[1][0].score)
        return TaggedPhoto(tuple(tag for _, tags in parts for tag in tags), tagged.facets)


def _parts(tagged: TaggedPhoto) -> dict[Key, Tags]:
    """(facet, "") -> the path of an exclusive facet; (facet, root) -> the tags of another one below one root."""
    parts: dict[Key, Tags] = {}
    for tag in tagged:
        root = "" if tag.facet in tagged.facets else Tag.from_id(tag.tag).path[0]
        key = tag.facet, root
        parts[key] = (*parts.get(key, ()), tag)
    return parts


def _names(tags: Iterable[TagScore]) -> frozenset[str]:
    return frozenset(tag.tag for tag in tags)
