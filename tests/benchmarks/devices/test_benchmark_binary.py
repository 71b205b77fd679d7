# ruff: noqa: E501  lines as they are printed
"""What `benchmark_model` prints, of both kinds and of several ages, and how it is called."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge_tagger.benchmarks.devices.benchmark_binary import (
    Operator,
    Phase,
    as_document,
    push_binary,
    read_report,
    run_binary,
)
from edge_tagger.benchmarks.devices.fake import FakeDevice
from edge_tagger.benchmarks.devices.session import Ended
from edge_tagger.errors import DeviceError, ModelError

AGAIN = "Running benchmark for at least %d iterations and at least 1 seconds but terminate if exceeding 150 seconds."
DELEGATED = (
    "Replacing 60 out of 64 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 3 partitions for subgraph 0."
)
HEAD = "\t             [Node type]\t  [count]\t  [avg ms]\t    [avg %]\t    [cdf %]\t  [mem KB]\t[times called]"
# The program of the Interpreter, on a phone, with the prefix of its log.
INTERPRETER = f"""\
I tflite  : Created TensorFlow Lite XNNPACK delegate for CPU.
I tflite  : {DELEGATED}
I tflite  : The input model file size (MB): 2.5
I tflite  : Initialized session in 91.25ms.
I tflite  : {AGAIN % 1}
I tflite  : count=3 first=240000 curr=200000 min=199000 max=240000 avg=213000 std=16500 p5=199000 median=200000 p95=240000

I tflite  : {AGAIN % 25}
I tflite  : count=25 first=187500 curr=141000 min=140000 max=195000 avg=145500 std=13500 p5=140500 median=141250 p95=187500

I tflite  : Inference timings in us: Init: 91250, First inference: 240000, Warmup (avg): 213000, Inference (avg): 145500
I tflite  : Memory footprint delta from the start of the tool (MB): init=54.25 overall=73.5
"""
# The program of CompiledModel, with its profiler.
COMPILED_MODEL = f"""\
VERBOSE: {DELEGATED}
INFO: Initialized session in 4.5ms.
INFO: {AGAIN % 1}
INFO: count=1000 first=1000 curr=470 min=440 max=1000 avg=465.5 std=18 p5=459 median=463 p95=478

INFO: {AGAIN % 2000}
INFO: count=2100 first=465 curr=460 min=440 max=980 avg=464.5 std=13 p5=460 median=462 p95=479

INFO: [./litert/tools/benchmark_litert_model.h:81]\x20
========== BENCHMARK RESULTS ==========
INFO: [./litert/tools/benchmark_litert_model.h:82] Model initialization: 4.50 ms
INFO: [./litert/tools/benchmark_litert_model.h:116] Overall footprint:    11.50 MB
============================== Run Order ==============================
\t                 [node type]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t             AllocateTensors\t    0.250\t    0.250\t  0.020%\t  0.020%\t   400.000\t        0\tAllocateTensors/0

Number of nodes executed: 3
============================== Summary by node type ==============================
{HEAD}
\t         Fully Connected (NC, PF32) GEMM\t        1\t     0.380\t    95.000%\t    95.000%\t     0.000\t        1
\t                     Static Reshape (NC)\t        2\t     0.020\t     5.000%\t   100.000%\t     0.000\t        1
\t                         AllocateTensors\t        1\t     0.000\t     0.000%\t   100.000%\t   400.000\t        0

Timings (microseconds): count=3100 first=950 curr=405 min=390 max=950 avg=410.5 std=14
Memory (bytes): count=0
"""
# An old one under a slow emulator: one warm-up run, exponents, no percentiles; two tables of operators.
OLD = f"""\
STARTING!
Initialized session in 17.5ms.
{AGAIN % 1}
count=1 curr=3500000

{AGAIN % 50}
count=50 first=2990000 curr=2910000 min=2720000 max=3190000 avg=2.95e+06 std=110000

Peak memory footprint (MB): init=5 overall=138.5
Profiling Info for Benchmark Initialization:
============================== Summary by node type ==============================
{HEAD}
\t         AllocateTensors\t        1\t     1.350\t   100.000%\t   100.000%\t     0.000\t        1

Timings (microseconds): count=1 curr=1350
Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Summary by node type ==============================
{HEAD}
\t                 CONV_2D\t       15\t     1.500\t    90.000%\t    90.000%\t     0.000\t        0
\t       DEPTHWISE_CONV_2D\t       13\t     0.150\t    10.000%\t   100.000%\t     0.000\t        0

