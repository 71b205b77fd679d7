"""LiteRT's own `benchmark_model`, for phones without Python: how it is called, and what it prints.

Two programs have that name, one of the Interpreter and one of CompiledModel. They print the same lines for each phase.
Neither prints single runs: outliers, drift and percentiles other than 5, 50 and 95 (in older versions those too) cannot
be known. Sources: tflite/tools/benchmark/benchmark_model.cc and litert/tools/benchmark_litert_model.h of LiteRT.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_tagger.benchmarks.devices.session import Session
from edge_tagger.errors import DeviceError, ModelError

WHERE = "https://ai.google.dev/edge/litert/models/measurement has prebuilt ones for Android and Linux"
NAME = "benchmark_model"
# e_machine of an ELF header -> the machines that run it, by uname -m.
MACHINES = {
    62: ("x86-64", r"x86_64"),
    183: ("64-bit ARM", r"aarch64|arm64"),
    40: ("32-bit ARM", r"arm.*|aarch64"),
    3: ("32-bit x86", r"i.86|x86_64"),
}


@dataclass(frozen=True)
class Phase:
    """The runs of one phase, in milliseconds. Percentiles are None in versions that do not print them."""

    count: int
    first_ms: float
    min_ms: float
    max_ms: float
    mean_ms: float
    stddev_ms: float
    p5_ms: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None


@dataclass(frozen=True)
class Operator:
    """All operators of one type, in one run: `mean_ms` and its `share` of the whole, 0..1."""

    name: str
    count: int
    mean_ms: float
    share: float


@dataclass(frozen=True)
class Report:
    """`memory_bytes` is the largest resident memory above that of the program before it opened the model.

    `delegate` is None where the program says nothing of one, `operators` empty without its profiler.
    """

    init_ms: float
    warmup: Phase
    runs: Phase
    memory_bytes: int | None
    delegate: str | None
    operators: tuple[Operator, ...]


def push_binary(session: Session, binary: Path, name: str) -> None:
    """Put the program into the session's folder. Raises DeviceError where it is for another machine."""
    try:
        with binary.open("rb") as file:
            head = file.read(20)
    except OSError as error:
        raise DeviceError(f"cannot read {binary} ({error.strerror}); {WHERE}") from error
    machine = session.run(["uname", "-m"], timeout_s=60).stdout.strip()
    made_for, runs_on = MACHINES.get(int.from_bytes(head[18:20], "little"), ("another machine", ""))
    if head[:4] != b"\x7fELF" or not re.fullmatch(runs_on, machine):
        kind = f"is for {made_for}" if head[:4] == b"\x7fELF" else "is no program for Android or Linux"
        raise DeviceError(f"{binary} {kind}, and {name} is {machine}; {WHERE}")
    session.push(binary, NAME)


def run_binary(
    session: Session,
    model: str,
    name: str,
    *,
    threads: int,
    num_runs: int,
    min_duration_s: float,
    warmup_runs: int,
    min_warmup_s: float,
    profile: bool = False,
    timeout_s: float,
) -> Report:
    """Measure the pushed file `model` with the pushed program. The first run is made on top of `warmup_runs`.

    `profile` asks for operators, which costs time: take no other figure from such a run. Raises ModelError where the
    program refuses the model, DeviceError where it cannot run or prints something else.
    """
    options: dict[str, object] = {
        "graph": model, "num_threads": threads, "num_runs": num_runs, "min_secs": min_duration_s,
        "warmup_runs": warmup_runs + 1, "warmup_min_secs": min_warmup_s, "max_secs": timeout_s,
    }  # fmt: skip
    if profile:  # each of the two programs knows one of these, and warns of the other
        options |= {"enable_op_profiling": "true", "use_profiler": "true"}
    ended = session.run([f"./{NAME}", *(f"--{key}={value}" for key, value in options.items())], timeout_s=timeout_s)
    printed = f"{ended.stdout}\n{ended.stderr}"
    if ended.code:
        said = [line.strip() for line in printed.splitlines() if re.search("error|fail|not |cannot|denied", line, re.I)]
        last = next((line for line in said if "Benchmarking failed" not in line), said[-1] if said else "no message")
        if re.search(r"Failed to (load|construct|allocate|create|invoke|apply)|Didn't find op", printed):
            raise ModelError(f"{model} cannot be measured on {name} ({last}); copy or convert it again")
        raise DeviceError(f"{name}: {NAME} ended with {ended.code}: {last}; {WHERE}")
    try:
        return read_report(printed)
    except ValueError as error:
        raise DeviceError(f"{name}: {NAME} printed something else than its figures ({error}); {WHERE}") from error


