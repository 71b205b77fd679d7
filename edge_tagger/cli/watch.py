"""`edge-tagger watch`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from edge_tagger.cli.model_options import answer_options, model_options, tagger_arguments

if TYPE_CHECKING:
    from edge_tagger.watch.show import Show
    from edge_tagger.watch.source import Source

_SECONDS = click.FloatRange(min=0)


@click.command()
@click.argument("source", metavar="CAMERA|VIDEO|FOLDER")
@model_options
@answer_options
@click.option("--smoothing", type=_SECONDS, metavar="SECONDS", help="Over which scores are averaged. Default: 1.")
@click.option("--hold", type=_SECONDS, metavar="SECONDS", help="That a change must last to be told. Default: 0.5.")
@click.option("--every", type=_SECONDS, metavar="SECONDS", help="Print a line so often even where nothing changes.")
@click.option("--reconnect", is_flag=True, help="Open a camera again that stops, after 1, 2, 4 ... 30 seconds.")
@click.option("--existing", is_flag=True, help="Of a folder: tag the photos too that are there already.")
@click.option("--duration", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="End after so long.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    source: str,
    smoothing: float | None,
    hold: float | None,
    every: float | None,
    reconnect: bool,
    existing: bool,
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
    _check(found, smoothing=smoothing, hold=hold, every=every, reconnect=reconnect, existing=existing)

    from edge_tagger.tagger import Tagger
    from edge_tagger.watch.loop import HOLD_S, SMOOTHING_S
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
                    watch_folder(tagger, found, show, summary, existing=existing)
                else:
                    watch_frames(
                        tagger, found, show, summary, reconnect=reconnect,
                        smoothing_s=SMOOTHING_S if smoothing is None else smoothing,
                        hold_s=HOLD_S if hold is None else hold,
                    )  # fmt: skip
        finally:
            show.close()
            if summary.tagged or summary.unreadable or not sys.exc_info()[0]:  # an error at the start says enough
                click.echo(str(summary), err=True)
    ctx.exit(4 if summary.unreadable else 0)


def _check(source: Source, **given: Any) -> None:
    """Raises UsageError for options that this kind of source does not have."""
    wanted = {
        "folder": {"existing"},
        "video": {"smoothing", "hold", "every"},
    }.get(source.kind, {"smoothing", "hold", "every", "reconnect"})
    for name, value in given.items():
        if value is not None and value is not False and name not in wanted:
            kind = source.kind if source.kind in ("folder", "video") else "camera"
            raise click.UsageError(f"--{name} does nothing for a {kind}, and {source.name} is one; leave it out")


def _show(source: Source, every_s: float | None, as_json: bool) -> Show:
    from edge_tagger.watch.show import Block, JsonLines, Log

    live = source.kind != "video"
    if as_json:
        return JsonLines(sys.stdout, sys.stderr, source=source.name, live=live, every_s=every_s)
    if sys.stdout.isatty() and every_s is None:
        return Block(sys.stdout, live=live)
    return Log(sys.stdout, sys.stderr, live=live, every_s=every_s)
