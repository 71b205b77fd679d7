"""`edge-tagger train`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from edge_tagger.cli.csv_options import encoding_option
from edge_tagger.cli.outputs import Output, check_outputs
from edge_tagger.terminal import echo


@click.command("train")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--recipe", metavar="NAME|FILE", help="A packaged recipe or a TOML file. A folder's default: classes.")
@click.option("--out", "run", required=True, type=click.Path(path_type=Path), help="The run's folder.")
@click.option(
    "--weights",
    metavar="FILE|imagenet|none",
    default="none",
    show_default=True,
    help="What to start from: .safetensors (ours, torchvision's, timm's), a float .tflite of ours, or a download.",
)
@encoding_option
@click.option("--resume", is_flag=True, help="Continue a stopped run to the same result.")
@click.option(
    "--accept-changed-data",
    is_flag=True,
    help="With --resume: SOURCE has changed since; go on with the photos and labels that the run has recorded.",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep what frozen layers put out here, for other runs too. Default: in the run, removed at its end.",
)
@click.option("--tensorboard", type=click.Path(path_type=Path, file_okay=False), help="Write TensorBoard logs here.")
@click.option(
    "--strategy",
    type=click.Choice(["none", "mirrored"]),
    default="none",
    show_default=True,
    help="mirrored: all GPUs share each batch, to the result of one.",
)
def command(
    source: Path,
    recipe: str | None,
    run: Path,
    weights: str,
    encoding: str | None,
    resume: bool,
    accept_changed_data: bool,
    cache: Path | None,
    tensorboard: Path | None,
    strategy: str,
) -> None:
    """Train a tagger from SOURCE: a CSV with an image column, or a folder with one sub-folder for each class.

    Ctrl-C keeps what is done. The run's folder then holds what `edge-tagger convert` needs.
    """
    from edge_tagger.train.recipe_file import load_recipe, packaged_recipes

    if recipe is None and not source.is_dir():
        raise click.UsageError(f"a CSV needs --recipe: a TOML file or one of {', '.join(packaged_recipes())}")
    if accept_changed_data and not resume:
        raise click.UsageError("--accept-changed-data is about a run that is resumed: add --resume")
    chosen = load_recipe(recipe or "classes")
    if encoding is not None:
        chosen = replace(chosen, data=replace(chosen.data, encoding=encoding))
    folders = {"--out": run, "--cache": cache, "--tensorboard": tensorboard}
    check_outputs(
        [Output(option, folder, is_folder=True) for option, folder in folders.items()],
        inputs={"the source": [source], "--weights": [weights] if Path(weights).is_file() else []},
    )

    from edge_tagger.train.finetune import train
    from edge_tagger.train.hub import find_weights

    found = find_weights(weights, chosen.model.backbone)
    try:
        train(
            source,
            chosen,
            run,
            weights=found,
            resume=resume,
            cache=cache,
            tensorboard=tensorboard,
            strategy=strategy,
            accept_changed_data=accept_changed_data,
        )
    except KeyboardInterrupt:
        echo(f"Stopped; what is done is kept. Continue with the same command and --resume (run: {run})", err=True)
        raise
    echo(f"{run} is done. Next: edge-tagger convert {run} --float16 --int8")