def read_report(printed: str) -> Report:
    """What the program printed on both its streams. Raises ValueError for what is missing."""
    init = re.search(r"Initialized session in ([\d.eE+]+)\s*ms", printed)
    phases = [_phase(line) for line in _phase_lines(printed)]
    if init is None or len(phases) != 2 or not phases[1].count:
        raise ValueError(f"it has {'no' if init is None else 'the'} time to initialize and {len(phases)} of 2 phases")
    memory = re.search(
        r"(?:Memory footprint delta from the start of the tool|Peak memory footprint) \(MB\): init=\S+ overall=([\d.]+)"
        r"|Overall footprint:\s*([\d.]+) MB",
        printed,
    )
    return Report(
        init_ms=float(init[1]),
        warmup=phases[0],
        runs=phases[1],
        memory_bytes=round(float(memory[1] or memory[2]) * 2**20) if memory else None,
        delegate=_delegate(printed),
        operators=_operators(printed),
    )


def _phase_lines(printed: str) -> list[str]:
    """The line of figures that follows each announcement of a phase; the profiler prints more of the kind."""
    found, announced = [], False
    for line in printed.splitlines():
        if "Running benchmark for at least" in line:
            announced = True
        elif announced and "count=" in line:
            found.append(line[line.index("count=") :])
            announced = False
    return found


def _phase(line: str) -> Phase:
    """Microseconds: `count=50 first=249042 curr=250889 min=.. max=.. avg=.. std=..`, and `p5= median= p95=` in newer
    versions; `count=1 curr=3512391` where all runs took the same."""
    figures = {key: float(value) for key, value in re.findall(r"(\w+)=([\d.eE+-]+)", line)}
    only = figures.get("curr", 0.0)
    percentiles = {
        ours: figures[theirs] / 1e3
        for ours, theirs in (("p5_ms", "p5"), ("p50_ms", "median"), ("p95_ms", "p95"))
        if theirs in figures
    }
    if "avg" not in figures and figures["count"]:
        percentiles = dict.fromkeys(("p5_ms", "p50_ms", "p95_ms"), only / 1e3)
    return Phase(
        count=int(figures["count"]),
        first_ms=figures.get("first", only) / 1e3,
        min_ms=figures.get("min", only) / 1e3,
        max_ms=figures.get("max", only) / 1e3,
        mean_ms=figures.get("avg", only) / 1e3,
        stddev_ms=figures.get("std", 0.0) / 1e3,
        **percentiles,
    )


def _delegate(printed: str) -> str | None:
    found = re.search(r"node\(s\) with delegate \((?:TfLite)?(\w+?)(?:Delegate(?:V2)?)?\) node", printed)
    return found[1].replace("XNNPack", "XNNPACK") if found else None


def _operators(printed: str) -> tuple[Operator, ...]:
    """The last table "Summary by node type": that of the runs, for one of the initialization comes before it."""
    rows = re.findall(
        r"^\s*(\S.*?)\t\s*(\d+)\t\s*([\d.]+)\t\s*([\d.]+)%\t",
        printed.rpartition("Summary by node type")[2].partition("Timings (microseconds)")[0],
        re.MULTILINE,
    )
    return tuple(
        Operator(name, int(count), float(mean_ms), float(percent) / 100) for name, count, mean_ms, percent in rows
    )


def as_document(report: Report, *, threads: int, machine: Mapping[str, Any]) -> dict[str, Any]:
    """The worker's document of a measurement, as far as it goes: `samples_ns` is None, `phase` stands in for it, and
    memory is counted from the program's start: its baseline is 0."""
    return {
        "init_ms": report.init_ms,
        "first_ms": report.warmup.first_ms if report.warmup.count else report.runs.first_ms,
        "warmup_ns": None,
        "stable": None,
        "samples_ns": None,
        "phase": vars(report.runs),
        "overhead_us": None,
        "memory": {"baseline_bytes": None if report.memory_bytes is None else 0, "peak_bytes": report.memory_bytes},
        "threads": threads,
        "runtime": {"name": NAME, "version": None},
        "delegate": report.delegate,
        "machine": dict(machine),
    }
