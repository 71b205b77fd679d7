from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_tagger.benchmarks.facts import Core, Facts
from edge_tagger.benchmarks.plan import Plan
from edge_tagger.benchmarks.results import DeviceRecord, Extra, Failure, Report, Result, Round
from edge_tagger.benchmarks.results_file import read_report, to_json, write_report
from edge_tagger.benchmarks.split import STEPS
from edge_tagger.benchmarks.summary import Summary
from edge_tagger.benchmarks.tables import format_csv, format_report
from edge_tagger.errors import DeviceError, ModelError, OutputError

ROUND = Round(
    date="2026-01-01T00:00:00+00:00", init_ms=1.0, first_ms=2.0, warmup_ms=(3.0,), stable=False,
    samples_ms=(1.0, 3.0), every=2, overhead_us=0.5, baseline_bytes=10, peak_bytes=25, temperature_start_c=40.0,
    temperature_end_c=50.0, throttled=True,
)  # fmt: skip
REPORTED = replace(ROUND, samples_ms=(), reported=Summary(5, 1.0, 2.0, None, None, None, 2.0, 0.0), peak_bytes=None)
PLAN = Plan(rounds=2)
CELL = Result(
    path="a.tflite", sha256="0", size_bytes=1, device="pi", emulated=True, threads=1, plan=PLAN,
    runtime={"name": "r", "version": "1"}, delegate="none", machine={"cores": 4}, rounds=(ROUND, ROUND),
)  # fmt: skip
REPORT = Report(
    PLAN, delegate="libx.so",
    devices=[DeviceRecord("pi", True, Facts(cores=(Core(0, 1, 2, 3, 4, "g"),)), 0.5)],
    results=[CELL, replace(CELL, threads=2, rounds=(REPORTED,), runtime={"name": "benchmark_model", "version": None})],
    extras=[Extra("split", "pi", "a.tflite", "0", 1, "why", {})],
    failures=[Failure("pi", None, None, "gone", 9)],
)  # fmt: skip


def test_a_report_comes_back_whole(tmp_path: Path) -> None:
    write_report(tmp_path / "b.json", REPORT)
    assert read_report(tmp_path / "b.json") == REPORT


def test_the_json_is_what_its_schema_says() -> None:
    written = to_json(REPORT)
    assert written["format"] == 2 and json.loads(json.dumps(written)) is not None
    cell = written["results"][0]
    assert cell["model"] == {"path": "a.tflite", "sha256": "0", "size_bytes": 1}
    assert cell["rounds"][0]["samples_ms"] == (1.0, 3.0) and cell["summary"]["count"] == 4
    assert cell["memory_bytes"] == 15 and cell["images_per_s"] == 500
    assert written["results"][1]["memory_bytes"] is None
    assert written["extras"][0]["model"] == {"path": "a.tflite", "sha256": "0"}


def test_the_first_failure_is_raised() -> None:
    with pytest.raises(DeviceError, match="gone"):
        REPORT.check()
    with pytest.raises(ModelError, match="bad"):
        Report(PLAN, failures=[Failure("pi", "a", 1, "bad", 5)]).check()
    Report(PLAN).check()


def test_a_round_without_samples_is_none() -> None:
    with pytest.raises(ValueError, match="without samples"):
        replace(ROUND, samples_ms=())


@pytest.mark.parametrize(
    "changed",
    [
        {"format": 1}, {"plan": {}}, {"plan": {"num_runs": 0}}, {"results": None}, {"devices": [{}]},
        {"results": [{}]}, {"extras": [1]}, {"failures": [{"x": 1}]},
    ],
)  # fmt: skip
def test_what_bench_did_not_write_is_refused(changed: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_text(json.dumps({**to_json(REPORT), **changed}))
    if changed == {"plan": {}}:
        assert read_report(path).plan == Plan()
        return
    with pytest.raises(OutputError, match="is not what `edge-tagger bench --json` writes"):
        read_report(path)


SPLIT: dict[str, Any] = {"photos": 1, "photos_sha256": "0", **{step: [1.0] for step in (*STEPS, "total_ms")}}
ACCURACY: dict[str, Any] = {
    "photos": 1, "photos_sha256": "0", "bit_equal": True, "largest_difference": 0.0, "figures_unavailable": None,
    "figures": {
        "map_macro": 0.5, "facets": {"a": {"top1": None, "coverage": 1.0}},
        "labels": [{"column": "c", "not_measured": None}],
    },
}  # fmt: skip
PROFILE = {"operators": [{"type": "x", "count": 1, "mean_ms": 1.0, "share": 1.0}]}
WHOLE = replace(
    REPORT,
    extras=[
        Extra(kind, "pi", "a.tflite", "0", 1, None, content)
        for kind, content in (("split", SPLIT), ("accuracy", ACCURACY), ("profile", PROFILE))
    ],
)


def test_extras_of_every_kind_come_back(tmp_path: Path) -> None:
    write_report(tmp_path / "b.json", WHOLE)
    assert read_report(tmp_path / "b.json") == WHOLE


def test_any_field_of_another_type_is_refused_or_can_be_shown(tmp_path: Path) -> None:
    """Each field in turn is replaced: what is read nevertheless makes a table."""
    whole = json.loads(json.dumps(to_json(WHOLE)))
    path, refused = tmp_path / "b.json", 0
    for place in list(places(whole))[1:]:
        for other in (None, True, -1, "x", [], {}, 10**30, "gone"):
            changed = json.loads(json.dumps(whole))
            *above, last = place
            inner = changed
            for key in above:
                inner = inner[key]
            if other == "gone":
                del inner[last]
            else:
                inner[last] = other
            path.write_text(json.dumps(changed))
            try:
                report = read_report(path)
            except OutputError:
                refused += 1
            else:
                assert format_report(report) and format_csv(report)
    assert refused > 500


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield above
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*above, key))


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, '{"format": 2}', "\xff"])
def test_no_report_at_all(text: str, tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(OutputError, match="measure again"):
        read_report(path)
    with pytest.raises(OutputError, match="cannot read"):
        read_report(tmp_path / "none.json")
