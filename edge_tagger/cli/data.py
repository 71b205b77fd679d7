"""`edge-tagger data check`: look at a catalogue before training on it."""

from __future__ import annotations

from pathlib import Path

import click

from edge_tagger.cli.csv_options import encoding_option
from edge_tagger.cli.outputs import Output, check_outputs, overwrite_option
from edge_tagger.terminal import echo


@click.group()
def command() -> None:
    """Look at photos and labels before training."""


@command.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--recipe", metavar="NAME|FILE", help="Which columns hold what. Default for a folder: classes.")
@encoding_option
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the whole report here, nothing cut.")
@overwrite_option
@click.pass_context
def check(
    ctx: click.Context,
    /,
    source: Path,
    recipe: str | None,
    encoding: str | None,
    json_path: Path | None,
    overwrite: bool,
) -> None:
    """Count tags, find labels that look alike, copies, contradictions and broken photos, and show the splits.

    SOURCE is a CSV file or a folder with one sub-folder for each class. Ends with exit code 1 where it finds a
    problem that should be put right before training.
    """
    from edge_tagger.catalogue.check import check_catalogue
    from edge_tagger.catalogue.report import as_json, as_text
    from edge_tagger.catalogue.source import read_catalogue
    from edge_tagger.cli.ours import json_with
    from edge_tagger.files import write_json
    from edge_tagger.train.recipe_file import load_recipe, packaged_recipes

    if recipe is None and source.is_file():
        raise click.UsageError(
            "a CSV needs --recipe, which says what its columns hold: "
            f"a TOML file or one of {', '.join(packaged_recipes())}"
        )
    plan = load_recipe(recipe or "classes")
    catalogue = read_catalogue(source, image_column=plan.data.image, encoding=encoding or plan.data.encoding)
    check_outputs(
        [Output("--json", json_path, json_with("format", "levels", "lookalikes"))],
        inputs={"the source": [source], "--recipe": [recipe] if recipe is not None and Path(recipe).is_file() else []},
        photos=(photo.path for photo in catalogue.photos),
        overwrite=overwrite,
    )
    found = check_catalogue(
        catalogue,
        plan.facets,
        min_count=plan.data.min_count,
        split_column=plan.data.split,
        group_column=plan.data.group,
        fractions=plan.data.fractions,
        seed=plan.seed,
    )
    if json_path is not None:
        write_json(json_path, as_json(found))
    echo(*as_text(found).split("\n"))
    if found.problems:
        ctx.exit(1)
