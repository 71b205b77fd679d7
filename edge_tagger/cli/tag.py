"""`edge-tagger tag`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_tagger.cli.bulk_options import bulk_options, take_bulk
from edge_tagger.cli.model_options import answer_options, model_options, tagger_arguments
from edge_tagger.terminal import echo, echo_json

if TYPE_CHECKING:
    from edge_tagger.errors import PhotoError
    from edge_tagger.tagged import TaggedPhoto
    from edge_tagger.tagger import Tagger


@click.command()
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO|FOLDER|CSV|GLOB...", type=click.Path(path_type=Path))
@model_options
@answer_options
@click.option("--workers", type=click.IntRange(min=1), help="Photos worked on at a time. Default: as many as cores.")
@click.option("--max-pixels", type=click.IntRange(min=1), help="Larger photos are refused. Default: 100 million.")
@click.option("--max-bytes", type=click.IntRange(min=1), help="Larger files are refused. Default: 256 MiB.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line for each photo.")
@bulk_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    photos: tuple[Path, ...],
    workers: int | None,
    max_pixels: int | None,
    max_bytes: int | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Tag photos. One that cannot be read is told on stderr; the others are tagged, and the exit code is 4.

    Tags are named as in the output of --json: category/Footwear/Shoes.

    With --out, whole folders, globs in quotes, or one CSV with a column of photos are tagged into a file. What is done
    stands in a journal beside it: after an interruption the same command goes on with --resume.
    """
    bulk = take_bulk(options)
    bulk.check()
    if bulk.is_asked and as_json:
        raise click.UsageError("--json prints; with --out give --format jsonl")
    if not bulk.is_asked and (several := [each for each in photos if each.is_dir() or each.suffix.lower() == ".csv"]):
        raise click.UsageError(f"{several[0]} is not one photo; give --out FILE to tag all photos in it")

    from edge_tagger.errors import PhotoError
    from edge_tagger.images import DEFAULT_LIMITS, Limits
    from edge_tagger.tagger import Tagger

    limits = Limits(max_pixels or DEFAULT_LIMITS.max_pixels, max_bytes or DEFAULT_LIMITS.max_bytes)
    arguments = tagger_arguments(**options)
    try:
        tagger = Tagger(**arguments, limits=limits)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    exit_code = 0
    with tagger:
        if bulk.is_asked:
            from edge_tagger.cli.tag_bulk import tag_bulk

            ctx.exit(tag_bulk(list(map(os.fspath, photos)), tagger, arguments, bulk, workers))
        for path, tagged in zip(photos, _tagged(tagger, photos, workers), strict=True):
            photo = click.format_filename(path)  # a name may hold bytes that are no text
            if isinstance(tagged, PhotoError):
                echo(f"Error: {tagged}", err=True)
                exit_code = tagged.exit_code
            elif as_json:
                echo_json({"photo": photo, **tagged.to_json()})
            else:
                echo(photo, *(f"  {line}" for line in str(tagged).splitlines()))
    ctx.exit(exit_code)


def _tagged(tagger: Tagger, photos: tuple[Path, ...], workers: int | None) -> Iterator[TaggedPhoto | PhotoError]:
    """One photo gets all threads; many get a thread each, which does more in the same time."""
    from edge_tagger.errors import PhotoError

    if len(photos) > 1:
        return tagger.tag_many(photos, workers=workers, errors="return")
    try:
        return iter([tagger.tag(photos[0])])
    except PhotoError as error:
        return iter([error])
