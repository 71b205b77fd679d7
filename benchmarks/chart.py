"""Latency against accuracy of many models: what a better score costs, and which models no other beats in both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_tagger.benchmarks.cells import device_name, namer
from edge_tagger.benchmarks.results import Report, Result
from edge_tagger.charts import COLOURS, INK, MARKERS, add_legend, make_figure, make_plain, write_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

_LOGARITHMIC = 6.0  # slowest over fastest, from which on the axis is logarithmic
# Places of a label around its point, in points of 1/72 inch, the nearest first: (x, y, alignment, how far).
_PLACES = tuple(
    (x * far, y * far - 3, align, far)
    for far in (1.0, 2.2, 3.6, 5.0)
    for x, y, align in (
        (8, 0, "left"), (-8, 0, "right"), (6, 9, "left"), (6, -9, "left"), (-6, 9, "right"), (-6, -9, "right"),
        (0, 11, "center"), (0, -11, "center"),
    )
)  # fmt: skip


@dataclass(frozen=True)
class Point:
    """A cell whose accuracy is known: `map_macro` 0..1; `where` is its device and threads."""

    model: str
    where: str
    emulated: bool
    p50_ms: float
    p90_ms: float | None
    map_macro: float


def points_of(report: Report, map_macro: Mapping[str, float] | None = None) -> list[Point]:
    """`map_macro` has a model's accuracy by its SHA-256. Without it the report's own counts: that of the device, or
    where the device told none (a phone without Python) of another one. Cells without accuracy are left out."""
    known = {(result.sha256, result.device): value for result, value in _measured(report, map_macro)}
    shown = [result for result in report.results if (result.sha256, result.device) in known]
    name = namer([result.path for result in shown])
    found = []
    for result in shown:
        s = result.summary
        where = f"{device_name(result.device, result.emulated)}, {result.threads} thread{'s' * (result.threads > 1)}"
        accuracy, p50_ms = known[result.sha256, result.device], s.mean_ms if s.p50_ms is None else s.p50_ms
        found.append(
            Point(name(result.path).removesuffix(".tflite"), where, result.emulated, p50_ms, s.p90_ms, accuracy)
        )
    return found


def _measured(report: Report, given: Mapping[str, float] | None) -> Iterator[tuple[Result, float]]:
    own: dict[tuple[str, str], float] = {}
    for extra in report.of_kind("accuracy"):
        value = (extra.content.get("figures") or {}).get("map_macro")
        if value is not None:
            own[extra.sha256, extra.device] = value
    anywhere = {sha256: value for (sha256, _), value in own.items()} if given is None else given
    for result in report.results:
        value = own.get((result.sha256, result.device)) if given is None else None
        value = anywhere.get(result.sha256) if value is None else value
        if value is not None:
            yield result, value


def draw(points: Sequence[Point]) -> Figure:
    """A colour for each device and number of threads, hollow where it is emulated; a thin line leads to p90, a step
    line along the models that no other of the same colour beats in both. Raises MissingExtraError without matplotlib,
    ValueError without points."""
    if not points:
        raise ValueError("there are no points to draw")
    figure = make_figure(8, min(5 + 0.18 * max(len({point.model for point in points}) - 8, 0), 10))
    axes = figure.subplots()
    for place, where in enumerate(dict.fromkeys(point.where for point in points)):
        _series(axes, [point for point in points if point.where == where], place)
    times_ms = [time_ms for point in points for time_ms in (point.p50_ms, point.p90_ms) if time_ms is not None]
    if max(times_ms) > _LOGARITHMIC * min(times_ms):
        _logarithmic(axes)
    axes.set(xlabel="p50 of one photo in ms (thin line: to p90)", ylabel="mAP macro in %")
    axes.margins(0.12, 0.14)
    make_plain(axes)
    add_legend(axes, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    _label(figure, axes, points)
    return figure


def _series(axes: Axes, points: Sequence[Point], place: int) -> None:
    colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place // len(COLOURS) % len(MARKERS)]
    best = [
        point for point in points
        if not any(other.p50_ms <= point.p50_ms and other.map_macro >= point.map_macro and other != point
                   for other in points)
    ]  # fmt: skip
    best.sort(key=lambda point: point.p50_ms)
    line = [point.p50_ms for point in best], [100 * point.map_macro for point in best]
    axes.plot(*line, color=colour, alpha=0.5, linewidth=1.2, drawstyle="steps-post")
    for point in points:
        if point.p90_ms is not None:
            axes.plot((point.p50_ms, point.p90_ms), (100 * point.map_macro,) * 2, color=colour, linewidth=1, alpha=0.7)
    axes.plot(
        [point.p50_ms for point in points], [100 * point.map_macro for point in points], linestyle="", marker=marker,
        markersize=7, color=colour, markerfacecolor="none" if points[0].emulated else colour, label=points[0].where,
    )  # fmt: skip


def _logarithmic(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _label(figure: Figure, axes: Axes, points: Sequence[Point]) -> None:
    """Each model's name once, beside its fastest point, where it hides least."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.transforms import Bbox

    canvas: Any = FigureCanvasAgg(figure)  # its get_renderer has no types
    figure.draw_without_rendering()
    hidden: list[Bbox] = []
    for point in points:
        x, y = axes.transData.transform((point.p50_ms, 100 * point.map_macro))
        hidden.append(Bbox.from_extents(x - 6, y - 6, x + 6, y + 6))
        if point.p90_ms is not None:
            end, _ = axes.transData.transform((point.p90_ms, 0))
            hidden.append(Bbox.from_extents(x, y - 1, end, y + 1))
    room = axes.get_window_extent()
    for model in dict.fromkeys(point.model for point in points):
        first = min((point for point in points if point.model == model), key=lambda point: point.p50_ms)
        texts = [_text(axes, first, place) for place in _PLACES]
        boxes = [_box(text, canvas.get_renderer()) for text in texts]
        lost = [_covered(box, hidden) + box.width * box.height - _covered(box, [room]) for box in boxes]
        best = lost.index(min(lost))
        hidden.append(boxes[best])
        for place, text in enumerate(texts):
            if place != best:
                text.remove()


def _text(axes: Axes, point: Point, place: tuple[float, float, str, float]) -> Annotation:
    x, y, align, far = place
    leader = {"arrowstyle": "-", "color": INK, "alpha": 0.35, "linewidth": 0.6, "shrinkB": 4} if far > 1 else None
    text = axes.annotate(
        point.model, (point.p50_ms, 100 * point.map_macro), xytext=(x, y), textcoords="offset points", ha=align,
        fontsize=8, color=INK, alpha=0.9, parse_math=False, arrowprops=leader,
    )  # fmt: skip
    text.set_in_layout(False)
    return text


def _box(text: Annotation, renderer: Any) -> Bbox:
    """Of the words alone, without the leader."""
    from matplotlib.text import Text

    text.update_positions(renderer)
    return Text.get_window_extent(text, renderer)


def _covered(box: Bbox, others: Sequence[Bbox]) -> float:
    """Pixels of `box` that something else takes too."""
    from matplotlib.transforms import Bbox

    shared = (Bbox.intersection(box, other) for other in others)
    return sum(each.width * each.height for each in shared if each is not None)


def write_chart(points: Sequence[Point], path: Path) -> None:
    """As PNG. Raises MissingExtraError, OutputError."""
    write_png(draw(points), path)
