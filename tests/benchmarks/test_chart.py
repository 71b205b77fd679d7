from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import pytest

from edge_tagger.benchmarks.chart import Point, draw, points_of, write_chart
from edge_tagger.benchmarks.plan import Plan
from edge_tagger.benchmarks.results import Extra, Report, Result, Round
from edge_tagger.charts import svg_of
from edge_tagger.errors import MissingExtraError, OutputError

ROUND = Round(
    date="2026-01-01T00:00:00+00:00", init_ms=1.0, first_ms=2.0, warmup_ms=(), stable=True, samples_ms=(10.0, 12.0),
    every=1, overhead_us=0.5, baseline_bytes=10, peak_bytes=30,
)  # fmt: skip
CELL = Result(
    path="x/a.tflite", sha256="a", size_bytes=1, device="local", emulated=False, threads=1, plan=Plan(),
    runtime={"name": "r", "version": "1"}, delegate="none", machine={}, rounds=(ROUND,),
)  # fmt: skip
POINT = Point("a", "local, 1 thread", False, 10.0, 12.0, 0.8)


def accuracy(sha256: str, device: str, map_macro: float | None) -> Extra:
    figures = None if map_macro is None else {"map_macro": map_macro}
    return Extra("accuracy", device, "a.tflite", sha256, 1, None, {"figures": figures})


def test_points_have_the_accuracy_of_their_device_or_else_of_another() -> None:
    cells = [CELL, replace(CELL, device="phone", emulated=True, threads=2), replace(CELL, sha256="b", path="b.tflite")]
    extras = [accuracy("a", "local", 0.8), accuracy("b", "local", None)]
    found = points_of(Report(Plan(), results=cells, extras=extras))
    assert [(point.model, point.where, point.emulated, point.map_macro) for point in found] == [
        ("a", "local, 1 thread", False, 0.8),
        ("a", "phone (emulated), 2 threads", True, 0.8),
    ]
    assert (found[0].p50_ms, found[0].p90_ms) == (11.0, pytest.approx(11.8))
    there = points_of(Report(Plan(), results=cells, extras=[*extras, accuracy("a", "phone", 0.7)]))
    assert [point.map_macro for point in there] == [0.8, 0.7]
    given = points_of(Report(Plan(), results=cells, extras=extras), {"b": 0.5})
    assert [(point.model, point.map_macro) for point in given] == [("b", 0.5)]


def test_names_do_not_hide_each_other_nor_points() -> None:
    """Twenty models close together on three devices."""
    points = [
        Point(f"resnet{n}-float16", where, False, scale * (10 + n % 7), None, 0.7 + 0.005 * n)
        for n in range(20)
        for where, scale in (("local", 1.0), ("pi", 4.0), ("phone", 30.0))
    ]
    figure = draw(points)
    (axes,) = figure.axes
    figure.draw_without_rendering()
    texts = [text for text in axes.texts if text.get_text()]
    assert sorted(text.get_text() for text in texts) == sorted({point.model for point in points})
    from matplotlib.text import Text

    boxes = [Text.get_window_extent(text) for text in texts]
    hidden = [(a, b) for place, a in enumerate(boxes) for b in boxes[:place] if a.overlaps(b)]
    assert hidden == []
    places = axes.transData.transform([(point.p50_ms, 100 * point.map_macro) for point in points])
    assert not any(box.contains(*place) for box in boxes for place in places)
    assert axes.get_xscale() == "log"


def test_the_step_line_leads_along_the_models_that_no_other_beats() -> None:
    points = [POINT, replace(POINT, model="slow and worse", p50_ms=20.0, map_macro=0.7),
              replace(POINT, model="slow and better", p50_ms=20.0, map_macro=0.9)]  # fmt: skip
    axes = draw(points).axes[0]
    steps = next(line for line in axes.lines if line.get_drawstyle() == "steps-post")
    assert list(steps.get_xdata()) == [10.0, 20.0] and list(steps.get_ydata()) == pytest.approx([80, 90])
    assert axes.get_xscale() == "linear" and axes.get_legend() is not None


def test_emulated_devices_are_hollow() -> None:
    axes = draw([POINT, replace(POINT, where="pi (emulated)", emulated=True)]).axes[0]
    faces = [line.get_markerfacecolor() for line in axes.lines if line.get_marker() not in ("None", None)]
    assert faces[0] != "none" and faces[1] == "none"


def test_png_and_svg(tmp_path: Path) -> None:
    name = "a$b_$"  # no mathematics
    write_chart([replace(POINT, model=name)], tmp_path / "chart.png")
    image = cv2.imread(str(tmp_path / "chart.png"))
    assert image is not None and image.shape[:2] == (800, 1280)
    svg = svg_of(draw([replace(POINT, model=name)]), "latency")
    assert f">{name}<" in svg and "currentColor" in svg and 'id="latency-' in svg
    with pytest.raises(OutputError, match="cannot write"):
        write_chart([POINT], tmp_path / "none" / "chart.png")
    with pytest.raises(ValueError, match="no points"):
        draw([])


def test_without_matplotlib(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setattr("edge_tagger.charts.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="pip install matplotlib"):
        write_chart([POINT], tmp_path / "chart.png")
    assert list(tmp_path.iterdir()) == []
