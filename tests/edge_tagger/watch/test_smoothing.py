"""Smoothing that goes by time, and changes that must last."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge_tagger.tagged import TaggedPhoto, TagScore
from edge_tagger.watch.smoothing import Settled, Smoothing


def scores(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def tag(identity: str, score: float = 0.9) -> TagScore:
    facet, *path = identity.split("/")
    parents = tuple("/".join((facet, *path[:depth])) for depth in range(1, len(path)))
    return TagScore(identity, facet, path[-1], score, 0.5, parents)


def photo(*identities: str, facets: tuple[str, ...] = ("colour", "light"), score: float = 0.9) -> TaggedPhoto:
    return TaggedPhoto(tuple(tag(identity, score) for identity in identities), facets)


def told(tagged: TaggedPhoto) -> list[str]:
    return [each.tag for each in tagged]


@pytest.mark.parametrize("per_s", [2, 10, 100])
def test_smoothing_does_not_depend_on_the_rate(per_s: int) -> None:
    smoothing = Smoothing(1.5)
    smoothing(scores(0, 1), 0)
    for frame in range(1, 3 * per_s + 1):
        mean = smoothing(scores(1, 1), frame / per_s)
    np.testing.assert_allclose(mean, [1 - math.exp(-3 / 1.5), 1], rtol=1e-5)


def test_no_smoothing_gives_the_scores_and_the_first_frame_counts_in_full() -> None:
    smoothing = Smoothing(0)
    for value in (0.2, 0.9):
        assert smoothing(scores(value), value) == scores(value)
    assert Smoothing(5)(scores(0.7), 100) == scores(0.7)


def test_smoothing_leaves_the_scores_that_it_is_given_alone() -> None:
    smoothing, first = Smoothing(1), scores(0.5)
    smoothing(first, 0)
    smoothing(scores(1), 1)
    assert first == scores(0.5)


def test_after_a_long_gap_old_scores_count_for_nothing() -> None:
    smoothing = Smoothing(1)
    smoothing(scores(0), 0)
    assert smoothing(scores(1), 60) == pytest.approx(1)


@pytest.mark.parametrize("seconds", [-1.0, math.inf, math.nan])
@pytest.mark.parametrize("kind", [Smoothing, Settled])
def test_seconds_that_cannot_be_are_refused(kind: type, seconds: float) -> None:
    with pytest.raises(ValueError, match="give 0 or more"):
        kind(seconds)


def test_a_change_is_told_when_it_has_lasted() -> None:
    settled = Settled(0.5)
    red, blue = photo("colour/Red"), photo("colour/Blue")
    assert settled(red, 0.0) == (red, True)
    assert settled(blue, 0.1) == (red, False)
    assert settled(blue, 0.5) == (red, False)
    assert settled(blue, 0.6) == (blue, True)
    assert settled(blue, 0.7) == (blue, False)


def test_what_comes_and_goes_is_never_told() -> None:
    settled = Settled(0.5)
    settled(photo("colour/Red"), 0)
    for frame in range(1, 100):
        answer, changed = settled(photo("colour/Blue" if frame % 4 else "colour/Red"), frame / 10)
        assert (told(answer), changed) == (["colour/Red"], False)


def test_a_facet_that_flickers_does_not_hold_up_another() -> None:
    settled = Settled(0.3)
    settled(photo("colour/Red", "light/bright"), 0)
    for frame in range(1, 20):
        answer, _ = settled(photo("colour/Blue", "light/dark" if frame % 2 else "light/bright"), frame / 10)
    assert told(answer) == ["colour/Blue", "light/bright"]


def test_an_exclusive_facet_gives_one_path_at_any_time() -> None:
    settled = Settled(0.2)
    random = np.random.default_rng(0)
    paths = [("colour/Warm", "colour/Warm/Red"), ("colour/Warm",), ("colour/Cool", "colour/Cool/Blue"), ()]
    seen = set()
    for frame in range(400):
        answer, _ = settled(photo(*paths[random.integers(4)]), frame / 10)
        assert tuple(told(answer)) in paths
        seen.add(tuple(told(answer)))
    assert len(seen) == 4


def test_tags_of_a_facet_with_several_answers_settle_each_on_its_own() -> None:
    settled = Settled(0.3)
    settled(photo("details/pocket"), 0)
    for frame in range(1, 12):
        flicker = ["details/stripe"] if frame % 2 else []
        answer, _ = settled(photo("details/pocket", "details/zip", *flicker), frame / 10)
    assert told(answer) == ["details/pocket", "details/zip"]


def test_scores_are_the_newest_of_the_tags_that_are_told() -> None:
    settled = Settled(0.5)
    settled(photo("colour/Red", score=0.6), 0)
    assert settled(photo("colour/Red", score=0.7), 0.1)[0].tags[0].score == 0.7
    assert settled(photo("colour/Blue", score=0.9), 0.2)[0].tags[0].score == 0.7


def test_labels_without_facets_stand_by_their_scores() -> None:
    settled = Settled(0)
    settled(photo("label/cat", facets=()), 0)
    both = TaggedPhoto((tag("label/dog", 0.9), tag("label/cat", 0.4)), ())
    assert told(settled(both, 1)[0]) == ["label/dog", "label/cat"]
