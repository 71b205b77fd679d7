"""The look of our charts. matplotlib is imported when one is drawn, and nothing else here needs it."""

from __future__ import annotations

import io
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_tagger.errors import MissingExtraError
from edge_tagger.files import WRITTEN_BY, whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Of middling lightness, so that they stand out from white and from black.
COLOURS = ("#3a7bd5", "#e07b39", "#2e9e6b", "#b05fc4", "#8a8a2b", "#c44f6b")
MARKERS = "osD^vP"
INK = "#010203"  # a colour that nothing else has; in SVG it becomes currentColor


def require_matplotlib(what: str = "a report") -> None:
    """Raises MissingExtraError where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        raise MissingExtraError(f"{what} needs matplotlib; run pip install matplotlib, or 'edge-tagger[train]'")


def make_figure(width: float, height: float) -> Figure:
    """In inches. Raises MissingExtraError."""
    require_matplotlib()
    from matplotlib.figure import Figure  # not pyplot: no state, no window

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0)
    return figure


def add_legend(axes: Axes, **where: Any) -> None:
    for text in axes.legend(frameon=False, labelcolor=INK, **where).get_texts():
        text.set_parse_math(False)  # a file's name may hold dollar signs


def make_plain(axes: Axes) -> None:
    axes.patch.set_alpha(0)
    axes.grid(color=INK, alpha=0.12)
    axes.tick_params(colors=INK, labelsize=9)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    for side, spine in axes.spines.items():
        spine.set(edgecolor=INK, alpha=0.4, visible=side in ("left", "bottom"))


def svg_of(figure: Figure, name: str) -> str:
    """An `<svg>` element that takes the colour of the text around it (light or dark); text stays text, and no identity
    in it is that of another chart of the page."""
    import matplotlib

    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = file.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r"<defs>\s*<style.*?</defs>", "", svg, count=1, flags=re.DOTALL)  # it would style the whole page
    svg = re.sub(r"font-family: [^;\"]*", "font-family: inherit", svg)
    svg = re.sub(r'(\sid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    return svg.replace(INK, "currentColor")


def write_png(figure: Figure, path: Path) -> None:
    """On white, wholly or not at all. Raises OutputError."""
    with whole_file(path) as beside:
        figure.savefig(beside, format="png", dpi=160, facecolor="white", metadata={"Software": WRITTEN_BY})
