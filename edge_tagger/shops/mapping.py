"""A model's tags in the words of Shopify and Google, from a TOML file that users can replace."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge_tagger.errors import MappingError
from edge_tagger.reading import read_toml, reason
from edge_tagger.strict_toml import section
from edge_tagger.tagged import TaggedPhoto, TagScore
from edge_tagger.taxonomy import Tag, Taxonomy

BUILT_IN = Path(__file__).with_name("mapping.toml")
# Source: support.google.com/merchants/answer/6324479 (gender) and 6324463 (age_group).
GENDERS = ("male", "female", "unisex")
AGE_GROUPS = ("newborn", "infant", "toddler", "kids", "adult")
_GID, _NUMBER = re.compile(r"gid://shopify/TaxonomyCategory/[a-z0-9-]+"), re.compile(r"[0-9]+")


@dataclass(frozen=True)
class Category:
    """One line of a published list: its id, and its path with " > " between the names."""

    id: str
    path: str


@dataclass(frozen=True)
class Categories:
    """One published list, its `version`, and the categories that tags' identities have in it."""

    version: str
    categories: Mapping[str, Category]

    def __post_init__(self) -> None:
        paths: dict[str, str] = {}
        for identity, category in self.categories.items():
            Tag.from_id(identity)
            if not all(name and name == name.strip() for name in category.path.split(" > ")):
                raise ValueError(f"the path of {identity!r} is {category.path!r}; write A > B > C")
            if paths.setdefault(category.id, category.path) != category.path:
                raise ValueError(
                    f"{identity!r} gives category {category.id} the path {category.path!r}, and another tag gives it "
                    f"{paths[category.id]!r}; copy the one from the published list"
                )

    def of(self, tagged: TaggedPhoto, facet: str) -> Category | None:
        """The category of a photo's deepest tag in `facet`, or of the nearest tag above it that has one."""
        tag = deepest(tagged, facet)
        return None if tag is None else self.nearest((tag.tag, *reversed(tag.parents)))

    def nearest(self, identities: Iterable[str]) -> Category | None:
        """The category of the first of `identities` that has one."""
        return next((self.categories[identity] for identity in identities if identity in self.categories), None)

    def unmapped(self, taxonomy: Taxonomy, facet: str) -> list[str]:
        """Identities of the facet's tags that get no category, not even from a tag above them."""
        return [tag.id for tag in taxonomy.tags if tag.facet == facet and self.nearest(_upwards(tag)) is None]


@dataclass(frozen=True)
class Facets:
    """Which of the model's facets say what a product is, what colour it has and whom it is for."""

    category: str = "category"
    colour: str = "colour"
    gender: str = "gender"


@dataclass(frozen=True)
class Audience:
    """Google's `gender` and `age_group` of a tag; None where the tag does not tell."""

    gender: str | None = None
    age_group: str | None = None


@dataclass(frozen=True)
class TaxonomyMapping:
    """A mapping file. `colours` are what Google gets instead of a tag's name; blank where a tag names no colour."""

    shopify: Categories
    google: Categories
    audience: Mapping[str, Audience] = field(default_factory=dict)
    colours: Mapping[str, str] = field(default_factory=dict)
    facets: Facets = field(default_factory=Facets)

    def __post_init__(self) -> None:
        for shop, pattern, example in (
            (self.shopify, _GID, "gid://shopify/TaxonomyCategory/aa-1"),
            (self.google, _NUMBER, "1604"),
        ):
            for identity, category in shop.categories.items():
                if not pattern.fullmatch(category.id):
                    raise ValueError(f"the id of {identity!r} is {category.id!r}; ids of that list look like {example}")
        for identity, audience in self.audience.items():
            Tag.from_id(identity)
            _check(f"the gender of {identity!r}", audience.gender, GENDERS)
            _check(f"the age_group of {identity!r}", audience.age_group, AGE_GROUPS)
        for identity in self.colours:
            Tag.from_id(identity)

    @classmethod
    def read(cls, path: str | os.PathLike[str] | None = None) -> TaxonomyMapping:
        """The mapping of a file, or the one of the released model. Raises MappingError, naming the line or the key."""
        source = BUILT_IN if path is None else Path(path)
        try:
            mapping: TaxonomyMapping = section(cls, read_toml(source), "")
        except OSError as error:
            raise MappingError(f"cannot read the mapping {source}: {error.strerror}") from error
        except ValueError as error:  # what is no UTF-8, no TOML, or no mapping
            raise MappingError(
                f"the mapping {source} cannot be used: {reason(error)}; "
                f"start from a copy of edge_tagger/shops/{BUILT_IN.name}"
            ) from error
        return mapping

    def require_tags_of(self, taxonomy: Taxonomy) -> None:
        """Raises MappingError where the mapping names a tag that the model does not have."""
        known = [tag.id for tag in taxonomy.tags]
        for identity in self._identities():
            if identity not in known:
                raise MappingError(
                    f"the mapping names {identity!r}, which is no tag of this model{_near(identity, known)}"
                )

    def _identities(self) -> list[str]:
        return [*self.shopify.categories, *self.google.categories, *self.audience, *self.colours]


def deepest(tagged: TaggedPhoto, facet: str) -> TagScore | None:
    """The deepest tag of a photo in `facet`, the best score among several; None where nothing was sure."""
    return max(tagged.path(facet), key=lambda tag: (len(tag.parents), tag.score), default=None)


def _upwards(tag: Tag) -> Iterable[str]:
    here: Tag | None = tag
    while here is not None:
        yield here.id
        here = here.parent


def _check(name: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise ValueError(f"{name} is {value!r}; Google takes {', '.join(allowed)}{_near(value, allowed)}")


def _near(value: str, allowed: Iterable[str]) -> str:
    near = difflib.get_close_matches(value, list(allowed), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
