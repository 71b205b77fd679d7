"""`edge-tagger convert`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("convert")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--float32", is_flag=True, help="Write a float32 file.")
@click.option("--float16", is_flag=True, help="Write a file with float16 weights (half the size, GPU-friendly).")
@click.option("--int8", is_flag=True, help="Write an integer file.")
@click.option(
    "--quantized",
    type=click.Choice(["qat", "post-training"]),
    help="Which integer file. Default: what RUN's comparison found to be better.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Where to write. Default: RUN.")
def command(run: Path, float32: bool, float16: bool, int8: bool, quantized: str | None, out: Path | None) -> None:
    """Write .tflite files from RUN, the folder of a finished training."""
    chosen = {"float32": float32, "float16": float16, "int8": int8}
    formats = [name for name, wanted in chosen.items() if wanted]
    if not formats:
        raise click.UsageError("name at least one format: --float32, --float16, --int8")
    if quantized and not int8:
        raise click.UsageError("--quantized is a way to make --int8; add it")

    from edge_tagger.convert.writer import convert

    def tell(path: Path) -> None:
        click.echo(f"{path}  {path.stat().st_size / 1e6:.2f} MB")

    convert(run, formats, out=out, quantized=quantized, on_file=tell)
