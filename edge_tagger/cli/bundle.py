"""`edge-tagger bundle`."""

from __future__ import annotations

from pathlib import Path

import click


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
def command(model: Path, android: Path | None, pi: Path | None) -> None:
    """Pack a converted MODEL with the code that runs it in an Android app or on a Raspberry Pi."""
    if android is None and pi is None:
        raise click.UsageError("say what to bundle for: --android OUT, --pi FILE.tar.gz, or both")
    if pi is not None and not pi.name.endswith(".tar.gz"):
        raise click.UsageError(f"--pi {pi} must end in .tar.gz")
    from edge_tagger.convert.bundle.android import bundle_android
    from edge_tagger.convert.bundle.pi import bundle_pi

    if android is not None:
        click.echo(bundle_android(model, android))
    if pi is not None:
        click.echo(bundle_pi(model, pi))
