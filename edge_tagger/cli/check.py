"""`edge-tagger check`."""

from __future__ import annotations

from pathlib import Path

import click

from edge_tagger.errors import MissingExtraError
from edge_tagger.terminal import echo, echo_json

# The names of edge_tagger.convert.check.targets.TARGETS, which --help must not load; a test compares them.
TARGETS = ("mediapipe", "mlkit", "android-gpu", "edgetpu", "pi")


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--target", "targets", type=click.Choice(TARGETS), multiple=True, help="May be given several times.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(ctx: click.Context, model: Path, targets: tuple[str, ...], as_json: bool) -> None:
    """Will MODEL, any .tflite, run where it shall run? Every broken rule comes with its fix and its source.

    Without --target: the rules for all, and one line for each target.

    Exit code 0: it fits (warnings do not count); 1: a general rule or one of the targets asked for is broken; 2: a
    wrong option; 5: the file cannot be read, or is damaged.
    """
    try:
        from edge_tagger.convert.check.targets import check
    except ImportError as error:  # a 32-bit Pi has tflite-runtime, which cannot read a file's structure
        raise MissingExtraError(
            f"check needs ai-edge-litert and flatbuffers ({error}); run it on a 64-bit machine"
        ) from error

    report = check(model, targets)
    if as_json:
        echo_json(report.to_json(), indent=2)
    else:
        echo(*str(report).split("\n"))
    ctx.exit(0 if report.fine else 1)
