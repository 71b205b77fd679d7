"""Columns of a Google Merchant feed: color, gender, age_group, product_type, google_product_category.

Values that Google takes from a list (gender, age_group, the category's id) come from the mapping; the others are the
model's own names. Source: support.google.com/merchants/answer/7052112, the product data specification.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from edge_tagger.errors import CatalogueError
from edge_tagger.shops.mapping import Audience, TaxonomyMapping, deepest
from edge_tagger.shops.merge import Policy, merge_cell
from edge_tagger.tagged import TaggedPhoto
from edge_tagger.taxonomy import Tag

Row = dict[str, str]
COLUMNS = ("color", "gender", "age_group", "product_type", "google_product_category")
NEW_HEADER = ("id", *COLUMNS)
# Sources: support.google.com/merchants/answer/6324487 (color) and 6324406 (product_type).
MAX_COLOUR, MAX_COLOURS, MAX_COLOR, MAX_PRODUCT_TYPE = 40, 3, 100, 750


def columns(tagged: TaggedPhoto, mapping: TaxonomyMapping, *, colours: Sequence[str] = ()) -> Row:
    """A value for each of COLUMNS, blank where the photo or the mapping does not tell.

    `colours` are the names of the product's dominant colours, the largest first: they stand in where the photo's colour
    tag names none ("Multi") or where it has no such tag.
    """
    gender = deepest(tagged, mapping.facets.gender)
    audience = mapping.audience.get(gender.tag, Audience()) if gender else Audience()
    category = mapping.google.of(tagged, mapping.facets.category)
    return {
        "color": _color(tagged, mapping, colours),
        "gender": audience.gender or "",
        "age_group": audience.age_group or "",
        "product_type": _product_type(tagged, mapping.facets.category),
        "google_product_category": "" if category is None else category.id,
    }


def header(given: Sequence[str], *, name: str = "the feed") -> list[str]:
    """A feed's header, the columns that it lacks behind its own. Raises CatalogueError where it has no `id`."""
    spelt = _spelt(given)
    id_column(given, name=name)
    return [*given, *(column for column in COLUMNS if column not in spelt)]


def id_column(given: Sequence[str], *, name: str = "the feed") -> str:
    """The column `id` as a feed's header spells it. Raises CatalogueError where it has none."""
    spelt = _spelt(given)
    if "id" not in spelt:
        raise CatalogueError(f"{name} has no column id; it has {', '.join(given)}; Google knows products by their id")
    return spelt["id"]


def merge_row(
    row: Mapping[str, str],
    tagged: TaggedPhoto,
    policy: Policy,
    mapping: TaxonomyMapping,
    *,
    colours: Sequence[str] = (),
) -> Row:
    """A feed's row with the photo's columns; only "replace" for its facet writes over a cell that holds something."""
    facets = mapping.facets
    owners = dict(
        zip(COLUMNS, (facets.colour, facets.gender, facets.gender, facets.category, facets.category), strict=True)
    )
    merged, spelt = dict(row), _spelt(row)
    for column, value in columns(tagged, mapping, colours=colours).items():
        own = spelt.get(column, column)
        merged[own] = merge_cell(row.get(own, ""), value, replace=policy.replaces(owners[column]))
    return merged


def new_row(product: str, tagged: TaggedPhoto, mapping: TaxonomyMapping, *, colours: Sequence[str] = ()) -> Row:
    """A row of NEW_HEADER: a supplemental feed, which Google joins to the products by `id`."""
    return {"id": product, **columns(tagged, mapping, colours=colours)}


def _spelt(header: Iterable[str]) -> dict[str, str]:
    """Attribute -> the column as the header spells it; Google takes "google product category" too."""
    return {column.strip().casefold().replace(" ", "_"): column for column in header}


def _color(tagged: TaggedPhoto, mapping: TaxonomyMapping, colours: Sequence[str]) -> str:
    tag = deepest(tagged, mapping.facets.colour)
    named = mapping.colours.get(tag.tag, tag.name) if tag else ""
    fitting: list[str] = []
    for colour in map(_plain, [named] if named else colours):
        if colour and len(colour) <= MAX_COLOUR and len("/".join((*fitting, colour))) <= MAX_COLOR:
            fitting.append(colour)
    return "/".join(fitting[:MAX_COLOURS])


def _product_type(tagged: TaggedPhoto, facet: str) -> str:
    """The path of the deepest tag, "Footwear > Shoes"; a level called as the one above it is left out, and so are the
    deepest ones of a path that is too long."""
    tag = deepest(tagged, facet)
    if tag is None:
        return ""
    shown = {own.tag: own.name for own in tagged}
    names = [_plain(shown.get(level, Tag.from_id(level).name)) for level in (*tag.parents, tag.tag)]
    levels = [name for place, name in enumerate(names) if place == 0 or name != names[place - 1]]
    while len(" > ".join(levels)) > MAX_PRODUCT_TYPE:
        levels.pop()
    return " > ".join(levels)


def _plain(name: str) -> str:
    """A name as one value: Google takes a comma for the end of a product type, > for that of a level, / of a colour."""
    return " ".join(name.replace(",", ";").replace(">", "-").replace("/", "-").split())
