"""Measures a .tflite on the device that it lies on. Runs alone there: Python 3.9, numpy and a TFLite runtime.

    python worker.py REQUEST DOCUMENT

Both are JSON files in the folder that it runs in, and so is every file that the request names:

    {"mode": "measure" | "scores", "model": "a.tflite", "threads": 1, "backend": "auto" | a key of RUNTIMES,
     "delegate": null | library, "codes": null | what the input stores for pixel values 0..255, [256] or [256, 3],
     measure: "photos": null | "photos.npy", "num_runs", "min_duration_s", "warmup_runs", "max_warmup_s", "window",
              "tolerance", "seed" (edge_tagger.benchmarks.plan)
     scores:  "photos": uint8 [n, S, S, 3], "scores": the .npz to write}

The documents, all with "threads", "runtime": {"name", "version"}, "delegate" ("XNNPACK", the library's name, or "none")
and "machine": {"cpu", "cores", "os", "arch", "python"}:

    measure: {"init_ms", "first_ms", "warmup_ns": [..], "stable": true | false | null (a fixed number was asked for),
              "samples_ns": [..] of each run, or of "every" k-th where there are more than MOST_SAMPLES,
              "overhead_us", "memory": {"baseline_bytes", "peak_bytes"}}
    scores:  {"photos": n}; the .npz has what output k stores as array "k", [n, N]
    any:     {"error": {"kind": "model" | "device" | "unavailable", "message"}}, and the exit code is 1

`init_ms` is making the interpreter and allocating its tensors, `first_ms` the first run. Samples are on perf_counter_ns
around invoke() alone, the garbage collector off, the affinity as it was. `overhead_us` is what a turn of the same loop
takes around nothing. `peak_bytes` is the largest resident memory of the process and `baseline_bytes` what it had before
it opened the model: Python, numpy, the runtime. Both are null where the system does not tell.
"""

# ruff: noqa: B905, UP035  - this runs on Python 3.9
from __future__ import annotations

import gc
import importlib
import importlib.metadata
import json
import os
import platform
import statistics
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable

import numpy as np

# Name, as pip has it -> module of the interpreter.
RUNTIMES = {
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
    "tensorflow": "tensorflow.lite.python.interpreter",
}
MOST_SAMPLES = 20_000
_OVERHEAD_TURNS = 10_000
_TELL_EVERY_NS = 1_000_000_000


class WorkerError(Exception):
    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Opened:
    """An interpreter that is ready, and how it came to be. Raises WorkerError."""

    def __init__(self, request: dict[str, Any]) -> None:
        runtime, self.name, self.version = find_runtime(request["backend"])
        self.threads, self.library = request["threads"], request["delegate"]
        self.baseline_bytes = reset_peak()
        try:
            delegates = [runtime.load_delegate(self.library)] if self.library else None
            started = time.perf_counter_ns()
            self.interpreter = runtime.Interpreter(
                model_path=request["model"], num_threads=self.threads, experimental_delegates=delegates
            )
            self.interpreter.allocate_tensors()
            self.init_ms = (time.perf_counter_ns() - started) / 1e6
        except (ValueError, RuntimeError, OSError) as error:
            raise WorkerError("model", first_line(error)) from error

    def context(self) -> dict[str, Any]:
        runtime = {"name": self.name, "version": self.version}
        return {"threads": self.threads, "runtime": runtime, "delegate": self.delegate(), "machine": machine()}

    def delegate(self) -> str:
        """What runs a part of the model: delegated parts stand in the list of operators as DELEGATE."""
        try:
            delegated = any(operator["op_name"] == "DELEGATE" for operator in self.interpreter._get_ops_details())
        except AttributeError:  # the list has no public name
            return Path(self.library).name if self.library else "unknown"
        if not delegated:
            return "none"
        return Path(self.library).name if self.library else "XNNPACK"

    def store(self, pixels: Any, codes: Any) -> None:
        """Give the model uint8 [S, S, 3]."""
        taken = self.interpreter.get_input_details()[0]
        if codes is None:
            raise WorkerError("device", "the request has photos and no codes")
        stored = codes[pixels] if codes.ndim == 1 else codes[pixels, np.arange(3)]
        self.interpreter.set_tensor(taken["index"], stored[np.newaxis].astype(taken["dtype"], copy=False))


