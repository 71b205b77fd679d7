"""`edge-tagger tag`."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...", type=click.Path(path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), help="A .tflite file. Default: the packaged model.")
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    help="One label a line, in output order, for a model that edge-tagger did not write: gives its top 5.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Default: the runtime's choice.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line for each photo.")
@click.pass_context
def command(
    ctx: click.Context,
    photos: tuple[Path, ...],
    model: Path | None,
    labels: Path | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Tag photos. One that cannot be read is told on stderr; the others are tagged, and the exit code is 4."""
    from edge_tagger.errors import PhotoError
    from edge_tagger.tagger import Tagger

    exit_code = 0
    with Tagger(model, labels=labels, threads=threads) as tagger:
        for photo in photos:
            try:
                tagged = tagger.tag(photo)
            except PhotoError as error:
                click.echo(f"Error: {error}", err=True)
                exit_code = error.exit_code
                continue
            if as_json:
                click.echo(json.dumps({"photo": str(photo), **tagged.to_json()}, ensure_ascii=False))
            else:
                click.echo(f"{photo}\n" + "\n".join(f"  {line}" for line in str(tagged).splitlines()))
    ctx.exit(exit_code)
