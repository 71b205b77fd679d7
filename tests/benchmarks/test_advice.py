from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edge_tagger.benchmarks import advice
from edge_tagger.benchmarks.facts import Core, Facts
from edge_tagger.benchmarks.plan import Plan
from edge_tagger.benchmarks.results import DeviceRecord, Report, Result, Round

QUIET = DeviceRecord("pi", False, Facts(num_cores=4, governor="performance"), load=0.1)
ROUND = Round(
    date="2026-01-01T00:00:00+00:00", init_ms=1, first_ms=2, warmup_ms=(2.0,), stable=True,
    samples_ms=(10.0, 10.1) * 60, every=1, overhead_us=1, baseline_bytes=1, peak_bytes=2,
    temperature_start_c=40.0, temperature_end_c=60.0, throttled=False, under_voltage=False,
)  # fmt: skip


def result(*rounds: Round, threads: int = 1) -> Result:
    return Result(
        path="a.tflite", sha256="0", size_bytes=1, device="pi", emulated=False, threads=threads, plan=Plan(),
        runtime={"name": "r", "version": "1"}, delegate="none", machine={"cores": 4}, rounds=rounds or (ROUND,),
    )  # fmt: skip


def said(device: DeviceRecord, *results: Result) -> list[str]:
    return advice.advise(Report(Plan(), devices=[device], results=list(results)))


def test_a_quiet_device_gets_none() -> None:
    assert said(QUIET, result()) == []


@pytest.mark.parametrize(
    ("device", "line"),
    [
        (replace(QUIET, emulated=True), "pi: emulated; its times say nothing about a real device"),
        (replace(QUIET, facts=replace(QUIET.facts, governor="ondemand, performance")), "pi: the governor is ondemand:"),
        (replace(QUIET, facts=replace(QUIET.facts, governor="powersave")), "pi: the governor is powersave:"),
        (replace(QUIET, facts=replace(QUIET.facts, power_mode="battery saver")), "pi: the power mode is battery saver"),
        (replace(QUIET, facts=replace(QUIET.facts, charging=False)), "pi: it runs on its battery"),
        (replace(QUIET, load=2.0), "pi: the load average was 2 on 4 cores before"),
    ],
)
def test_rules_of_a_device(device: DeviceRecord, line: str) -> None:
    (found,) = said(device, result())
    assert found.startswith(line)


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"throttled": True, "temperature_end_c": 61.7}, "throttled from 62 °C on"),
        ({"throttled": True, "temperature_end_c": None}, "throttled: these"),
        ({"under_voltage": True}, "the supply was too weak"),
        ({"temperature_end_c": 80.5}, "80 °C at the end"),
        ({"samples_ms": (10.0,) * 116 + (31.0,) * 4}, "p99 is 3.1 x p50: other load"),
        ({"samples_ms": (10.0,) * 40 + (10.4,) * 40 + (10.8,) * 40}, "slower by 8% from the first third"),
        ({"samples_ms": (11.0,) * 40 + (10.4,) * 40 + (10.0,) * 40}, "faster by 9% from the first third"),
        ({"stable": False}, "not stable after 3 s of warm-up"),
        ({"samples_ms": (10.0,) * 99}, "99 samples are too few for p99"),
    ],
)
def test_rules_of_a_cell(changed: dict[str, Any], line: str) -> None:
    (found,) = said(QUIET, result(replace(ROUND, **changed)))
    assert found.startswith(f"pi, a.tflite, threads 1: {line}")


def test_what_lies_just_under_a_bound_is_no_reason() -> None:
    fine = (
        {"temperature_end_c": 80.0}, {"stable": None}, {"samples_ms": (10.0,) * 116 + (29.0,) * 4},
        {"samples_ms": (10.0,) * 50 + (10.4,) * 50}, {"throttled": None, "under_voltage": None},
    )  # fmt: skip
    assert [said(QUIET, result(replace(ROUND, **changed))) for changed in fine] == [[]] * len(fine)


def test_drift_is_sought_in_each_round_and_not_between_them() -> None:
    assert said(QUIET, result(ROUND, replace(ROUND, samples_ms=(12.0,) * 60))) == []


def test_threads_and_cores() -> None:
    assert "5 threads on 4 cores" in said(QUIET, result(threads=5))[0]
    unlike = tuple(Core(n, None, None, 300_000, 2_400_000 if n > 1 else 1_800_000, None) for n in range(4))
    device = replace(QUIET, facts=replace(QUIET.facts, cores=unlike))
    assert said(device, result(threads=2)) == []
    assert "3 threads, and only 2 of 4 cores are of the fastest kind" in said(device, result(threads=3))[0]


def test_what_cells_share_is_said_once() -> None:
    few = replace(ROUND, samples_ms=(10.0,) * 20)
    (line,) = said(QUIET, result(few), result(few, threads=2))
    assert line.startswith("2 rows: 20 samples are too few")
