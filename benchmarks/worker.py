"""Measures one .tflite in a process of its own. Runs alone on the device: Python 3.9, numpy and a TFLite runtime.

    python worker.py MODEL --threads 1 --warmup-runs 5 --num-runs 50 --seed 0

The last line of standard output is one JSON document:

    {"init_ms", "first_ms", "samples_ms": [..], "memory": {"baseline_bytes", "peak_bytes"},
     "runtime": {"name", "version"}, "machine": {"cpu", "cores", "os", "arch", "python"}}

`init_ms` is making the interpreter and allocating its tensors, `first_ms` the first run, `samples_ms` the runs after
the warm-up; only invoke() is timed, on perf_counter_ns. `peak_bytes` is the largest resident memory of the process
so far and `baseline_bytes` the same before the model was opened, so the model's own part is their difference; both are
null where the system does not tell. Where a model cannot be measured the document is {"error": {"kind", "message"}},
kind "model" or "device", and the exit code 1.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.metadata
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

# Module, distribution that has its version.
RUNTIMES = (
    ("ai_edge_litert.interpreter", "ai-edge-litert"),
    ("tflite_runtime.interpreter", "tflite-runtime"),
    ("tensorflow.lite.python.interpreter", "tensorflow"),
)


class WorkerError(Exception):
    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def measure(model: str, *, threads: int, warmup_runs: int, num_runs: int, seed: int) -> dict[str, Any]:
    """The document of this module's docstring. Raises WorkerError."""
    runtime, name, version = find_runtime()
    draw = np.random.default_rng(seed)
    baseline_bytes = peak_memory_bytes()
    try:
        started = time.perf_counter_ns()
        interpreter = runtime.Interpreter(model_path=model, num_threads=threads)
        interpreter.allocate_tensors()
        init_ms = elapsed_ms(started)
        for detail in interpreter.get_input_details():
            interpreter.set_tensor(detail["index"], random_input(draw, detail["shape"], detail["dtype"]))
        first_ms = timed_run(interpreter)
        for _ in range(warmup_runs):
            timed_run(interpreter)
        gc.disable()
        samples_ms = [timed_run(interpreter) for _ in range(num_runs)]
        gc.enable()
    except (ValueError, RuntimeError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise WorkerError("model", lines[0]) from error
    return {
        "init_ms": init_ms,
        "first_ms": first_ms,
        "samples_ms": samples_ms,
        "memory": {"baseline_bytes": baseline_bytes, "peak_bytes": peak_memory_bytes()},
        "runtime": {"name": name, "version": version},
        "machine": {
            "cpu": cpu_model(),
            "cores": cores(),
            "os": f"{platform.system()} {platform.release()}",
            "arch": platform.machine(),
            "python": platform.python_version(),
        },
    }


def find_runtime() -> tuple[Any, str, str]:
    """The first runtime that is installed: its module, name and version."""
    for module, distribution in RUNTIMES:
        try:
            return importlib.import_module(module), distribution, importlib.metadata.version(distribution)
        except ModuleNotFoundError:  # importlib.metadata's PackageNotFoundError is one too
            continue
    raise WorkerError("device", "no TFLite runtime is installed there; pip install ai-edge-litert (or tflite-runtime)")


def random_input(draw: np.random.Generator, shape: Any, dtype: Any) -> Any:
    """Pixels over the whole range of 8 bits, 0..255 as floats; zeros for types that hold no pixels (indices, say)."""
    kind = np.dtype(dtype)
    if kind in (np.uint8, np.int8):
        limits = np.iinfo(kind)
        return draw.integers(limits.min, limits.max, size=shape, dtype=kind, endpoint=True)
    if kind in (np.float32, np.float16):
        return (draw.random(size=shape) * 255).astype(kind)
    return np.zeros(shape, dtype=kind)


def timed_run(interpreter: Any) -> float:
    started = time.perf_counter_ns()
    interpreter.invoke()
    return elapsed_ms(started)


def elapsed_ms(started_ns: int) -> float:
    return (time.perf_counter_ns() - started_ns) / 1e6


def peak_memory_bytes() -> int | None:
    """VmHWM where there is /proc: on Linux ru_maxrss survives exec and may be the parent's."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def cpu_model() -> str:
    """What /proc/cpuinfo or the device tree (a Raspberry Pi) calls it, else what Python knows."""
    try:
        fields = [line.partition(":") for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines()]
        known = {name.strip(): value.strip() for name, _, value in fields}
        for field in ("model name", "Model", "Hardware"):
            if known.get(field):
                return known[field]
        return Path("/proc/device-tree/model").read_text(errors="replace").strip("\0\n ")
    except OSError:
        return platform.processor() or platform.machine()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure one .tflite and print one JSON document.")
    parser.add_argument("model")
    for option, default in (("--threads", 1), ("--warmup-runs", 5), ("--num-runs", 50), ("--seed", 0)):
        parser.add_argument(option, type=int, default=default)
    given = parser.parse_args()
    try:
        document, code = measure(**vars(given)), 0
    except WorkerError as error:
        document, code = {"error": {"kind": error.kind, "message": str(error)}}, 1
    print(json.dumps(document), flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
