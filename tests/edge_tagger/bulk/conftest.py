"""Records without a model, and journals of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_tagger.bulk.journal import Journal
from edge_tagger.bulk.record import Record, Stamp
from edge_tagger.tagged import TaggedPhoto, TagScore
from edge_tagger.taxonomy import Tag

FACETS = ("category", "colour", "gender")


@pytest.fixture(scope="session")
def record() -> Callable[..., Record]:
    """The record of a photo with the tags of some identities, all parents among them."""

    def make(*identities: str, score: float = 0.95) -> Record:
        tags = tuple(_tag(identity, score) for identity in identities)
        return Record(Stamp(1, 2), TaggedPhoto(tags, FACETS))

    return make


def _tag(identity: str, score: float) -> TagScore:
    tag, parents = Tag.from_id(identity), list[str]()
    above = tag.parent
    while above is not None:
        parents.insert(0, above.id)
        above = above.parent
    return TagScore(identity, tag.facet, tag.name, score, 0.5, tuple(parents))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal", {}, tell=print) as opened:
        yield opened
