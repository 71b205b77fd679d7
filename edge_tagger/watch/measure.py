"""What smoothing does: how often the answer changes while one product is shown, and how late it follows the next one.

python -m edge_tagger.watch.measure products.csv --split val --photos 40

A hand-held camera is played from photos: one after the other for six seconds each at 15 frames a second, moved, turned,
lit and grained a little anew in every frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

import click
import cv2
import numpy as np

from edge_tagger.images import Pixels, load_photo
from edge_tagger.tagger import Tagger
from edge_tagger.taxonomy import Scores
from edge_tagger.terminal import echo
from edge_tagger.watch.smoothing import Settled, Smoothing

SHOWN_S, PER_S = 6.0, 15
SETTINGS = ((0.0, 0.0), (1.0, 0.0), (0.0, 0.5), (0.5, 0.5), (1.0, 0.5), (2.0, 1.0))


def hand_held(photo: Pixels, random: np.random.Generator) -> Iterator[Pixels]:
    """The frames of one photo, uint8 [H, W, 3]."""
    height, width = photo.shape[:2]
    drift = np.zeros(4)
    for _ in range(round(SHOWN_S * PER_S)):
        drift = 0.9 * drift + random.normal(0, 1, 4)  # a slow walk round nothing, deviation 2.3
        turned = cv2.getRotationMatrix2D((width / 2, height / 2), drift[0], 1 + 0.01 * drift[1])
        turned[:, 2] = turned[:, 2] + 0.01 * drift[2:] * (width, height)
        moved = cv2.warpAffine(photo, turned, (width, height), borderMode=cv2.BORDER_REPLICATE)
        lit = moved * random.normal(1, 0.03) + random.normal(0, 4, moved.shape)
        yield lit.clip(0, 255).astype(np.uint8)


def changes_s(tagger: Tagger, scores: Iterable[Scores], smoothing_s: float, hold_s: float) -> list[float]:
    """The seconds at which another answer is told, the first one left out."""
    smoothed, settled = Smoothing(smoothing_s), Settled(hold_s)
    told = []
    for number, each in enumerate(scores):
        at_s = number / PER_S
        _, changed = settled(tagger.decode(smoothed(each, at_s)), at_s)
        if changed and number:
            told.append(at_s)
    return told


def figures(told_s: Sequence[float], photos: int) -> tuple[float, float]:
    """Changes a minute in the second half of the time that each photo is shown, when the one before is long gone; and
    the median of the seconds after which the last change of its first half comes."""
    half_s = SHOWN_S / 2
    late = sum(at_s % SHOWN_S >= half_s for at_s in told_s)
    followed = []
    for number in range(1, photos):
        own = [at_s - number * SHOWN_S for at_s in told_s if 0 <= at_s - number * SHOWN_S < half_s]
        followed += own[-1:]
    return 60 * late / (photos * half_s), median(followed) if followed else 0.0


@click.command()
@click.argument("source", metavar="CSV", type=click.Path(path_type=Path))
@click.option("--split", default="val", show_default=True, help="The photos with this word in their column `split`.")
@click.option("--photos", "count", type=click.IntRange(min=2), default=40, show_default=True, help="So many of them.")
@click.option("--model", type=click.Path(path_type=Path), help="Default: the packaged model.")
def main(source: Path, split: str, count: int, model: Path | None) -> None:
    """Print how steady and how late answers are with several settings."""
    from edge_tagger.catalogue.source import read_catalogue
    from edge_tagger.errors import EdgeTaggerError

    random = np.random.default_rng(0)
    try:
        photos = read_catalogue(source).where("split", split).photos
        picked = [photos[place] for place in random.permutation(len(photos))[:count]]
        with Tagger(model) as tagger:
            frames = (frame for photo in picked for frame in hand_held(load_photo(photo.file()), random))
            scores = [tagger.scores(frame) for frame in frames]
            echo("| smoothing | hold | changes a minute of one product | follows the next after |")
            echo("| ---: | ---: | ---: | ---: |")
            for smoothing_s, hold_s in SETTINGS:
                per_min, after_s = figures(changes_s(tagger, scores, smoothing_s, hold_s), len(picked))
                echo(f"| {smoothing_s:g} s | {hold_s:g} s | {per_min:.1f} | {after_s:.1f} s |")
    except EdgeTaggerError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