def measure(request: dict[str, Any]) -> dict[str, Any]:
    photos = np.load(request["photos"]) if request["photos"] else None
    opened = Opened(request)
    invoke, feed = opened.interpreter.invoke, feeder(opened, request, photos)
    gc.disable()
    try:
        first_ns = timed_runs(invoke, feed, least=1)[0][0]
        warmup_ns, stable = warm_up(invoke, feed, request)
        least, seconds = request["num_runs"], request["min_duration_s"]
        samples_ns, every = timed_runs(invoke, feed, least=least, seconds=seconds, tell=True)
    except (ValueError, RuntimeError) as error:
        raise WorkerError("model", first_line(error)) from error
    finally:
        gc.enable()
    peak_bytes = peak_memory_bytes()
    return {
        "init_ms": opened.init_ms,
        "first_ms": first_ns / 1e6,
        "warmup_ns": warmup_ns,
        "stable": stable,
        "samples_ns": samples_ns,
        "every": every,
        "overhead_us": overhead_us(),
        "memory": {"baseline_bytes": opened.baseline_bytes, "peak_bytes": peak_bytes},
        **opened.context(),
    }


def scores(request: dict[str, Any]) -> dict[str, Any]:
    photos = np.load(request["photos"], mmap_mode="r")
    opened, codes = Opened(request), stored_codes(request)
    places = [detail["index"] for detail in opened.interpreter.get_output_details()]
    given: list[list[Any]] = [[] for _ in places]
    told = time.perf_counter_ns()
    for done, pixels in enumerate(photos, 1):
        opened.store(pixels, codes)
        opened.interpreter.invoke()
        for own, place in zip(given, places):
            own.append(opened.interpreter.get_tensor(place).reshape(-1))
        if time.perf_counter_ns() - told > _TELL_EVERY_NS:
            told = time.perf_counter_ns()
            print(f"{done} of {len(photos)} photos", flush=True)
    stored: dict[str, Any] = {str(place): np.stack(own) for place, own in enumerate(given)}
    np.savez(request["scores"], **stored)
    return {"photos": len(photos), **opened.context()}


MODES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"measure": measure, "scores": scores}


def find_runtime(backend: str) -> tuple[Any, str, str]:
    """Module, name and version of the runtime, or for "auto" of the first that is installed."""
    for name in RUNTIMES if backend == "auto" else (backend,):
        with suppress(ImportError, KeyError):  # importlib.metadata's PackageNotFoundError is an ImportError too
            return importlib.import_module(RUNTIMES[name]), name, importlib.metadata.version(name)
    if backend == "auto":
        raise WorkerError("runtime", "no TFLite runtime is installed there")
    raise WorkerError("runtime", f"{backend} is not installed there")


def stored_codes(request: dict[str, Any]) -> Any:
    return None if request["codes"] is None else np.asarray(request["codes"])


def feeder(opened: Opened, request: dict[str, Any], photos: Any) -> Callable[[int], None]:
    """Called before each run, outside its time: the next photo; without photos the pixels that were drawn stay."""
    if photos is not None:
        codes = stored_codes(request)
        return lambda turn: opened.store(photos[turn % len(photos)], codes)
    draw = np.random.default_rng(request["seed"])
    for detail in opened.interpreter.get_input_details():
        opened.interpreter.set_tensor(detail["index"], random_input(draw, detail["shape"], detail["dtype"]))
    return lambda _: None


def random_input(draw: np.random.Generator, shape: Any, dtype: Any) -> Any:
    """Pixels over the whole range of 8 bits, 0..255 as floats; zeros for types that hold no pixels (indices, say)."""
    kind = np.dtype(dtype)
    if kind in (np.uint8, np.int8):
        limits = np.iinfo(kind)
        return draw.integers(limits.min, limits.max, size=shape, dtype=kind, endpoint=True)
    if kind in (np.float32, np.float16):
        return (draw.random(size=shape) * 255).astype(kind)
    return np.zeros(shape, dtype=kind)


