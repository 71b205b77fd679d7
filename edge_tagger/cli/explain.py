"""`edge-tagger explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edge_tagger.cli.model_options import model_options, tagger_arguments
from edge_tagger.cli.outputs import Output, check_outputs, overwrite_option
from edge_tagger.terminal import echo

_SUFFIXES = (".png", ".jpg", ".jpeg")


@click.command()
@click.argument("photo", type=click.Path(path_type=Path))
@click.option(
    "--tag",
    "tags",
    multiple=True,
    help="Its identity, or its name where only one tag has it; repeatable. Default: the photo's tags.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Write the picture here, .png or .jpg.")
@overwrite_option
@model_options
def command(photo: Path, tags: tuple[str, ...], out: Path, overwrite: bool, **options: Any) -> None:
    """Show which places of a photo speak for its tags.

    Draws the photo once for each tag, side by side, and colours the places that raise the tag's score: the redder, the
    more. Colours compare the places of one picture, not tags. A score is the model's own, before a parent takes the
    highest score below it.
    """
    if out.suffix.lower() not in _SUFFIXES:
        raise click.BadParameter(f"{out} ends in none of {', '.join(_SUFFIXES)}", param_hint="--out")

    from edge_tagger.cli.ours import marked
    from edge_tagger.explain.overlay import caption, encode, fit, side_by_side
    from edge_tagger.files import write_bytes
    from edge_tagger.images import load_photo
    from edge_tagger.tagger import Tagger

    check_outputs(
        [Output("--out", out, marked)],
        inputs={"the photo": [photo], **{f"--{name}": [options[name]] for name in ("model", "labels", "delegate")}},
        overwrite=overwrite,
    )
    try:
        tagger = Tagger(**tagger_arguments(**options))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with tagger:
        pixels = load_photo(photo)
        explanations = tagger.explain(pixels, tags)
    shown = fit(pixels)
    panels = [(each.overlay(shown), caption(each.tag, each.score, n)) for n, each in enumerate(explanations, 1)]
    write_bytes(out, encode(side_by_side(panels), out.suffix.lower()))
    for number, explanation in enumerate(explanations, 1):
        echo(f"{number}  {explanation.score:.2f}  {explanation.tag}")
