"""The report's charts, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edge_tagger.charts import COLOURS, INK, MARKERS, add_legend, make_figure, make_plain, svg_of
from edge_tagger.measure import Measured
from edge_tagger.metrics import calibration_bins
from edge_tagger.train.report.run_facts import Epoch

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MIN_PAIRS = 10  # in a bin of the reliability diagram; fewer are no share


def curves(epochs: Sequence[Epoch]) -> list[str]:
    """Loss, and mean average precision, by epoch through all phases; without what no epoch was logged with."""
    charts = []
    for lines in ({"loss": "training loss"}, {"map_macro": "mAP macro", "map_micro": "mAP micro"}):
        if any(name in epoch.figures for epoch in epochs for name in lines):
            figure = make_figure(5.6, 3.5)
            _curve(figure.subplots(), epochs, lines)
            charts.append(svg_of(figure, "-".join(lines)))
    return charts


def reliability(models: Sequence[Measured]) -> str:
    """How often a tag is there, against the score that it was given; below, how many pairs have such a score.

    A model's line leaves out bins of fewer than ten (photo, tag) pairs.
    """
    figure = make_figure(5.6, 5.4)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot((0, 1), (0, 1), color=INK, alpha=0.4, linewidth=1, linestyle=(0, (4, 3)))
    for place, measured in enumerate(models):
        counts, given, right = calibration_bins(measured.targets, measured.scores)
        enough = counts >= _MIN_PAIRS
        style = {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[place % len(MARKERS)]}
        upper.plot(
            given[enough] / counts[enough], right[enough] / counts[enough], label=measured.name, markersize=4, **style
        )
        edges = np.linspace(0, 1, len(counts) + 1)
        lower.stairs(np.maximum(counts, 0.5), edges, color=style["color"], baseline=0.5)
    upper.set(ylabel="share that has the tag", ylim=(-0.02, 1.02), xlim=(-0.02, 1.02))
    add_legend(upper)
    lower.set(xlabel="score", ylabel="pairs", yscale="log")
    for axes in (upper, lower):
        make_plain(axes)
    return svg_of(figure, "reliability")


def _curve(axes: Axes, epochs: Sequence[Epoch], figures: dict[str, str]) -> None:
    for place, (name, label) in enumerate(figures.items()):
        points = [(at, epoch.figures[name]) for at, epoch in enumerate(epochs, 1) if name in epoch.figures]
        if points:
            axes.plot(*zip(*points, strict=True), label=label, color=COLOURS[place], marker="o", markersize=3)
    starts = [at for at, epoch in enumerate(epochs) if at == 0 or epochs[at - 1].phase != epoch.phase]
    for row, (at, end) in enumerate(zip(starts, [*starts[1:], len(epochs)], strict=True)):
        if at:
            axes.axvline(at + 0.5, color=INK, alpha=0.35, linewidth=1)
        axes.annotate(  # in three rows: the names of short phases would run into each other
            epochs[at].phase, ((at + end + 1) / 2, 1.0), xycoords=("data", "axes fraction"),
            xytext=(0, 4 + 10 * (row % 3)), textcoords="offset points", ha="center", color=INK, alpha=0.8, fontsize=8,
            parse_math=False,
        )  # fmt: skip
    axes.set(xlabel="epoch", xlim=(0.5, len(epochs) + 0.5))
    add_legend(axes)
    make_plain(axes)