def timed_runs(
    invoke: Callable[[], object], feed: Callable[[int], None], *, least: int, seconds: float = 0.0, tell: bool = False
) -> tuple[list[int], int]:
    """Nanoseconds of every k-th run, and k: at least `least` runs, until `seconds` are over. k is 1 unless there are
    more than MOST_SAMPLES."""
    clock, samples_ns = time.perf_counter_ns, []
    told = clock()
    deadline, every, turn = told + int(seconds * 1e9), 1, 0
    while True:
        feed(turn)
        started = clock()
        invoke()
        ended = clock()
        if turn % every == 0:
            samples_ns.append(ended - started)
            if len(samples_ns) > MOST_SAMPLES:
                del samples_ns[1::2]
                every *= 2
        turn += 1
        if turn >= least and ended >= deadline:
            return samples_ns, every
        if tell and ended - told > _TELL_EVERY_NS:
            told = ended
            print(f"{turn} runs", flush=True)


def warm_up(
    invoke: Callable[[], object], feed: Callable[[int], None], request: dict[str, Any]
) -> tuple[list[int], bool | None]:
    """The runs that do not count, and whether they became stable; None where it was not asked for."""
    deadline = time.perf_counter_ns() + int(request["max_warmup_s"] * 1e9)
    samples_ns = timed_runs(invoke, feed, least=request["warmup_runs"])[0] if request["warmup_runs"] else []
    if not request["max_warmup_s"]:
        return samples_ns, None
    while not is_stable(samples_ns, request["window"], request["tolerance"]):
        if time.perf_counter_ns() >= deadline:
            return samples_ns, False
        samples_ns += timed_runs(invoke, feed, least=1)[0]
    return samples_ns, True


def is_stable(samples_ns: list[int], window: int, tolerance: float) -> bool:
    """Whether the medians of the last two windows differ by at most that share."""
    if len(samples_ns) < 2 * window:
        return False
    before, last = (statistics.median(part) for part in (samples_ns[-2 * window : -window], samples_ns[-window:]))
    return abs(last - before) <= tolerance * before


def overhead_us() -> float:
    started = time.perf_counter_ns()
    timed_runs(lambda: None, lambda _: None, least=_OVERHEAD_TURNS)
    return (time.perf_counter_ns() - started) / _OVERHEAD_TURNS / 1e3


def reset_peak() -> int | None:
    """Let the peak of memory start anew where the kernel allows it, and give it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # man proc_pid_clear_refs
    return peak_memory_bytes()


def peak_memory_bytes() -> int | None:
    """VmHWM where there is /proc: on Linux ru_maxrss survives exec and may be the parent's."""
    with suppress(OSError, StopIteration):
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def machine() -> dict[str, Any]:
    """`cores` are those that this process may use."""
    return {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "os": f"{platform.system()} {platform.release()}",
        "arch": platform.machine(),
        "python": platform.python_version(),
    }


def cpu_model() -> str:
    """What /proc/cpuinfo or the device tree (a Raspberry Pi) calls it, else what Python knows."""
    with suppress(OSError):
        fields = [line.partition(":") for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines()]
        known = {name.strip(): value.strip() for name, _, value in fields}
        for field in ("model name", "Model", "Hardware"):
            if known.get(field):
                return known[field]
        return Path("/proc/device-tree/model").read_text(errors="replace").strip("\0\n ")
    return platform.processor() or platform.machine()


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def main() -> int:
    request_path, document_path = sys.argv[1:]
    request = json.loads(Path(request_path).read_text(encoding="utf-8"))
    try:
        document, code = MODES[request["mode"]](request), 0
    except WorkerError as error:
        document, code = {"error": {"kind": error.kind, "message": str(error)}}, 1
    beside = Path(f"{document_path}.part")
    beside.write_text(json.dumps(document), encoding="utf-8")
    beside.replace(document_path)
    return code


if __name__ == "__main__":
    sys.exit(main())
