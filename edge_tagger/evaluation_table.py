"""The figures of edge_tagger.evaluate as a plain text table for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edge_tagger.table import table

_OVERALL = {
    "mAP macro": ("map_macro",),
    "mAP micro": ("map_micro",),
    "F1 macro": ("f1_macro",),
    "F1 micro": ("f1_micro",),
}


def format_table(result: Mapping[str, Any]) -> str:
    """One row for each model, figures in percent; below each but the first its difference to the first, in points.

    A second table gives top-1 at the levels of facets that have several. `result` is what evaluate returns.
    """
    rows = result["models"]
    columns = {**_facet_columns(rows), **_OVERALL}
    lines = [["model", "MB", *columns]]
    for place, row in enumerate(rows):
        lines.append([row["path"], f"{row['size_bytes'] / 1e6:.2f}", *_figures(row, columns, ".1f")])
        if place:
            lines.append(["  difference", "", *_figures(row["difference"], columns, "+.1f")])
    parts = ["\n".join(table(lines))]
    levels = _level_columns(rows)
    if levels:
        lines = [["top-1 by level", *levels], *([row["path"], *_figures(row, levels, ".1f")] for row in rows)]
        parts.append("\n".join(table(lines)))
    failed = f"; {result['failed']} more could not be read" if result["failed"] else ""
    return "\n\n".join([*parts, f"{rows[0]['photos']} photos{failed}"])


def _facet_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Title -> keys that lead to the figure: one column for an exclusive facet, two for an any-of facet."""
    columns: dict[str, tuple[str, ...]] = {}
    for row in rows:
        for facet, figures in row["facets"].items():
            for name, title in (("top1", "top-1"), ("map", "mAP"), ("f1", "F1")):
                if name in figures:
                    columns[f"{facet} {title}"] = ("facets", facet, name)
    return columns


def _level_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    columns: dict[str, tuple[str, ...]] = {}
    for row in rows:
        for facet, figures in row["facets"].items():
            levels = figures.get("levels", {})
            if len(levels) > 1:
                columns |= {level: ("facets", facet, "levels", level, "top1") for level in levels}
    return columns


def _figures(row: Mapping[str, Any], columns: Mapping[str, Sequence[str]], form: str) -> list[str]:
    """The row's figures in percent; "-" where a model has no such facet or no photo could tell."""
    cells = []
    for keys in columns.values():
        value: Any = row
        for key in keys:
            value = None if value is None else value.get(key)
        # + 0.0 turns -0.0, which would print as a loss, into 0.0.
        cells.append("-" if value is None else format(round(100 * value, 1) + 0.0, form))
    return cells
