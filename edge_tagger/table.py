"""Rows of text as aligned lines."""

from __future__ import annotations

from collections.abc import Sequence

from edge_tagger.terminal import printable


def table(rows: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    """Rows as lines, two spaces between columns; the first `left` columns lean left, the others right. What is not
    printable is escaped, so that columns stay columns."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
