"""How often a product's largest colour is the one that its label names.

python -m edge_tagger.colours.measure products.csv --split val
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import click

from edge_tagger.catalogue.source import Photo
from edge_tagger.colours.dominant import dominant_colours
from edge_tagger.colours.palette import Palette
from edge_tagger.errors import EdgeTaggerError
from edge_tagger.images import load_photo
from edge_tagger.terminal import echo

NONE = "no product"
Counts = Counter[tuple[str, str]]  # label, answer


def count(photos: Iterable[Photo], palette: Palette, column: str, *, skin: bool = False) -> tuple[Counts, float]:
    """How often each label of `column` met each answer, a group of the palette; and milliseconds a photo, in which
    decoding is not counted. Photos with a blank label are left out."""
    counts: Counts = Counter()
    spent_s = 0.0
    for photo in photos:
        if label := photo.values[column]:
            pixels = load_photo(photo.file())
            began = time.perf_counter()
            found = dominant_colours(pixels, palette=palette, count=1, skin=skin)
            spent_s += time.perf_counter() - began
            counts[label, palette.group(found[0].name) if found else NONE] += 1
    return counts, 1000 * spent_s / max(1, counts.total())


def lines(counts: Counts) -> list[str]:
    """The counts as a table in Markdown, the label that most photos have first."""
    table = ["| label | photos | same | most others |", "| --- | ---: | ---: | --- |"]
    photos = Counter({label: 0 for label, _ in counts})
    for (label, _), number in counts.items():
        photos[label] += number
    for label, number in photos.most_common():
        others = Counter({answer: n for (own, answer), n in counts.items() if own == label != answer})
        told = ", ".join(f"{answer} {n}" for answer, n in others.most_common(3))
        table.append(f"| {label} | {number} | {counts[label, label] / number:.1%} | {told} |")
    same = sum(n for (label, answer), n in counts.items() if label == answer)
    table.append(f"| all | {photos.total()} | {same / max(1, photos.total()):.1%} | |")
    return table


@click.command()
@click.argument("source", metavar="CSV", type=click.Path(path_type=Path))
@click.option("--split", default="val", show_default=True, help="The photos with this word in their column `split`.")
@click.option("--column", default="colourGroup", show_default=True, help="The column that names the colour.")
@click.option("--palette", "file", type=click.Path(path_type=Path), help="Default: the packaged palette.")
@click.option("--skin", is_flag=True, help="Count the skin of models too.")
def main(source: Path, split: str, column: str, file: Path | None, skin: bool) -> None:
    """Print how often the largest colour's group is the label of a photo."""
    from edge_tagger.catalogue.source import read_catalogue

    try:
        catalogue = read_catalogue(source).where("split", split)
        catalogue.require([column])
        counts, took_ms = count(catalogue.photos, Palette.read(file), column, skin=skin)
    except EdgeTaggerError as error:
        raise click.ClickException(str(error)) from error
    echo(*lines(counts))
    echo(f"{took_ms:.2f} ms a photo, decoding apart")


if __name__ == "__main__":
    main()
