"""The command line: `edge-tagger COMMAND`. One module for each command, imported only when it is called."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from contextlib import suppress
from typing import Any, NoReturn

import click

from edge_tagger import native_output
from edge_tagger.errors import EdgeTaggerError, OutputError

COMMANDS = {
    "data": ("edge_tagger.cli.data", "Look at photos and labels before training."),
    "train": ("edge_tagger.cli.train", "Train a tagger from a CSV or a folder of photos."),
    "convert": ("edge_tagger.cli.convert", "Write .tflite files from a run."),
    "bundle": ("edge_tagger.cli.bundle", "Pack a model for an Android app or a Raspberry Pi."),
    "evaluate": ("edge_tagger.cli.evaluate", "Measure models on labelled photos."),
    "tag": ("edge_tagger.cli.tag", "Tag photos."),
    "colours": ("edge_tagger.cli.colours", "Name the dominant colours of products."),
    "watch": ("edge_tagger.cli.watch", "Tag what a camera, a video or a folder shows, as it comes."),
    "explain": ("edge_tagger.cli.explain", "Show which places of a photo speak for its tags."),
    "bench": ("edge_tagger.cli.bench", "Measure models where they will run: this machine, a Pi, a phone."),
    "compare": ("edge_tagger.cli.compare", "Is it slower than it was? Two benches, cell by cell."),
    "check": ("edge_tagger.cli.check", "Will a .tflite run on a phone, a GPU, an Edge TPU, a Pi? With the fixes."),
    "inspect": ("edge_tagger.cli.inspect", "Show what is inside a .tflite."),
    "demo": ("edge_tagger.cli.demo", "The whole path on drawn products: train, convert, tag, bench."),
}


class LazyGroup(click.Group):
    """Lists commands without importing them and turns our errors into one line and their exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def main(self, *args: Any, **extra: Any) -> Any:
        try:
            return super().main(*args, **extra)
        except OSError as error:  # of click itself: it prints help and version before any command is invoked
            _end_without_output(error)

    def invoke(self, ctx: click.Context) -> Any:
        native_output.separate()
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _one_line
                return super().invoke(ctx)
        except EdgeTaggerError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(130)
        except OSError as error:
            _end_without_output(error)


def _end_without_output(error: OSError) -> NoReturn:
    """One line where standard output cannot be written (a full disk, a reader that is gone). Files are told by name."""
    if error.filename is not None:
        raise error
    click.echo(f"Error: cannot write the output: {error.strerror or error}", err=True)
    with suppress(OSError):  # what is not written yet goes nowhere, or Python tries again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(OutputError.exit_code)


def _one_line(message: Warning | str, *_where: Any, **_more: Any) -> None:
    click.echo(f"Warning: {message}", err=True)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="edge-tagger")
def main() -> None:
    """Product photos in, tags out, on the device that took them."""


if __name__ == "__main__":
    sys.exit(main())
