"""A small taxonomy with awkward names, and photos tagged in it without a model."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edge_tagger.shops.mapping import TaxonomyMapping
from edge_tagger.tagged import TaggedPhoto, TagScore
from edge_tagger.taxonomy import Facet, Tag, Taxonomy

FACETS = ("category", "colour", "gender")
TAGS = (
    "category/Footwear",
    "category/Footwear/Shoes",
    "category/Footwear/Shoes/Sports Shoes",
    "category/Bags, Wallets",
    'category/Bags, Wallets/12" Case',
    "colour/Black",
    "colour/Black/Black",
    "colour/Blue",
    "colour/Multi",
    "gender/Boys",
    "gender/Men",
    "gender/Unisex",
)


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return Taxonomy(tuple(Facet(name, (name,)) for name in FACETS), tuple(map(Tag.from_id, TAGS)))


@pytest.fixture(scope="session")
def mapping() -> TaxonomyMapping:
    return TaxonomyMapping.read()


@pytest.fixture(scope="session")
def tagged() -> Callable[..., TaggedPhoto]:
    """The photo with the tags of some identities and those above them; `score` holds for all."""

    def make(*identities: str, score: float = 0.95) -> TaggedPhoto:
        found: dict[str, TagScore] = {}
        for identity in identities:
            here: Tag | None = Tag.from_id(identity)
            line: list[Tag] = []
            while here is not None:
                line.insert(0, here)
                here = here.parent
            for place, tag in enumerate(line):
                parents = tuple(above.id for above in line[:place])
                found[tag.id] = TagScore(tag.id, tag.facet, tag.name, score, 0.5, parents)
        return TaggedPhoto(tuple(found.values()), FACETS)

    return make
