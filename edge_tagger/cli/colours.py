"""`edge-tagger colours`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_tagger.terminal import Styled, echo, echo_json, printable

if TYPE_CHECKING:
    from edge_tagger.colours.dominant import Colour


@click.command()
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...", type=click.Path(path_type=Path))
@click.option(
    "--palette", "file", type=click.Path(path_type=Path), help="A .toml or .csv of names. Default: the packaged one."
)
@click.option("--count", type=click.IntRange(min=1), default=3, show_default=True, help="So many colours at most.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line for each photo.")
@click.pass_context
def command(ctx: click.Context, /, photos: tuple[Path, ...], file: Path | None, count: int, as_json: bool) -> None:
    """Name the dominant colours of the product on each photo.

    What stands behind the product is left out, and the skin of who wears it. A palette is a CSV with the columns name
    and hex, or a TOML file: docs/colours.md. A photo that cannot be read is told on stderr, and the exit code is 4.
    """
    from edge_tagger.colours.dominant import dominant_colours
    from edge_tagger.colours.palette import Palette
    from edge_tagger.errors import PhotoError

    palette = Palette.read(file)
    exit_code = 0
    for path in photos:
        photo = click.format_filename(path)  # a name may hold bytes that are no text
        try:
            colours = dominant_colours(path, palette=palette, count=count)
        except PhotoError as error:
            echo(f"Error: {error}", err=True)
            exit_code = error.exit_code
            continue
        if as_json:
            echo_json({"photo": photo, "colours": [colour.to_json() for colour in colours]})
        else:
            echo(photo, *(_line(colour) for colour in colours))
            if not colours:
                echo("  no product stands out from the background")
    ctx.exit(exit_code)


def _line(colour: Colour) -> str:
    """A colour with a patch of it, which click leaves out where standard output is no terminal."""
    red, green, blue = bytes.fromhex(colour.hex[1:])
    patch = click.style("    ", bg=(red, green, blue))
    return Styled(f"  {patch}  {colour.hex}  {colour.share:4.0%}  {printable(colour.name)}")
