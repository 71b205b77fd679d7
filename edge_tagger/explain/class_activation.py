"""Class activation maps: which places of a photo speak for a tag."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from edge_tagger.errors import ModelError
from edge_tagger.explain.feature_maps import FeatureMaps, contributions
from edge_tagger.explain.graph import Graph, Values
from edge_tagger.explain.overlay import lay_over
from edge_tagger.explain.tag_names import find_tag
from edge_tagger.images import Pixels
from edge_tagger.interpreter import Model
from edge_tagger.runtimes import first_line
from edge_tagger.taxonomy import Scores, Tag


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a photo got the score of one tag.

    `map` float32 [h, w] is the class activation map (Zhou et al., 2016), in logits: how much each place adds to
    `logit`, from which the model makes `score` (its own, before a parent takes the highest score below it). For heads
    that are more than pooling and one layer it is HiResCAM (Draelos and Carin, 2020), gradient times activation, on
    the coarsest feature map's grid. All places and the biases add up to the logit.

    `background` [h, w] is the same of a photo that is empty but for the colour of this one's border, with this photo's
    gradients. `heat`, the difference, is what the overlay shows: much of a map is said by an empty place as well.
    """

    tag: str
    score: float
    logit: float
    map: Values
    background: Values

    @property
    def heat(self) -> Values:
        """float32 [h, w]: what each place says for the tag (> 0) or against it, compared with an empty place."""
        return self.map - self.background

    def overlay(self, photo: Pixels) -> Pixels:
        """uint8 [H, W, 3]: an RGB photo of any size with the places that speak for the tag coloured."""
        return lay_over(photo, self.heat)


class Explainer:
    """Explains the scores of a model, whose tags stand in output order, with a second interpreter of it.

    May be shared between threads; calls wait in turn. Raises ModelError for a model without feature maps.
    """

    def __init__(self, model: Model, tags: Sequence[Tag]) -> None:
        self._tags = tuple(tags)
        self._graph = Graph(model)
        with _traced(model.name):
            self._maps = FeatureMaps(self._graph)
        self._lock = threading.Lock()

    def explain(self, pixels: Pixels, typed: Sequence[str] = ()) -> tuple[Explanation, ...]:
        """Explanations of tags, identities or display names, for uint8 [S, S, 3] RGB as the model takes it; without
        any, of each facet's best. Raises ModelError for an unknown tag, and for a head that cannot be traced."""
        named = [find_tag(self._tags, each, self._graph.name) for each in typed]
        with self._lock, _traced(self._graph.name):
            self._graph.run(_empty(pixels))
            background = self._maps.activations()
            self._graph.run(pixels)
            scores = self._graph.scores()
            order = np.argsort(-scores, kind="stable")
            best: dict[str, Tag] = {}
            for place in order:
                best.setdefault(self._tags[place].facet, self._tags[place])
            # Labels of others may stand twice; the better score is what an answer shows.
            places = [next(p for p in order if self._tags[p] == tag) for tag in named or best.values()]
            return tuple(self._explanation(int(place), scores, background) for place in places)

    def _explanation(self, place: int, scores: Scores, background: dict[int, Values]) -> Explanation:
        tensor, chosen = self._maps.logit(place)
        gradients = self._maps.gradients(tensor, chosen)
        if not gradients:
            raise ValueError("no feature map leads to the score")
        explanation = Explanation(
            tag=self._tags[place].id,
            score=float(scores[place]),
            logit=float((self._graph.value(tensor) * chosen).sum()),
            map=contributions(gradients, self._maps.activations()),
            background=contributions(gradients, background),
        )
        if not np.isfinite(explanation.heat).all():
            raise ValueError("what its feature maps add is not finite")
        return explanation


@contextmanager
def _traced(name: str) -> Iterator[None]:
    """Around what follows the operators of a file that others made: their shapes need not fit what they stand for."""
    try:
        with np.errstate(all="ignore"):  # a damaged scale may be as large as floats go
            yield
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ModelError(f"{name} cannot be explained: its operators do not fit ({first_line(error)})") from error


def _empty(pixels: Pixels) -> Pixels:
    """A photo of the same size in the colour of its border."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return np.broadcast_to(np.median(border, axis=0).astype(np.uint8), pixels.shape)
