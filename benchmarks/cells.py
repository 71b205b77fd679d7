"""How names and figures stand in tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path


def namer(paths: Sequence[str]) -> Callable[[str], str]:
    """File names, or whole paths where two files have one name."""
    distinct = set(paths)
    alone = len({Path(path).name for path in distinct}) == len(distinct)
    return lambda path: Path(path).name if alone else path


def device_name(name: str, emulated: bool) -> str:
    return f"{name} (emulated)" if emulated else name


def ms(time_ms: float | None) -> str:
    if time_ms is None:
        return "-"
    return f"{time_ms:,.2f}" if time_ms >= 1 else f"{time_ms:#.3g}"


def megabytes(size_bytes: int | None) -> str:
    return "-" if size_bytes is None else f"{size_bytes / 1e6:.1f}"


def percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def markdown(rows: Sequence[Sequence[str]], *, left: int) -> str:
    """A table; the first `left` columns lean left, the others right."""
    head, *body = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    rule = ["---" if column < left else "---:" for column in range(len(head))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *body))
