"""`edge-tagger compare`: two files of `bench --json` side by side."""

from __future__ import annotations

from pathlib import Path

import click

from edge_tagger.cli.outputs import Output, check_outputs, overwrite_option
from edge_tagger.terminal import echo

# The names of edge_tagger.benchmarks.compare.ACROSS, which --help must not load; a test compares them.
ACROSS = ("model", "runtime")


def _limits(_: click.Context, __: click.Parameter, value: str | None) -> dict[str, float]:
    """latency=5%,map=0.5"""
    if value is None:
        return {}
    from edge_tagger.benchmarks.limits import parse_limits

    try:
        return parse_limits(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@click.argument("before", metavar="BEFORE.json", type=click.Path(path_type=Path))
@click.argument("after", metavar="AFTER.json", type=click.Path(path_type=Path))
@click.option(
    "--across", type=click.Choice(ACROSS), multiple=True,
    help="What may differ: model, matched by its file's name; runtime, its name and version. May be repeated.",
)  # fmt: skip
@click.option(
    "--fail-on", "limits", metavar="LIMIT,..", callback=_limits,
    help="latency=5%, memory=10%, size=10%, map=0.5 (points): what is worse by more ends with exit code 1.",
)  # fmt: skip
@click.option("--markdown", "markdown_path", type=click.Path(path_type=Path), help="Write it for a pull request.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all of it.")
@overwrite_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    before: Path,
    after: Path,
    across: tuple[str, ...],
    limits: dict[str, float],
    markdown_path: Path | None,
    json_path: Path | None,
    overwrite: bool,
) -> None:
    """Is it slower than it was? Two files of `bench --json`, cell by cell.

    Only what is alike is compared: the same model, device, threads and runtime; what is not says why. Each ratio of
    p50 comes with a 95 % interval, and only what lies above a limit as a whole is a regression. docs/bench.md explains
    it. Exit code 1: a regression, or nothing that could be judged.
    """
    from edge_tagger.benchmarks.compare import compare
    from edge_tagger.benchmarks.compare_tables import (
        Compared,
        comparison_json,
        format_comparison,
        format_comparison_markdown,
    )
    from edge_tagger.benchmarks.limits import judge
    from edge_tagger.benchmarks.results_file import read_report
    from edge_tagger.cli.ours import json_with, marked
    from edge_tagger.files import write_json, write_text

    check_outputs(
        [
            Output("--markdown", markdown_path, marked),
            Output("--json", json_path, json_with("format", "before", "after", "pairs")),
        ],
        inputs={"BEFORE.json": [before], "AFTER.json": [after]},
        overwrite=overwrite,
    )
    comparison = compare(read_report(before), read_report(after), across=across)
    compared = Compared(str(before), str(after), comparison, limits, judge(comparison, limits))
    echo(*format_comparison(compared).split("\n"))
    if markdown_path is not None:
        write_text(markdown_path, format_comparison_markdown(compared))
    if json_path is not None:
        write_json(json_path, comparison_json(compared))
    for line in (*compared.verdict.regressions, *compared.verdict.void):
        echo(f"Error: {line}", err=True)
    ctx.exit(0 if compared.verdict.passed else 1)
