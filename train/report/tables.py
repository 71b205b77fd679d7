"""The figures of edge_tagger.evaluate laid out for reading: a line for each figure, a column for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from edge_tagger.train.page import percent, points

Row: TypeAlias = Mapping[str, Any]
_OVERALL = {
    "map_macro": ("mAP macro", "average precision of the scores, mean over the tags"),
    "map_micro": ("mAP micro", "over all (photo, tag) pairs at once"),
    "f1_macro": ("F1 macro", "of the answers, thresholds applied, mean over the tags"),
    "f1_micro": ("F1 micro", "over all answers at once"),
}


@dataclass(frozen=True)
class Cell:
    """A figure as text, its difference to the first model's, and whether that is `good`, `bad` or "" (reads as 0)."""

    text: str
    difference: str = ""
    mood: str = ""


@dataclass(frozen=True)
class Line:
    title: str
    note: str
    cells: tuple[Cell, ...]


def headline(rows: Sequence[Row]) -> list[Line]:
    """Size and overall figures. `rows` are the "models" of edge_tagger.evaluate."""
    lines = [Line("size", "of the file", tuple(Cell(f"{row['size_bytes'] / 1e6:.2f} MB") for row in rows))]
    lines += [Line(title, note, _cells(rows, (name,))) for name, (title, note) in _OVERALL.items()]
    note = "expected calibration error of the scores: 0 is best"
    return [*lines, Line("ECE", note, _cells(rows, ("ece",), digits=2, higher_is_better=False))]


def by_facet(rows: Sequence[Row]) -> dict[str, list[Line]]:
    """Facet -> its lines: top-1 of each level of an exclusive facet, mAP and F1 of an any-of facet."""
    lines: dict[str, list[Line]] = {}
    for row in rows:
        for facet, figures in row["facets"].items():
            if facet not in lines:
                lines[facet] = _levels(rows, facet, figures) if "levels" in figures else _any_of(rows, facet)
    return lines


def _levels(rows: Sequence[Row], facet: str, figures: Row) -> list[Line]:
    lines = []
    for level, own in figures["levels"].items():
        if why := _not_measured(rows, facet, level):
            lines.append(Line(level, why, _cells(rows, ("facets", facet, "levels", level, "top1"))))
            continue
        unknown = "" if own["coverage"] in (None, 1) else f", {percent(1 - own['coverage'])} % with a label not learnt"
        cells = _cells(rows, ("facets", facet, "levels", level, "top1"))
        lines.append(Line(level, f"{own['photos']} photos{unknown}", cells))
    deepest = _cells(rows, ("facets", facet, "top1"))
    if deepest != lines[-1].cells:  # some photos have a blank there
        lines.append(Line("deepest", "each photo at the deepest level that it has a label for", deepest))
    return lines


def _any_of(rows: Sequence[Row], facet: str) -> list[Line]:
    why = _not_measured(rows, facet, None)
    return [
        Line("mAP", why or "mean over its tags", _cells(rows, ("facets", facet, "map"))),
        Line("F1", why or "over all its answers", _cells(rows, ("facets", facet, "f1"))),
    ]


def _not_measured(rows: Sequence[Row], facet: str, column: str | None) -> str:
    """Why no model was measured by the facet's column (of an any-of facet its only one); "" where one was."""
    whys = [
        each["not_measured"]
        for row in rows
        for each in row["labels"]
        if each["facet"] == facet and column in (each["column"], None)
    ]
    return f"not measured: {whys[0]}" if whys and all(whys) else ""


def _cells(
    rows: Sequence[Row], keys: Sequence[str], *, digits: int = 1, higher_is_better: bool = True
) -> tuple[Cell, ...]:
    """The figure that `keys` lead to in each row, and its difference to the first row's."""
    values = [_figure(row, keys) for row in rows]
    cells = [Cell(percent(values[0], digits))]
    for value in values[1:]:
        if value is None or values[0] is None:
            cells.append(Cell(percent(value, digits)))
            continue
        change = value - values[0]
        mood = "good" if (change > 0) == higher_is_better else "bad"
        reads_as_none = round(100 * change, digits) == 0
        cells.append(Cell(percent(value, digits), points(change, digits), "" if reads_as_none else mood))
    return tuple(cells)


def _figure(row: Row, keys: Sequence[str]) -> float | None:
    value: Any = row
    for key in keys:
        value = None if value is None else value.get(key)
    figure: float | None = value
    return figure
