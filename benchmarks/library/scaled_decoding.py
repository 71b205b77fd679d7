"""What decoding a large JPEG at a reduced scale does to the tags, and how much time it takes.

    python -m edge_tagger.benchmarks.library.scaled_decoding products.csv --split test

Photos of any size are enlarged (Lanczos, with a sensor's noise) until 1/8 of them covers the model's input by a factor
exactly: the worst case of that factor. The model then sees each decoded in full and at 1/8. An enlarged photo lacks
the fine texture of a camera's, so that the aliasing of a full decode stretched down at once is rather understated.

200 photos, packaged model: whatever the factor from 1 to 3, 96% of the best tags are the same. Where they differ, the
reduced decode is the better one: it keeps 95 to 96% of the best tags that the photo had before it was enlarged, the
full decode 94%; top-1 is 85.5 to 86.0% against 84.5 to 85.1%. It averages the noise away, bilinear stretching does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import cv2
import numpy as np

from edge_tagger.benchmarks.library.in_turn import block_ms, in_turn
from edge_tagger.benchmarks.library.photos import draw_large
from edge_tagger.catalogue.source import Catalogue, read_catalogue
from edge_tagger.evaluate import figures
from edge_tagger.images import Pixels, load_photo, resize
from edge_tagger.measure import Measured
from edge_tagger.progress import Progress
from edge_tagger.tagger import Tagger
from edge_tagger.taxonomy import Scores
from edge_tagger.terminal import echo

_PART = 8
_NOISE = 4.0  # grey levels, of one pixel
_QUALITY = 90
_ROUNDS = 7


@dataclass(frozen=True)
class Agreement:
    """Of `photos` photos. Best: the best path of an exclusive facet, the mean over facets; tags: all tags of a photo.

    `largest` and `mean` are differences of scores. Pairs are (full, reduced): `original_best` is held against the photo
    before it was enlarged, `top1` against the labels.
    """

    factor: float
    photos: int
    same_best: float
    same_tags: float
    largest: float
    mean: float
    original_best: tuple[float, float]
    top1: tuple[float, float]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), help="A .tflite with a manifest. Default: the packaged one.")
@click.option("--split", default="test", show_default=True, help="Of the CSV's column `split`.")
@click.option("--photos", type=click.IntRange(1), default=200, show_default=True)
@click.option("--factor", "factors", type=click.FloatRange(1), multiple=True, default=(1, 1.5, 2, 3), show_default=True)
@click.option("--progressive", is_flag=True, help="JPEGs in several scans.")
def main(data: Path, model: Path | None, split: str, photos: int, factors: Sequence[float], progressive: bool) -> None:
    """Print, as Markdown, how tags of full and reduced decodes of DATA (a CSV) agree, and the times of decoding."""
    found = read_catalogue(data).where("split", split)
    chosen = Catalogue(found.source, found.columns, found.photos[:photos])
    echo(
        "| 1/8 covers | photos | same best tags | same tags | largest, mean difference "
        "| best tags as before enlarging: full, reduced | top-1: full, reduced |"
    )
    echo("| --- | --- | --- | --- | --- | --- | --- |")
    with Tagger(model) as tagger:
        for factor in factors:
            row = agreement(tagger, chosen, factor, progressive=progressive)
            echo(
                f"| {row.factor:g} x | {row.photos} | {row.same_best:.1%} | {row.same_tags:.1%} "
                f"| {row.largest:.3f}, {row.mean:.4f} | {row.original_best[0]:.1%}, {row.original_best[1]:.1%} "
                f"| {row.top1[0]:.1%}, {row.top1[1]:.1%} |"
            )
    echo(*decode_times().split("\n"))


def agreement(tagger: Tagger, catalogue: Catalogue, factor: float, *, progressive: bool) -> Agreement:
    """Photos enlarged until 1/8 of them is `factor` times the model's input, in full against reduced."""
    size = tagger.model.input_size
    cover = round(factor * size)
    scores: dict[str, list[Scores]] = {"original": [], "full": [], "reduced": []}
    with Progress(len(catalogue), f"{factor:g} x", unit="photo") as progress:
        for number, photo in enumerate(catalogue.photos):
            stored = load_photo(photo.file())
            jpeg = _enlarged(stored, _PART * cover, number, progressive)
            small = load_photo(jpeg, cover=cover)
            assert small.shape == (cover, cover, 3), small.shape
            for name, pixels in (("original", stored), ("full", load_photo(jpeg)), ("reduced", small)):
                scores[name].append(tagger.model.scores(resize(pixels, size)))
            progress.update()
    assert tagger.manifest is not None
    original, full, reduced = (
        Measured.of(name, 0, tagger.manifest, catalogue.photos, np.stack(rows)) for name, rows in scores.items()
    )
    difference = np.abs(full.scores - reduced.scores)
    return Agreement(
        factor=factor,
        photos=len(catalogue),
        same_best=_same_best(full, reduced),
        same_tags=float((full.answers == reduced.answers).all(axis=1).mean()),
        largest=float(difference.max()),
        mean=float(difference.mean()),
        original_best=(_same_best(original, full), _same_best(original, reduced)),
        top1=(_top1(full), _top1(reduced)),
    )


def _same_best(one: Measured, other: Measured) -> float:
    """The share of photos and exclusive facets whose best path is the same."""
    facets = [facet for facet in one.manifest.taxonomy.facets if facet.exclusive]
    return float(
        np.mean([[a == b for a, b in zip(*(m.best_paths(f) for m in (one, other)), strict=True)] for f in facets])
    )


def _enlarged(photo: Pixels, side: int, seed: int, progressive: bool) -> bytes:
    large = cv2.resize(photo, (side, side), interpolation=cv2.INTER_LANCZOS4)
    noise = np.empty(large.shape, np.int16)
    cv2.setRNGSeed(seed)
    cv2.randn(noise, np.zeros(3), np.full(3, _NOISE))
    noisy = cv2.add(large, noise, dtype=cv2.CV_8U)
    options = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY, cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)]
    encoded, data = cv2.imencode(".jpg", cv2.cvtColor(noisy, cv2.COLOR_RGB2BGR), options)
    assert encoded
    return data.tobytes()


def _top1(measured: Measured) -> float:
    """The mean of the exclusive facets' top-1; not a number where no photo is labelled."""
    facets = figures([measured])["models"][0]["facets"].values()
    found = [facet["top1"] for facet in facets if facet.get("top1") is not None]
    return float(np.mean(found)) if found else float("nan")


def decode_times() -> str:
    """Of one drawn 12-megapixel JPEG of each kind, in turn: medians in ms, as a Markdown table."""
    lines = ["", "| 12-megapixel JPEG | full | 1/2 | 1/4 | 1/8 |", "| --- | --- | --- | --- | --- |"]
    with TemporaryDirectory() as folder:
        for kind in ("baseline", "progressive"):
            path = draw_large(Path(folder) / f"{kind}.jpg", progressive=kind == "progressive")
            shorter = min(load_photo(path).shape[:2])
            covers = (None, *(shorter // part for part in (2, 4, 8)))
            calls = [block_ms(partial(load_photo, path, cover=cover), calls=2) for cover in covers]
            times = in_turn(calls, rounds=_ROUNDS)
            cells = " | ".join(f"{np.median(samples):.0f} ms" for samples in times)
            lines.append(f"| {kind}, {path.stat().st_size / 1e6:.1f} MB | {cells} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
