"""Shopify's product CSV: a shop's own export with tags and categories merged in, or new products from photos.

Columns are called as in a shop's export or as in Shopify's present template. Every line with the same handle belongs to
one product; only its first line has the product's title, tags and category, the others are variants and images.
Source: help.shopify.com/en/manual/products/import-export/using-csv
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from edge_tagger.catalogue.photo_files import shown
from edge_tagger.errors import CatalogueError
from edge_tagger.shops.mapping import TaxonomyMapping
from edge_tagger.shops.merge import TagMerger, merge_cell, one_tag, split_tags
from edge_tagger.tagged import TaggedPhoto

Row = dict[str, str]
NEW_HEADER = ("Title", "URL handle", "Product category", "Tags", "Status", "Product image URL")
MAX_TAGS = 250  # source: shopify.dev/changelog/product-tags-now-have-a-limit-of-250-per-product
_COLUMNS = {
    "handle": ("handle", "url handle"),
    "title": ("title",),
    "tags": ("tags",),
    "category": ("product category",),
    "position": ("image position",),
}
_LEFT_OUT = "[\"'()\\[\\]\u2018\u2019\u201c\u201d]"  # and the quotes of books
# Letters that Unicode does not take apart into one of a-z and an accent.
_LATIN = str.maketrans({
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ħ": "h", "\u0131": "i",
    "ŋ": "ng",
})  # fmt: skip


@dataclass(frozen=True)
class Columns:
    """The columns that matter here, as the file's header spells them. `category` and `position` are None where there is
    none. `alike` are handles that several titles of the file would get."""

    handle: str
    title: str
    tags: str
    category: str | None
    position: str | None = None
    alike: frozenset[str] = frozenset()

    @classmethod
    def of(cls, header: Sequence[str], *, name: str = "the CSV") -> Columns:
        """The columns of a header. Raises CatalogueError where there is no handle, title or tags: on import a column of
        tags that was not exported would take away those that the shop has."""
        spelt = {column.strip().casefold(): column for column in header}
        found = {
            key: next((spelt[alias] for alias in aliases if alias in spelt), None) for key, aliases in _COLUMNS.items()
        }
        handle, title, tags = found["handle"], found["title"], found["tags"]
        if handle is None or title is None or tags is None:
            missing = next(key for key in ("handle", "title", "tags") if found[key] is None)
            raise CatalogueError(
                f"{name} has no column {' or '.join(alias.capitalize() for alias in _COLUMNS[missing])}; "
                f"it has {', '.join(header)}; give the product CSV as Shopify exports it"
            )
        return cls(handle, title, tags, found["category"], found["position"])

    def apart(self, rows: Iterable[Mapping[str, str]]) -> Columns:
        """The same for a file with these rows: products without a handle whose titles make the same one stay apart."""
        titles, alike = dict[str, str](), set[str]()
        for row in rows:
            name = row[self.title].strip()
            if name and not row[self.handle].strip() and titles.setdefault(slug(name), name) != name:
                alike.add(slug(name))
        return replace(self, alike=frozenset(alike))

    def product(self, row: Mapping[str, str]) -> str:
        """The handle of a row's product; the one that Shopify makes of the title where there is none, or the title
        itself where that makes none of its own; blank for a row without both."""
        name = row[self.title].strip()
        made = slug(name)
        return row[self.handle].strip() or (name if made in self.alike else made or name)


def merge_rows(
    rows: Iterable[Mapping[str, str]],
    tagged: Callable[[str], TaggedPhoto | None],
    columns: Columns,
    merger: TagMerger,
    mapping: TaxonomyMapping,
    *,
    on_problem: Callable[[str], object],
) -> Iterator[Row]:
    """Every row of a shop's CSV in its order, tags and category of the first row of each product merged with what
    `tagged` gives for its handle; everything else as it was.

    `on_problem` gets a line for each product that is left as it was for a reason: its handle stood before, with other
    products in between, or it would have more tags than Shopify takes.
    """
    here, seen = "", set[str]()
    for number, row in enumerate(rows, 1):
        handle = columns.product(row) or here
        first, here = handle != here, handle
        if not first:
            yield dict(row)
        elif handle in seen:
            on_problem(
                f"row {number}: the handle {handle!r} stood before, with other products in between; this row was left "
                "as it is, and Shopify will take both for one product: give one of them another handle"
            )
            yield dict(row)
        else:
            seen.add(handle)
            photo = tagged(handle)
            merged = dict(row) if photo is None else merge_row(row, photo, columns, merger, mapping)
            count = len(split_tags(merged[columns.tags]))
            if count > MAX_TAGS and merged != row:
                on_problem(f"row {number}: {handle!r} would have {count} tags; Shopify takes {MAX_TAGS}; left as it is")
                merged = dict(row)
            yield merged


def merge_row(
    row: Mapping[str, str], tagged: TaggedPhoto, columns: Columns, merger: TagMerger, mapping: TaxonomyMapping
) -> Row:
    """The first row of a product with the photo's tags, and its category where the file has that column."""
    merged = {**row, columns.tags: merger.merge(row[columns.tags], tagged)}
    if columns.category is not None:
        merged[columns.category] = merge_cell(
            row[columns.category], _category(tagged, mapping), replace=merger.policy.replaces(mapping.facets.category)
        )
    return merged


def new_rows(photos: Iterable[tuple[str, TaggedPhoto]], mapping: TaxonomyMapping) -> Iterator[Row]:
    """One row of NEW_HEADER for each photo (its path and tags), a draft that is called after its file.

    Two photos never share a handle: the second `shirt.jpg` gets `shirt-2`.
    """
    taken = set[str]()
    for photo, tagged in photos:
        name = title(shown(PurePath(photo).stem))
        handle = _free(slug(name) or "product", taken)
        tags = {tag.casefold(): tag for tag in (one_tag(tag.name) for tag in tagged)}
        cells = (name, handle, _category(tagged, mapping), ", ".join(tags.values()), "draft", "")
        yield dict(zip(NEW_HEADER, cells, strict=True))


def slug(text: str) -> str:
    """The handle that Shopify makes of a title: small letters, digits and underscores of any script, Latin ones without
    accents; quotes and brackets left out, a hyphen for anything else; blank where nothing is left.

    Sources: shopify.dev/docs/api/liquid/basics#handles; shopify.dev/changelog of 2017-07-24 (a full UTF-8 character
    set); to_handle in Shopify/liquid, performance/shopify/shop_filter.rb.
    """
    text = re.sub(_LEFT_OUT, "", unicodedata.normalize("NFC", text).lower().translate(_LATIN))
    text = re.sub("(?<=[a-z0-9])[\u0300-\u036f]+", "", text)
    kept = (_plain_letter(each) if unicodedata.category(each)[0] in "LNM" or each == "_" else " " for each in text)
    return "-".join("".join(kept).split())


def title(stem: str) -> str:
    """A title from a file's name without suffix: `red_polo-shirt` as `red polo shirt`."""
    return " ".join(re.sub(r"[_-]+", " ", stem).split()) or stem


def _category(tagged: TaggedPhoto, mapping: TaxonomyMapping) -> str:
    category = mapping.shopify.of(tagged, mapping.facets.category)
    return "" if category is None else category.path


def _plain_letter(letter: str) -> str:
    """One of a-z or 0-9 without its accent; a letter of another script as it is."""
    plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    return plain if plain and plain.isalnum() else letter


def _free(handle: str, taken: set[str]) -> str:
    free, number = handle, 1
    while free in taken:
        number += 1
        free = f"{handle}-{number}"
    taken.add(free)
    return free
