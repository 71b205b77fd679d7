"""`edge-tagger train`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("train")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--recipe", metavar="NAME|FILE", help="A packaged recipe or a TOML file. A folder's default: classes.")
@click.option("--out", "run", required=True, type=click.Path(path_type=Path), help="The run's folder.")
@click.option("--weights", type=click.Path(path_type=Path), help="Pretrained weights (.safetensors) to start from.")
@click.option("--resume", is_flag=True, help="Continue a stopped run to the same result.")
def command(source: Path, recipe: str | None, run: Path, weights: Path | None, resume: bool) -> None:
    """Train a tagger from SOURCE: a CSV with an image column, or a folder with one sub-folder for each class.

    Ctrl-C keeps what is done. The run's folder then holds what `edge-tagger convert` needs.
    """
    from edge_tagger.train.recipe import load_recipe, packaged_recipes

    if recipe is None and not source.is_dir():
        raise click.UsageError(f"a CSV needs --recipe: a TOML file or one of {', '.join(packaged_recipes())}")
    chosen = load_recipe(recipe or "classes")

    from edge_tagger.train.finetune import train

    try:
        train(source, chosen, run, weights=weights, resume=resume)
    except KeyboardInterrupt:
        click.echo(f"Stopped; what is done is kept. Continue with the same command and --resume (run: {run})", err=True)
        raise
    click.echo(f"{run} is done. Next: edge-tagger convert {run} --float16 --int8")
