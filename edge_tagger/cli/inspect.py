"""`edge-tagger inspect`."""

from __future__ import annotations

from pathlib import Path

import click

from edge_tagger.terminal import echo, echo_json


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(model: Path, as_json: bool) -> None:
    """Show the tensors, quantization, operators and manifest of any .tflite."""
    from edge_tagger.inspection import inspect_model

    found = inspect_model(model)
    if as_json:
        echo_json(found.to_json(), indent=2)
    else:
        echo(*str(found).split("\n"))
