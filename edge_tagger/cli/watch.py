"""`edge-tagger watch`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from edge_tagger.cli.model_options import Command, answer_options, model_options, tagger_arguments
from edge_tagger.terminal import echo
from edge_tagger.watch.defaults import HOLD_S, SMOOTHING_S, STILL_S

if TYPE_CHECKING:
    from edge_tagger.watch.show import Show
    from edge_tagger.watch.source import Source

_MOST_S = 1e8  # three years
# Options that not every source has.
_BELONGS_TO = {
    "smoothing": ("camera", "video"),
    "hold": ("camera", "video"),
    "every": ("camera", "video"),
    "reconnect": ("camera",),
    "existing": ("folder",),
    "still": ("folder",),
}


def _seconds(name: str, text: str, default: float | None = None) -> Callable[..., Command]:
    return click.option(
        name, type=float, callback=_checked, metavar="SECONDS", default=default, show_default=True, help=text
    )


def _checked(_context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not 0 <= value <= _MOST_S:
        raise click.BadParameter(f"{value} is not a number of seconds from 0 on")
    if value == 0 and parameter.name == "duration":
        raise click.BadParameter("0 seconds are over before they begin; leave it out to watch without an end")
    return value


@click.command()
@click.argument("source", metavar="CAMERA|VIDEO|FOLDER")
@model_options
@answer_options
@_seconds("--smoothing", "Average scores over so long.", SMOOTHING_S)
@_seconds("--hold", "Tell a change once it has lasted so long.", HOLD_S)
@_seconds("--every", "Print a line so often even where nothing changes.")
@click.option("--reconnect", is_flag=True, help="Open a camera that stops again, after 1, 2, 4 ... 30 seconds.")
@click.option("--existing", is_flag=True, help="Tag the photos too that are in the folder already.")
@_seconds("--still", "A photo in a folder is whole when it has not changed for so long.", STILL_S)
@_seconds("--duration", "End after so long.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    source: str,
    smoothing: float,
    hold: float,
    every: float | None,
    reconnect: bool,
    existing: bool,
    still: float,
    duration: float | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Tag what a camera, a video or a folder shows, as it comes. Ctrl-C ends it.

    \b
    A camera    0, /dev/video0; rtsp://... or http://...; csi (a Raspberry Pi's, by picamera2)
    A video     a file; every frame is tagged
    A folder    photos that arrive in it, each once, when it is whole

    On a terminal the tags are drawn anew in their place. Elsewhere, and with --json, a line is printed when they
    change.
    """
    from edge_tagger.watch.source import parse

    found = parse(source)
    _check_options(ctx, found)

    from edge_tagger.tagger import Tagger
    from edge_tagger.watch.run import Summary, until_stopped, watch_folder, watch_frames

    try:
        tagger = Tagger(**tagger_arguments(**options))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    show, summary = _show(found, every, as_json), Summary()
    with tagger:
        try:
            with until_stopped(duration):
                if found.kind == "folder":
                    watch_folder(tagger, found, show, summary, existing=existing, still_s=still)
                else:
                    watch_frames(tagger, found, show, summary, smoothing_s=smoothing, hold_s=hold, reconnect=reconnect)
        finally:
            show.close()
            if summary.tagged or summary.unreadable or not sys.exc_info()[0]:  # an error at the start says enough
                echo(str(summary), err=True)
    ctx.exit(4 if summary.unreadable else 0)


def _check_options(ctx: click.Context, source: Source) -> None:
    """Raises UsageError for options that this kind of source does not have."""
    kind = "camera" if source.is_camera else source.kind
    for name, kinds in _BELONGS_TO.items():
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE and kind not in kinds:
            raise click.UsageError(f"--{name} does nothing for a {kind}, and {source.name} is one; leave it out")


def _show(source: Source, every_s: float | None, as_json: bool) -> Show:
    from edge_tagger.watch.show import Block, JsonLines, Log

    live = source.kind != "video"
    if as_json:
        return JsonLines(sys.stdout, sys.stderr, source=source.name, live=live, every_s=every_s)
    if sys.stdout.isatty() and every_s is None:
        return Block(sys.stdout, live=live)
    return Log(sys.stdout, sys.stderr, live=live, every_s=every_s)
