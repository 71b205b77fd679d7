"""`edge-tagger convert`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge_tagger.cli.outputs import Output, check_outputs, overwrite_option
from edge_tagger.terminal import echo

if TYPE_CHECKING:
    from edge_tagger.convert.sources import Source

_FILE = click.Path(path_type=Path, dir_okay=False)


def _numbers(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[float, ...] | None:
    try:
        return None if value is None else tuple(float(part) for part in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not one number, or three with commas: 123.7,116.3,103.5") from error


@click.command("convert")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--float32", is_flag=True, help="Write a float32 file.")
@click.option("--float16", is_flag=True, help="float16 weights: half the size, for GPUs.")
@click.option("--dynamic", is_flag=True, help="int8 weights, float32 sums: needs no photos.")
@click.option("--int8", is_flag=True, help="Integers throughout, for phones, Pis and accelerators.")
@click.option("--int16x8", is_flag=True, help="int8 weights, int16 sums: slower, nearly as exact as float32.")
@click.option(
    "--io", type=click.Choice(["uint8", "float32"]), help="Input and output of the int8 file.  [default: uint8]"
)
@click.option(
    "--quantized", type=click.Choice(["qat", "post-training"]), help="Which int8 of a run.  [default: its better one]"
)
@click.option(
    "--representative",
    type=click.Path(path_type=Path),
    metavar="DIR|CSV",
    help="Photos that set integer ranges, after training.  [default: the run's]",
)
@click.option(
    "--max-drop",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    metavar="POINTS",
    help="Of macro mAP; what loses more is not written, exit code 1.",
)
@click.option("--keep", is_flag=True, help="Write it all the same.")
@click.option("--layers", is_flag=True, help="Show in which layers the error of quantized files enters.")
@click.option("--labels", type=_FILE, help="A model without a run: its labels, one a line.")
@click.option("--manifest", type=_FILE, help="A model without a run: its tags, facets and thresholds as JSON.")
@click.option("--name", help="A model without a run: its name.  [default: the file's]")
@click.option(
    "--image-size",
    type=click.IntRange(16, 1024),
    help="A model without a run and with a free size: its size in pixels.",
)
@click.option(
    "--mean",
    callback=_numbers,
    metavar="R,G,B",
    help="A model without a run: what it expects subtracted from pixels 0..255; goes into the graph.",
)
@click.option("--std", callback=_numbers, metavar="R,G,B", help="And what the rest is divided by.")
@click.option("--unsafe", is_flag=True, help="Run code that is inside SOURCE: only where you trust who made it.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to write.  [default: beside SOURCE, or in the run]",
)
@overwrite_option
def command(source: Path, **options: Any) -> None:
    """Write .tflite files from SOURCE: the folder of a finished training, a .keras or .h5 file, or a SavedModel.

    Each file is run in LiteRT on validation photos and held against SOURCE before it gets its name. A SOURCE that is a
    .tflite itself only gets metadata: with --labels or --manifest, and --out.
    """
    from edge_tagger.convert.formats import FORMATS

    formats = [name for name in FORMATS if options[name]]
    if source.suffix == ".tflite":
        _describe(source, formats, options)
        return
    if not formats:
        raise click.UsageError(f"name at least one format: {', '.join(f'--{name}' for name in FORMATS)}")
    for option in ("io", "quantized"):
        if options[option] and "int8" not in formats:
            raise click.UsageError(f"--{option} is about --int8; add it")
    if options["representative"] and options["quantized"] == "qat":
        raise click.UsageError("--quantized qat brings its own ranges; leave --representative out")
    if options["manifest"] and (options["labels"] or options["name"]):
        raise click.UsageError("--manifest has the labels and the name; leave --labels and --name out")

    from edge_tagger.convert.layers import describe_layers
    from edge_tagger.convert.writer import Converted, convert, paths_of

    def tell(made: Converted) -> None:
        size = f"{made.path.stat().st_size / 1e6:.2f} MB" if made.written else "not written"
        echo(f"{made.path}  {size}", f"  {made.verification}")

    out = options["out"] or (source if _is_run(source) else source.resolve().parent)
    with _opened(source, options) as opened:
        _check_files(source, paths_of(opened, formats, out=out, io=options["io"]).values(), options)

        def show(files: dict[str, bytes], photos: Any) -> None:
            for line in describe_layers(opened, files, photos):
                echo(line)

        convert(
            opened,
            formats,
            out=out,
            io=options["io"],
            quantized="post-training" if options["representative"] else options["quantized"],
            max_drop=options["max_drop"],
            keep=options["keep"],
            on_file=tell,
            on_made=show if options["layers"] else None,
        )


def _describe(source: Path, formats: list[str], options: dict[str, Any]) -> None:
    if formats:
        raise click.UsageError(f"{source} is converted already and only gets metadata; leave out --{formats[0]}")

    from edge_tagger.convert.redescribe import redescribe

    described = {name: options[name] for name in ("labels", "manifest", "name")}
    out = options["out"] or source.parent
    if (out / source.name).resolve() != source.resolve():  # which redescribe says itself
        _check_files(source, [out / source.name], options)
    echo(str(redescribe(source, out, **described)))


def _check_files(source: Path, paths: Iterable[Path], options: dict[str, Any]) -> None:
    from edge_tagger.cli.ours import model

    check_outputs(
        [Output("--out", path, model) for path in paths],
        inputs={"the source": [source], **{f"--{name}": [options[name]] for name in ("labels", "manifest")}},
        overwrite=options["overwrite"],
    )


@contextmanager
def _opened(source: Path, options: dict[str, Any]) -> Iterator[Source]:
    """The source, with the photos that were named for it."""
    from dataclasses import replace

    from edge_tagger.convert.foreign import Normalization, open_model
    from edge_tagger.convert.representative import read_representative
    from edge_tagger.convert.sources import photos_of_split, read_run
    from edge_tagger.tensors import pixel_scale_problem

    foreign = {name: options[name] for name in ("labels", "manifest", "name", "image_size", "mean", "std")}
    photos: Path | None = options["representative"]
    unsafe: bool = options["unsafe"]
    if unsafe:
        echo(f"Warning: --unsafe runs code that is inside {source}, with all that you may do", err=True)
    if _is_run(source):
        given = [f"--{name.replace('_', '-')}" for name, value in foreign.items() if value is not None]
        if given:
            raise click.UsageError(
                f"{', '.join(given)}: a run knows these itself; leave out what is about other models"
            )
        opened = read_run(source, unsafe=unsafe)
        if photos:
            forbidden = [path for _, path in photos_of_split(source, "test")]
            found = read_representative(photos, opened.manifest.image_size, forbidden=forbidden)
            opened = replace(opened, representative=found)
        yield opened
        return
    mean, std = foreign.pop("mean"), foreign.pop("std")
    if problem := pixel_scale_problem(mean or (0.0,), std or (1.0,)):
        raise click.UsageError(problem)
    normalization = Normalization(mean or (0.0,), std or (1.0,)) if mean or std else None
    with open_model(source, normalization=normalization, unsafe=unsafe, **foreign) as model:
        size = model.manifest.image_size
        yield replace(model, representative=read_representative(photos, size) if photos else None)


def _is_run(source: Path) -> bool:
    """A folder that is no SavedModel is taken for a run, so that an empty one is told about as such."""
    return source.is_dir() and not (source / "saved_model.pb").exists()
