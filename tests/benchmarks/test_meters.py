"""A phone without Python: LiteRT's benchmark_model in the place of the worker."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge_tagger.benchmarks.device_bench import Job
from edge_tagger.benchmarks.devices.fake import FakeDevice
from edge_tagger.benchmarks.devices.session import Ended
from edge_tagger.benchmarks.plan import Plan
from edge_tagger.benchmarks.runner import run

TINY = Path(__file__).resolve().parents[1] / "data" / "tiny-uint8.tflite"
PHASE = "Running benchmark for at least 1 iterations and at least 1 seconds but terminate if exceeding 150 seconds.\n"
PRINTED = f"""Initialized session in 4.5ms.
{PHASE}count=5 first=9000 curr=2000 min=1900 max=9000 avg=3000 std=100
{PHASE}count=50 first=2000 curr=2000 min=1900 max=2400 avg=2100 std=50 p5=1950 median=2050 p95=2300
Memory footprint delta from the start of the tool (MB): init=2.5 overall=4.0
"""
OPERATORS = """============================== Summary by node type ==============================
\t             [Node type]\t  [count]\t  [avg ms]\t    [avg %]\t    [cdf %]\t  [mem KB]\t[times called]
\t         Fully Connected\t        3\t     1.500\t    75.000%\t    75.000%\t     0.000\t        1
\t                     ADD\t        1\t     0.500\t    25.000%\t   100.000%\t     0.000\t        0

Timings (microseconds): count=50 first=950 curr=405 min=390 max=950 avg=410.5 std=14
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the program's header names x86-64")
def test_benchmark_model_measures_where_there_is_no_python(tmp_path: Path) -> None:
    binary = tmp_path / "benchmark_model"
    binary.write_bytes(b"\x7fELF" + bytes(14) + b"\x3e\x00")
    called: list[Sequence[str]] = []

    def answer(words: Sequence[str], folder: Path) -> Ended:  # noqa: ARG001
        if words[0] == "uname":
            return Ended(0, "x86_64\n", "")
        if words[0] == "sh":
            return Ended(0, "cpu=A76\ncores=8\nos=Android 14 (API 34)\narch=aarch64\n", "")
        called.append(words)
        return Ended(0, PRINTED + (OPERATORS if "--enable_op_profiling=true" in words else ""), "")

    device = FakeDevice(name="phone", python=None, answer=answer)
    report = run([TINY], Job(plan=Plan(rounds=2), threads=(4,), profile=True, binary=binary), devices=[device])
    report.check()
    (result,) = report.results
    assert [each.samples_ms for each in result.rounds] == [(), ()]
    s = result.summary
    assert (s.count, s.p50_ms, s.p90_ms, s.p95_ms, s.p99_ms, s.mean_ms) == (100, 2.05, None, 2.3, None, 2.1)  # of both
    assert (result.init_ms, result.first_ms, result.memory_bytes) == (4.5, 9.0, 4 * 2**20)
    assert (result.machine["cpu"], result.runtime["name"]) == ("A76", "benchmark_model")
    assert {"--num_threads=4", "--num_runs=50", "--min_secs=1.5"} <= set(called[0])
    (profile,) = report.of_kind("profile")
    assert profile.content["operators"][0] == {"type": "Fully Connected", "count": 3, "mean_ms": 1.5, "share": 0.75}


def test_with_python_there_the_worker_measures(tmp_path: Path) -> None:
    binary = tmp_path / "benchmark_model"
    binary.write_bytes(b"no program at all")
    report = run([TINY], Job(plan=Plan(num_runs=2, min_duration_s=0, max_warmup_s=0, rounds=1), binary=binary))
    report.check()
    assert report.results[0].machine["python"] == ".".join(map(str, sys.version_info[:3]))
