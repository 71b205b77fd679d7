"""The option of commands that read a CSV of labelled photos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Command = Callable[..., Any]


def encoding_option(command: Command) -> Command:
    """Adds --encoding, the name of a text encoding or None."""
    text = "Of a CSV: utf-8, utf-16, cp1252, latin-1. Default: found out, and told."
    return click.option("--encoding", callback=_checked, help=text)(command)


def _checked(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    from edge_tagger.catalogue.csv_file import text_encoding

    try:
        return None if value is None else text_encoding(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