Timings (microseconds): count=50 first=79500 curr=81500 min=77500 max=88500 avg=79750 std=1900
"""


def test_the_interpreter_s_program() -> None:
    report = read_report(INTERPRETER)
    assert report.init_ms == 91.25 and report.delegate == "XNNPACK" and report.operators == ()
    assert (report.warmup.count, report.warmup.first_ms) == (3, 240.0)
    assert report.runs == Phase(25, 187.5, 140.0, 195.0, 145.5, 13.5, 140.5, 141.25, 187.5)
    assert report.memory_bytes == round(73.5 * 2**20)


def test_the_program_of_compiled_model() -> None:
    report = read_report(COMPILED_MODEL)
    assert (report.init_ms, report.runs.count, report.runs.p50_ms) == (4.5, 2100, 0.462)
    assert report.memory_bytes == round(11.5 * 2**20)
    assert [operator.name for operator in report.operators] == [
        "Fully Connected (NC, PF32) GEMM", "Static Reshape (NC)", "AllocateTensors",
    ]  # fmt: skip
    assert report.operators[0] == Operator("Fully Connected (NC, PF32) GEMM", 1, 0.38, pytest.approx(0.95))


def test_an_old_program() -> None:
    report = read_report(OLD)
    assert report.warmup == Phase(1, 3500, 3500, 3500, 3500, 0, 3500, 3500, 3500)
    assert (report.runs.mean_ms, report.runs.p50_ms, report.delegate) == (2950, None, None)
    assert report.operators == (
        Operator("CONV_2D", 15, 1.5, pytest.approx(0.9)),
        Operator("DEPTHWISE_CONV_2D", 13, 0.15, pytest.approx(0.1)),
    )


@pytest.mark.parametrize(
    "printed", ["", "garbage", INTERPRETER.partition("Running")[0], INTERPRETER.replace("25 f", "0 f")]
)
def test_something_else(printed: str) -> None:
    with pytest.raises(ValueError, match="it has"):
        read_report(printed)


def test_its_document_is_the_worker_s_as_far_as_it_goes() -> None:
    document = as_document(read_report(INTERPRETER), threads=4, machine={"cpu": "Tensor G3"})
    assert (document["init_ms"], document["first_ms"], document["samples_ns"]) == (91.25, 240.0, None)
    assert document["phase"]["p50_ms"] == 141.25 and document["runtime"] == {"name": "benchmark_model", "version": None}
    assert document["memory"] == {"baseline_bytes": 0, "peak_bytes": round(73.5 * 2**20)}
    bare = as_document(read_report(INTERPRETER.replace("Memory", "-")), threads=4, machine={})
    assert bare["memory"] == {"baseline_bytes": None, "peak_bytes": None}


def run(ended: Ended, *, profile: bool = False) -> list[str]:
    """The words of the call, on a phone that answers with `ended`."""
    called: list[str] = []

    def answer(words: Sequence[str], folder: Path) -> Ended:
        assert folder.is_dir()
        called[:] = words
        return ended

    with FakeDevice(python=None, answer=answer).open() as session:
        report = run_binary(
            session, "model.tflite", "phone", threads=4, num_runs=25, min_duration_s=0.0, warmup_runs=3,
            min_warmup_s=0.0, profile=profile, timeout_s=300,
        )  # fmt: skip
    assert report.runs.count
    return called


def test_a_number_of_runs_overrides_every_least_time() -> None:
    words = run(Ended(0, INTERPRETER, ""))
    assert words == [
        "./benchmark_model", "--graph=model.tflite", "--num_threads=4", "--num_runs=25", "--min_secs=0.0",
        "--warmup_runs=4", "--warmup_min_secs=0.0", "--max_secs=300",
    ]  # fmt: skip
    assert run(Ended(0, "", OLD), profile=True)[-2:] == ["--enable_op_profiling=true", "--use_profiler=true"]


@pytest.mark.parametrize(
    ("ended", "error", "message"),
    [
        (
            Ended(1, "", "ERROR: Failed to load model model.tflite\nBenchmarking failed.\n"),
            ModelError,
            "Failed to load",
        ),
        (Ended(126, "", "/system/bin/sh: ./benchmark_model: not executable: 64-bit ELF file"), DeviceError, "ELF file"),
        (Ended(139, "", "Segmentation fault"), DeviceError, "ended with 139"),
        (Ended(0, "\x00noise", ""), DeviceError, "printed something else"),
    ],
)
def test_failures(ended: Ended, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        run(ended)
    assert "phone" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"\x7fELF" + bytes(14) + b"\xf3\x00", "is for another machine, and phone is x86_64"),
        (b"#!/bin/sh\n", "is no program for Android or Linux.*ai.google.dev"),
    ],
)
def test_a_program_for_another_machine_is_refused_before_it_is_pushed(
    head: bytes, message: str, tmp_path: Path
) -> None:
    if platform.machine() != "x86_64":
        pytest.skip("the fake device is this machine")
    (tmp_path / "benchmark_model").write_bytes(head)
    with FakeDevice().open() as session:
        with pytest.raises(DeviceError, match=message):
            push_binary(session, tmp_path / "benchmark_model", "phone")
        with pytest.raises(DeviceError, match=r"nope.*ai\.google\.dev"):
            push_binary(session, tmp_path / "nope", "phone")
        push_binary(session, Path("/bin/sh").resolve(), "phone")
        assert session.run(["./benchmark_model", "-c", "exit 4"], timeout_s=30).code == 4
