"""What the bands of --review are worth: in each band, the share of a facet's answers that the labels confirm.

python -m edge_tagger.shops.measure_bands products.csv --split val
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

import click

from edge_tagger.catalogue.source import Photo
from edge_tagger.shops.review import DEFAULT_BANDS, Bands
from edge_tagger.tagged import TaggedPhoto
from edge_tagger.taxonomy import Facet, Tag
from edge_tagger.terminal import echo

Counts: TypeAlias = Counter[tuple[str, str, bool]]  # facet, band, right


def count(photos: Iterable[tuple[Photo, TaggedPhoto]], facets: Iterable[Facet], bands: Bands = DEFAULT_BANDS) -> Counts:
    """How many answers of each exclusive facet are right and wrong in each band.

    An answer is right where the photo's cells are called as all its levels. Photos whose cells are blank or "none" at
    one of these levels are left out, and so are facets without an answer.
    """
    counts: Counts = Counter()
    asked = [facet for facet in facets if facet.exclusive]
    for photo, tagged in photos:
        for facet in asked:
            if path := tagged.path(facet.name):
                names = Tag.from_id(path[-1].tag).path
                cells = tuple(photo.values[column] for column in facet.columns[: len(names)])
                if all(cell and cell != facet.none for cell in cells):
                    counts[facet.name, bands.of(tagged, facet.name)[0], cells == names] += 1
    return counts


def lines(counts: Counts) -> list[str]:
    """The counts as a table in Markdown."""
    table = ["| facet | sure | check | unsure |", "| --- | ---: | ---: | ---: |"]
    facets = list(dict.fromkeys(facet for facet, _, _ in counts))
    for name, own in [*((facet, [facet]) for facet in facets), ("all", facets)]:
        cells = []
        for band in ("sure", "check", "unsure"):
            right, wrong = (sum(counts[facet, band, value] for facet in own) for value in (True, False))
            cells.append(f"{right / (right + wrong):.1%} of {right + wrong}" if right + wrong else "none")
        table.append(f"| {name} | {' | '.join(cells)} |")
    return table


@click.command()
@click.argument("source", metavar="CSV", type=click.Path(path_type=Path))
@click.option("--split", default="val", show_default=True, help="The photos with this word in their column `split`.")
@click.option("--model", type=click.Path(path_type=Path), help="Default: the packaged model.")
def main(source: Path, split: str, model: Path | None) -> None:
    """Print what each band of --review is worth on labelled photos."""
    from edge_tagger.catalogue.source import read_catalogue
    from edge_tagger.errors import EdgeTaggerError
    from edge_tagger.tagger import Tagger

    try:
        catalogue = read_catalogue(source).where("split", split)
        with Tagger(model) as tagger:
            if tagger.manifest is None:
                raise click.UsageError(f"{model} has no manifest; bands are measured for models that edge-tagger wrote")
            facets = tagger.manifest.taxonomy.facets
            catalogue.require([column for facet in facets for column in facet.columns])
            tagged = tagger.tag_many([photo.file() for photo in catalogue.photos])
            echo(*lines(count(zip(catalogue.photos, tagged, strict=True), facets)))
    except EdgeTaggerError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
