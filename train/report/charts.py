"""The report's charts, as SVG that takes the colour of the text around it (light or dark)."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from edge_tagger.errors import MissingExtraError
from edge_tagger.measure import Measured
from edge_tagger.metrics import calibration_bins
from edge_tagger.train.report.run_facts import Epoch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Of middling lightness, so that they stand out from white and from black.
_COLOURS = ("#3a7bd5", "#e07b39", "#2e9e6b", "#b05fc4", "#8a8a2b", "#c44f6b")
_MARKERS = "osD^vP"
_TEXT = "#010203"  # a colour that nothing else has; it becomes currentColor
_MIN_PAIRS = 10  # in a bin of the reliability diagram; fewer are no share


def require_matplotlib() -> None:
    """Raises MissingExtraError where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        raise MissingExtraError("a report needs matplotlib; run pip install 'edge-tagger[train]'")


def curves(epochs: Sequence[Epoch]) -> list[str]:
    """Loss, and mean average precision, by epoch through all phases; without what no epoch was logged with."""
    charts = []
    for lines in ({"loss": "training loss"}, {"map_macro": "mAP macro", "map_micro": "mAP micro"}):
        if any(name in epoch.figures for epoch in epochs for name in lines):
            figure = _figure(5.6, 3.5)
            _curve(figure.subplots(), epochs, lines)
            charts.append(_svg(figure, "-".join(lines)))
    return charts


def reliability(models: Sequence[Measured]) -> str:
    """How often a tag is there, against the score that it was given; below, how many pairs have such a score.

    A model's line leaves out bins of fewer than ten (photo, tag) pairs.
    """
    figure = _figure(5.6, 5.4)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot((0, 1), (0, 1), color=_TEXT, alpha=0.4, linewidth=1, linestyle=(0, (4, 3)))
    for place, measured in enumerate(models):
        counts, given, right = calibration_bins(measured.targets, measured.scores)
        enough = counts >= _MIN_PAIRS
        style = {"color": _COLOURS[place % len(_COLOURS)], "marker": _MARKERS[place % len(_MARKERS)]}
        upper.plot(
            given[enough] / counts[enough], right[enough] / counts[enough], label=measured.name, markersize=4, **style
        )
        edges = np.linspace(0, 1, len(counts) + 1)
        lower.stairs(np.maximum(counts, 0.5), edges, color=style["color"], baseline=0.5)
    upper.set(ylabel="share that has the tag", ylim=(-0.02, 1.02), xlim=(-0.02, 1.02))
    _legend(upper)
    lower.set(xlabel="score", ylabel="pairs", yscale="log")
    for axes in (upper, lower):
        _plain(axes)
    return _svg(figure, "reliability")


def _curve(axes: Axes, epochs: Sequence[Epoch], figures: dict[str, str]) -> None:
    for place, (name, label) in enumerate(figures.items()):
        points = [(at, epoch.figures[name]) for at, epoch in enumerate(epochs, 1) if name in epoch.figures]
        if points:
            axes.plot(*zip(*points, strict=True), label=label, color=_COLOURS[place], marker="o", markersize=3)
    starts = [at for at, epoch in enumerate(epochs) if at == 0 or epochs[at - 1].phase != epoch.phase]
    for row, (at, end) in enumerate(zip(starts, [*starts[1:], len(epochs)], strict=True)):
        if at:
            axes.axvline(at + 0.5, color=_TEXT, alpha=0.35, linewidth=1)
        axes.annotate(  # in three rows: the names of short phases would run into each other
            epochs[at].phase, ((at + end + 1) / 2, 1.0), xycoords=("data", "axes fraction"),
            xytext=(0, 4 + 10 * (row % 3)), textcoords="offset points", ha="center", color=_TEXT, alpha=0.8, fontsize=8,
            parse_math=False,
        )  # fmt: skip
    axes.set(xlabel="epoch", xlim=(0.5, len(epochs) + 0.5))
    _legend(axes)
    _plain(axes)


def _figure(width: float, height: float) -> Figure:
    require_matplotlib()
    from matplotlib.figure import Figure  # not pyplot: no state, no window

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0)
    return figure


def _legend(axes: Axes) -> None:
    for text in axes.legend(frameon=False, labelcolor=_TEXT).get_texts():
        text.set_parse_math(False)  # a file's name may hold dollar signs


def _plain(axes: Axes) -> None:
    axes.patch.set_alpha(0)
    axes.grid(color=_TEXT, alpha=0.12)
    axes.tick_params(colors=_TEXT, labelsize=9)
    axes.xaxis.label.set_color(_TEXT)
    axes.yaxis.label.set_color(_TEXT)
    for side, spine in axes.spines.items():
        spine.set(edgecolor=_TEXT, alpha=0.4, visible=side in ("left", "bottom"))


def _svg(figure: Figure, name: str) -> str:
    """An `<svg>` element; text stays text, and no identity in it is that of another chart of the page."""
    import matplotlib

    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = file.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r"<defs>\s*<style.*?</defs>", "", svg, count=1, flags=re.DOTALL)  # it would style the whole page
    svg = re.sub(r"font-family: [^;\"]*", "font-family: inherit", svg)
    svg = re.sub(r'(\sid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    return svg.replace(_TEXT, "currentColor")
