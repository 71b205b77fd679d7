from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pytest

from edge_tagger.benchmarks.facts import Core, Facts
from edge_tagger.benchmarks.plan import PRESETS, Plan
from edge_tagger.benchmarks.results import DeviceRecord, Extra, Report, Result, Round
from edge_tagger.benchmarks.summary import Summary
from edge_tagger.benchmarks.tables import format_csv, format_markdown, format_report

CORES = tuple(Core(n, None, None, 300_000, 1_800_000 if n < 2 else 2_400_000, "schedutil") for n in range(4))
FACTS = Facts(model="Pi", cpu="A76", num_cores=4, memory_bytes=2**32, os="Debian", governor="performance", cores=CORES)
ROUND = Round(
    date="2026-01-01T00:00:00+00:00", init_ms=12.345, first_ms=2000, warmup_ms=(), stable=True,
    samples_ms=tuple(float(n) for n in range(1, 102)), every=1, overhead_us=1, baseline_bytes=10_000_000,
    peak_bytes=35_500_000, temperature_start_c=41.2, temperature_end_c=63.8, throttled=False,
)  # fmt: skip
CELL = Result(
    path="models/a.tflite", sha256="0", size_bytes=1_234_567, device="pi", emulated=False, threads=2, plan=Plan(),
    runtime={"name": "ai-edge-litert", "version": "2.3.0"}, delegate="XNNPACK", machine={"python": "3.13"},
    rounds=(ROUND,),
)  # fmt: skip


def report(*extras: Extra, plan: Plan = PRESETS["normal"], results: tuple[Result, ...] = (CELL,)) -> Report:
    devices = [DeviceRecord("pi", False, FACTS, 0.0), DeviceRecord("arm", True, Facts(), None)]
    return Report(plan, devices=devices, results=list(results), extras=list(extras))


def extra(kind: str, unavailable: str | None = None, **content: Any) -> Extra:
    return Extra(kind, "pi", "models/a.tflite", "0", 2, unavailable, content)


def test_a_row_says_everything_of_a_cell() -> None:
    head, row = (line.split() for line in format_report(report()).splitlines()[:2])
    assert row == [
        "a.tflite", "pi", "2", "1.23", "12.35", "2,000.00", "51.00", "91.00", "96.00", "100.00", "19.6", "25.5",
        "41", "→", "64", "no", "ai-edge-litert", "2.3.0,", "XNNPACK",
    ]  # fmt: skip
    assert head[5:10] == ["init", "first", "p50", "p90", "p95"]


def test_mlperf_shows_its_percentile_first() -> None:
    head = format_report(report(plan=PRESETS["mlperf"])).splitlines()[0].split()
    assert [word for word in head if word.startswith("p") and word[1:].isdigit()] == ["p90", "p50", "p95", "p99"]


def test_devices_tell_their_facts_and_what_cannot_be_read() -> None:
    text = format_report(report())
    assert (
        "pi: model Pi; cpu A76; cores 4; clocks 2 x 300-1800 MHz, 2 x 300-2400 MHz; governor performance; "
        "memory 4.0 GiB; os Debian; Python 3.13; unavailable: power mode" in text
    )
    assert "arm (emulated): unavailable: model, cpu, cores, clocks, governor, memory, os, power mode, Python" in text


def test_what_is_not_known_is_a_dash() -> None:
    reported = Summary(50, 1.0, 2.0, None, 3.0, None, 2.0, 0.1)
    bare = replace(
        ROUND, samples_ms=(), reported=reported, baseline_bytes=None, temperature_end_c=None, throttled=None,
        overhead_us=None,
    )  # fmt: skip
    cell = replace(CELL, rounds=(bare,), delegate=None, runtime={"name": "benchmark_model", "version": None})
    row = format_report(report(results=(cell,))).splitlines()[1]
    words = row.split()
    assert words[6:] == ["2.00", "-", "3.00", "-", "500.0", "-", "-", "-", "benchmark_model,", "delegate", "unknown"]


