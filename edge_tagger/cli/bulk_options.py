"""Options of `edge-tagger tag --out`, and what follows from them before any photo is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

FORMATS = ("jsonl", "csv", "parquet", "shopify", "google")
SHOPS = ("shopify", "google")
_SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet"}
_WITH_OUT = ("format", "resume", "overwrite", "journal", "review", "bands", "colours", "palette", "policy", "mapping")
Command = Callable[..., Any]


@dataclass(frozen=True)
class BulkOptions:
    """The values of the options that :func:`bulk_options` adds."""

    out: Path | None
    format: str | None
    resume: bool
    overwrite: bool
    journal: Path | None
    image_column: str | None
    folder: Path | None
    encoding: str | None
    review: bool
    bands: tuple[float, float] | None
    colours: bool
    palette: Path | None
    policy: tuple[str, ...]
    mapping: Path | None
    dry_run: bool

    @property
    def is_asked(self) -> bool:
        return self.out is not None or self.dry_run

    @property
    def format_name(self) -> str:
        """One of FORMATS. Raises UsageError where neither --format nor the file's name tells."""
        if self.format is not None:
            return self.format
        suffix = "" if self.out is None else self.out.suffix.lower()
        if suffix not in _SUFFIXES:
            raise click.UsageError(
                f"{self.out or '--dry-run'}: which format? Give --format {'|'.join(FORMATS)}, or a file that ends in "
                f"{', '.join(_SUFFIXES)}"
            )
        return _SUFFIXES[suffix]

    def check(self) -> None:
        """Raises UsageError for options that do not go together."""
        if not self.is_asked:
            given = [name for name in _WITH_OUT if getattr(self, name)]
            if given:
                raise click.UsageError(f"--{given[0]} belongs to --out FILE, which is not given")
            return
        shop = self.format_name in SHOPS
        for name, value in (("--policy", self.policy), ("--mapping", self.mapping), ("--dry-run", self.dry_run)):
            if value and not shop:
                raise click.UsageError(f"{name} is about shops' files; give --format {' or '.join(SHOPS)}")
        if self.palette is not None and not self.colours:
            raise click.UsageError("--palette names the colours of --colours; give that too")
        if self.bands is not None and not self.review:
            raise click.UsageError("--bands sets the limits of --review; give that too")
        if self.overwrite and (self.resume or self.dry_run):
            raise click.UsageError(f"--overwrite and --{'resume' if self.resume else 'dry-run'} exclude each other")
        if self.out is not None and not self.out.parent.is_dir():
            raise click.UsageError(f"{self.out}: its folder does not exist; make it first")


def bulk_options(command: Command) -> Command:
    """Adds the options of BulkOptions; :func:`take_bulk` makes it of their values."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_bulk(options: dict[str, Any]) -> BulkOptions:
    """Takes the bulk options' values out of `options`."""
    return BulkOptions(**{name: options.pop(name) for name in BulkOptions.__dataclass_fields__})


def _bands(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[float, float] | None:
    if value is None:
        return None
    try:
        sure, check = (float(number) for number in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not two numbers, as in 0.9,0.7") from error
    if not 0 <= check <= sure <= 1:
        raise click.BadParameter(f"{value!r}: give SURE,CHECK with 0 <= CHECK <= SURE <= 1, as in 0.9,0.7")
    return sure, check


_FILE = click.Path(path_type=Path, dir_okay=False)
_OPTIONS = (
    click.option("--out", type=_FILE, help="Tag whole folders or a CSV into this file, and keep a journal beside it."),
    click.option(
        "--format", type=click.Choice(FORMATS), help="Default: by the file's name: .jsonl, .csv or .parquet."
    ),
    click.option("--resume", is_flag=True, help="Go on with what FILE's journal has; tag what is new or was changed."),
    click.option("--overwrite", is_flag=True, help="Forget the journal and the file that are there."),
    click.option("--journal", type=_FILE, help="Default: FILE.journal. One journal serves several formats."),
    click.option("--image-column", metavar="NAME", help="Of a CSV. Default: image, photo, Image Src, image_link, ..."),
    click.option(
        "--photos",
        "folder",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        help="The folder of the CSV's photos. Default: the CSV's own.",
    ),
    click.option("--encoding", help="Of a CSV: utf-8, utf-16, cp1252, latin-1. Default: found out, and told."),
    click.option("--review", is_flag=True, help="Say how sure each facet's answer is: sure, check, unsure, none."),
    click.option(
        "--bands", callback=_bands, metavar="SURE,CHECK", help="The lowest scores of --review. Default: 0.9,0.7."
    ),
    click.option("--colours", is_flag=True, help="Find the product's dominant colours: hex, share and name."),
    click.option("--palette", type=_FILE, help="Their names, a .toml or .csv. Default: the packaged one."),
    click.option(
        "--policy", multiple=True, metavar="[FACET=]append|replace", help="For shops: what becomes of values that are "
        "there. Default: append; repeatable."
    ),
    click.option("--mapping", type=_FILE, help="Tags to shops' categories. Default: that of the packaged model."),
    click.option("--dry-run", is_flag=True, help="For shops: print what would change, and write no file."),
)  # fmt: skip
