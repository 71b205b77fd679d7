"""The content of an "accuracy", "split" or "profile" in the file of a bench, held to its module's schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edge_tagger.benchmarks.operator_profile import KEYS
from edge_tagger.benchmarks.split import STEPS
from edge_tagger.json_fields import Fields

_FIGURES = ("map_macro", "map_micro", "f1_macro", "f1_micro", "ece", "top1", "coverage", "map", "f1")


def check_content(kind: str, content: Mapping[str, Any]) -> None:
    """Raises ValueError for what is not the content of that kind."""
    if kind not in _CHECKS:
        raise ValueError(f"an extra is a {kind!r}; it must be one of {', '.join(_CHECKS)}")
    _CHECKS[kind](Fields(content, kind))


def _accuracy(read: Fields) -> None:
    read.whole("photos"), read.text("photos_sha256"), read.flag("bit_equal"), read.number("largest_difference")
    read.text_or_none("figures_unavailable")
    if "figures" in read.value and read.value["figures"] is None:
        return
    figures = read.inside("figures")
    _check_figures(figures)
    facets = figures.inside("facets")
    for name in facets.value:
        _check_figures(facets.inside(name))
    for each in figures.each("labels") if "labels" in figures.value else ():
        each.text("column"), each.text_or_none("not_measured")


def _check_figures(read: Fields) -> None:
    for name in _FIGURES:
        if read.value.get(name) is not None:
            read.number(name)


def _split(read: Fields) -> None:
    read.whole("photos"), read.text("photos_sha256")
    for name in (*STEPS, "total_ms"):
        if name in read.value and read.value[name] is None and name == "scores_ms":
            continue
        if not (times := read.numbers(name)) or min(times) < 0 or (name == "total_ms" and sum(times) <= 0):
            raise ValueError(f"split.{name} has no times, or some below 0")


def _profile(read: Fields) -> None:
    types, *numbers = KEYS
    for each in read.each("operators"):
        each.text(types)
        for name in numbers:
            each.number(name)


_CHECKS: Mapping[str, Callable[[Fields], None]] = {"accuracy": _accuracy, "split": _split, "profile": _profile}