def test_accuracy_the_way_from_the_jpeg_and_operators() -> None:
    figures = {"map_macro": 0.5, "map_micro": None, "facets": {"colour": {"top1": 0.875}, "light": {"map": 0.1}}}
    accuracy = {"photos": 8, "bit_equal": False, "largest_difference": 0.0078125, "figures": figures}
    steps = {"decode_ms": [1.0, 9.0, 2.0], "resize_ms": [0.5] * 3, "invoke_ms": [4.0] * 3, "scores_ms": None}
    operators = [{"type": f"op {n}", "count": 2, "mean_ms": 1.0, "share": 0.05 if n else 0.4} for n in range(13)]
    text = format_report(report(
        extra("accuracy", **accuracy, figures_unavailable=None),
        extra("split", photos=3, **steps, total_ms=[5.5, 13.5, 6.5]),
        extra("profile", operators=operators),
    ))  # fmt: skip
    lines = [line.split() for line in text.splitlines()]
    assert ["a.tflite", "pi", "8", "87.5", "50.0", "-", "differ", "by", "0.0078"] in lines
    assert ["a.tflite", "pi", "2", "2.00", "0.500", "4.00", "-", "6.50", "117.6"] in lines
    assert ["op", "0", "2", "1.00", "40.0%"] in lines and ["3", "more", "types", "6", "3.00", "15.0%"] in lines


@pytest.mark.parametrize("kind", ["accuracy", "split", "profile"])
def test_what_is_unavailable_says_why(kind: str) -> None:
    assert f"a.tflite on pi: {kind} unavailable: no OpenCV" in format_report(report(extra(kind, "no OpenCV")))


def test_figures_that_cannot_be_computed_say_why() -> None:
    content = {"photos": 8, "bit_equal": True, "largest_difference": 0.0, "figures": None, "figures_unavailable": "why"}
    assert "a.tflite: no figures: why" in format_report(report(extra("accuracy", **content)))


def test_markdown_marks_emulated_rows() -> None:
    lines = format_markdown(report(results=(CELL, replace(CELL, device="arm", emulated=True)))).splitlines()
    assert lines[0].startswith("| model | device | threads | size MB |") and lines[1].startswith("| --- | --- | ---: |")
    assert len({line.count("|") for line in lines[:4]}) == 1
    assert "| arm (emulated) |" in lines[3] and lines[5].startswith("- Times in ms: at least 100 runs")


def test_csv_has_plain_numbers_and_blanks() -> None:
    cold = replace(CELL, rounds=(replace(ROUND, temperature_start_c=None),))
    (row,) = csv.DictReader(io.StringIO(format_csv(report(results=(cold,)))))
    assert (row["p50_ms"], row["memory_bytes"], row["samples"], row["throttled"]) == (
        "51.0",
        "25500000",
        "101",
        "False",
    )
    assert row["temperature_start_c"] == "" and row["runtime"] == "ai-edge-litert 2.3.0"
    assert format_csv(report(results=())).strip() == "model"
    (row,) = csv.DictReader(io.StringIO(format_csv(report(results=(replace(CELL, path="=1.tflite"),)))))
    assert row["model"] == "'=1.tflite"  # which no spreadsheet runs


def test_markdown_has_the_way_from_the_jpeg_and_accuracy_and_marks_emulated_devices_there_too() -> None:
    steps = {name: [1.0] for name in ("decode_ms", "resize_ms", "invoke_ms", "scores_ms", "total_ms")}
    content = {"photos": 8, "bit_equal": True, "largest_difference": 0.0, "figures": None, "figures_unavailable": "why"}
    extras = (extra("split", photos=1, **steps), extra("accuracy", **content))
    there = [replace(each, device="arm") for each in extras]
    text = format_markdown(report(*there))
    assert "| from JPEG to tags | device |" in text and "| accuracy | device |" in text
    assert text.count("| a.tflite | arm (emulated) |") == 2
    assert format_report(report(*there)).count("arm (emulated)") == 3
