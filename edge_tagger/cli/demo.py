"""`edge-tagger demo`."""

from __future__ import annotations

from pathlib import Path

import click

from edge_tagger.terminal import echo


@click.command("demo")
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="Where to write.")
@click.option("--photos", type=click.IntRange(min=100), default=3000, show_default=True, help="How many to draw.")
@click.option("--recipe", metavar="NAME|FILE", default="demo", show_default=True, help="How to train.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the drawings.")
def command(out: Path, photos: int, recipe: str, seed: int) -> None:
    """Draw products, train a small network, convert, evaluate, tag and bench it, and write report.html.

    Takes a few minutes and no network. A demo that was stopped goes on where it stopped; a finished one is made anew.
    """
    from edge_tagger.cli.demo_folder import DemoSettings, open_demo
    from edge_tagger.cli.demo_steps import run_demo

    settings = DemoSettings(photos=photos, recipe=recipe, seed=seed)
    with open_demo(out, settings):
        report = run_demo(out, settings, tell=echo)
    echo(f"Open {report} in a browser. Tag a photo: edge-tagger tag PHOTO --model {out / 'models'}/*-int8.tflite")
