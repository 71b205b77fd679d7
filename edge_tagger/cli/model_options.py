"""Options of commands that run a model: the names and values of edge_tagger.Tagger's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

BACKENDS = ("auto", "ai-edge-litert", "tflite-runtime", "tensorflow")  # as edge_tagger.runtimes, which loads numpy
Command = Callable[..., Any]


def model_options(command: Command) -> Command:
    """Adds --model, --labels, --threads, --backend, --delegate, --delegate-option, --mean and --std.

    What :func:`tagger_arguments` makes of their values is what Tagger takes.
    """
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def answer_options(command: Command) -> Command:
    """Adds --max-results, --score-threshold, --allow, --deny and --locale, which Tagger takes as they are."""
    for option in reversed(_ANSWER_OPTIONS):
        command = option(command)
    return command


def tagger_arguments(
    *, delegate_option: tuple[str, ...], mean: tuple[float, ...] | None, std: tuple[float, ...] | None, **plain: Any
) -> dict[str, Any]:
    """Keyword arguments of Tagger from the options' values. Raises UsageError for values that cannot be."""
    from edge_tagger.tensors import Normalization, pixel_scale_problem

    pairs = [entry.partition("=") for entry in delegate_option]
    if wrong := [name for name, equals, _ in pairs if not (name and equals)]:
        raise click.BadParameter(f"{wrong[0]!r} is not KEY=VALUE", param_hint="--delegate-option")
    if (mean is None) != (std is None):
        raise click.UsageError("--mean and --std belong together; give both")
    if mean is not None and std is not None and (problem := pixel_scale_problem(mean, std)):
        raise click.UsageError(problem)
    try:
        normalization = None if mean is None or std is None else Normalization(mean, std)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return {**plain, "delegate_options": {name: value for name, _, value in pairs}, "normalization": normalization}


def _numbers(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[float, ...] | None:
    try:
        return None if value is None else tuple(float(number) for number in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is neither a number nor three, as in 123.7,116.3,103.5") from error


_OPTIONS = (
    click.option("--model", type=click.Path(path_type=Path), help="A .tflite file. Default: the packaged model."),
    click.option(
        "--labels",
        type=click.Path(path_type=Path),
        help="One label a line, in output order, for a model that edge-tagger did not write: gives its top 5.",
    ),
    click.option("--threads", type=click.IntRange(min=1), help="For one photo. Default: every core, up to four."),
    click.option("--backend", type=click.Choice(BACKENDS), default="auto", show_default=True, help="What runs it."),
    click.option("--delegate", metavar="FILE", help="A delegate's shared library, such as libedgetpu.so.1."),
    click.option("--delegate-option", multiple=True, metavar="KEY=VALUE", help="For the delegate; repeatable."),
    click.option(
        "--mean", callback=_numbers, metavar="NUMBERS", help="A float model gets (pixel - mean) / std: one number or "
        "R,G,B. Default: as its metadata say, else pixels as they are."
    ),
    click.option("--std", callback=_numbers, metavar="NUMBERS", help="See --mean."),
)  # fmt: skip
_ANSWER_OPTIONS = (
    click.option(
        "--max-results", type=click.IntRange(min=1), help="So many tags at most, those with the highest scores."
    ),
    click.option("--score-threshold", type=click.FloatRange(0, 1), help="Instead of the model's own thresholds."),
    click.option(
        "--allow", multiple=True, metavar="TAG", help="Only this tag, facet or label, with all below; repeatable."
    ),
    click.option(
        "--deny", multiple=True, metavar="TAG", help="Not this tag, facet or label, nor any below; repeatable."
    ),
    click.option("--locale", help="The language of the names, where the model has it: de, pt-BR."),
)
