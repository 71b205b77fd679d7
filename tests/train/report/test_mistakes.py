from __future__ import annotations

import numpy as np
import pytest

from edge_tagger.catalogue.source import Photo
from edge_tagger.evaluate import figures
from edge_tagger.manifest import Manifest
from edge_tagger.measure import Measured
from edge_tagger.taxonomy import Facet, Tag, Taxonomy
from edge_tagger.train.report.mistakes import confusions, galleries


def test_confusions_against_counting_by_hand(measured: Measured) -> None:
    colour, only = confusions(measured)  # no any-of facet
    assert (colour.facet, colour.level, colour.wrong, colour.labelled) == ("colour", "colour", 3, 12)
    assert [(pair.true, pair.said, pair.count) for pair in colour.pairs] == [("Blue", "Red", 2), ("Red", "Blue", 1)]
    surest_first = [photo.place for photo in colour.pairs[0].photos]
    assert surest_first == [measured.photos[11].place, measured.photos[10].place]
    assert (only.wrong, only.labelled, only.pairs) == (0, 12, ())


def test_galleries_show_the_surest_mistakes_first(measured: Measured) -> None:
    colour, details, only = galleries(measured, count=2)
    assert colour.total == 3
    shown = [(mistake.true, mistake.said, mistake.score) for mistake in colour.shown]
    assert shown == [("Blue", "Red", pytest.approx(0.95)), ("Red", "Blue", pytest.approx(0.8))]
    missed, given = details.shown
    assert (missed.missed, missed.true, missed.said, missed.score) == (True, "<b>&", "<b>&", pytest.approx(0.2))
    assert (given.missed, given.true, given.photo) == (False, "none", measured.photos[3])
    assert (only.shown, only.total) == ((), 0)


@pytest.fixture
def levels(photos: list[Photo]) -> Measured:
    """Shoe > Boot; Bag. A photo labelled to the root only, one with a label not learnt, one wrong at both levels, one
    right."""
    tags = (Tag("kind", ("Shoe",)), Tag("kind", ("Bag",)), Tag("kind", ("Shoe", "Boot")))
    taxonomy = Taxonomy((Facet("kind", ("group", "kind")),), tags)
    cells = (("Shoe", ""), ("Shoe", "Clog"), ("Bag", "Tote"), ("Shoe", "Boot"))
    labelled = [
        Photo(photo.path, dict(zip(("group", "kind"), own, strict=True)), photo.place)
        for photo, own in zip(photos, cells, strict=False)
    ]
    scores = np.array([[0.9, 0.1, 0.8], [0.9, 0.1, 0.8], [0.6, 0.2, 0.7], [0.9, 0.1, 0.8]], np.float32)
    return Measured.of("kinds", 10, Manifest("kinds", 8, taxonomy, (0.5,) * 3), labelled, scores)


def test_confusions_are_the_photos_that_top1_calls_wrong(levels: Measured) -> None:
    row = figures([levels])["models"][0]["facets"]["kind"]["levels"]
    for level in confusions(levels):
        assert 1 - level.wrong / level.labelled == pytest.approx(row[level.level]["top1"], abs=1e-6)
    group, kind = confusions(levels)
    assert [(pair.true, pair.said) for pair in group.pairs] == [("Bag", "Shoe")]
    assert [(pair.true, pair.said) for pair in kind.pairs] == [("Clog", "Boot"), ("Tote", "Boot")]


def test_a_photo_stands_once_in_a_gallery_at_its_deepest_wrong_level(levels: Measured) -> None:
    (kind,) = galleries(levels)
    assert [(mistake.true, mistake.said) for mistake in kind.shown] == [("Clog", "Boot"), ("Tote", "Boot")]
    assert kind.shown[1].score == pytest.approx(0.7)
