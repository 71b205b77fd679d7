"""What `edge-tagger tag --out` will write, looked at before the first photo."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from edge_tagger.bulk.index import Index
from edge_tagger.bulk.output import beside
from edge_tagger.bulk.source import Source
from edge_tagger.cli import ours
from edge_tagger.cli.bulk_options import SHOPS, BulkOptions
from edge_tagger.cli.outputs import Output, check_outputs
from edge_tagger.destination import is_regular
from edge_tagger.errors import OutputError


def check_bulk_outputs(
    inputs: Sequence[str], source: Source, arguments: Mapping[str, Any], options: BulkOptions, journal: Path
) -> None:
    """Raises UsageError where two of out, journal, failures, review and all that is read are one file; OutputError
    where one of them is there and may not be written over, or could not be written."""
    if not is_regular(journal):
        raise click.UsageError(f"--journal {journal} is no file that can be gone on with; name one")
    outputs = [*_of_out(options, journal), Output("--journal", journal, ours.journal)]
    read = {"the input": inputs, "--palette": [options.palette], "--mapping": [options.mapping]}
    for name in ("model", "labels", "delegate"):
        read[f"--{name}"] = [arguments.get(name)]
    check_outputs(outputs, inputs=read, photos=_photos(source), overwrite=options.overwrite)
    out = options.out
    if out is not None and is_regular(out) and _is_there(out) and not (options.overwrite or options.dry_run):
        if not options.resume:
            raise OutputError(
                f"{out} is there already; go on with --resume, start anew with --overwrite, or choose another --out"
            )
        if not _is_there(journal):
            raise OutputError(f"{out} is there and {journal} is not; start anew with --overwrite")


def _of_out(options: BulkOptions, journal: Path) -> list[Output]:
    out, review = options.out, options.review and options.format_name in SHOPS
    if out is None:
        return []
    if not is_regular(out):
        if review:
            raise click.UsageError(f"--review writes a file beside --out, and {out} has no such place; name a file")
        return [Output("--out", out)]
    failures = Output("--out (its failures)", beside(out, "failures"), ours.csv_with("photo", "product", "reason"))
    goes_on = options.resume and _is_there(journal)
    outputs = [Output("--out", out, ours.tags(options.format_name) if goes_on else None), failures]
    if review:
        outputs.append(Output("--out (its review)", beside(out, "review"), ours.csv_with("product", "photo")))
    return outputs


def _is_there(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110  which takes names of any length


def _photos(source: Source) -> Iterator[str]:
    index = Index()  # this run's own begins empty
    try:
        yield from (item.path for item in source.items(index))
    finally:
        index.close()
