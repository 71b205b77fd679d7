"""`edge-tagger inspect`."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(model: Path, as_json: bool) -> None:
    """Show the tensors, quantization, operators and manifest of any .tflite."""
    from edge_tagger.inspection import inspect_model

    found = inspect_model(model)
    click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False) if as_json else str(found))
