"""`edge-tagger bundle`."""

from __future__ import annotations

from pathlib import Path

import click

from edge_tagger.cli.outputs import Output, check_outputs, overwrite_option
from edge_tagger.terminal import echo


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--android",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="Write a Gradle module to this new or empty folder.",
)
@click.option(
    "--pi", type=click.Path(path_type=Path), metavar="FILE.tar.gz", help="Write an archive with the model and a tag.py."
)
@overwrite_option
def command(model: Path, android: Path | None, pi: Path | None, overwrite: bool) -> None:
    """Pack a converted MODEL with the code that runs it in an Android app or on a Raspberry Pi."""
    if android is None and pi is None:
        raise click.UsageError("say what to bundle for: --android OUT, --pi FILE.tar.gz, or both")
    if pi is not None and not pi.name.endswith(".tar.gz"):
        raise click.UsageError(f"--pi {pi} must end in .tar.gz")
    from edge_tagger.cli.ours import pi_bundle
    from edge_tagger.convert.bundle.android import bundle_android
    from edge_tagger.convert.bundle.pi import bundle_pi

    check_outputs(
        [Output("--android", android, is_folder=True), Output("--pi", pi, pi_bundle)],
        inputs={"the model": [model]},
        overwrite=overwrite,
    )
    if android is not None:
        echo(str(bundle_android(model, android)))
    if pi is not None:
        echo(str(bundle_pi(model, pi)))
