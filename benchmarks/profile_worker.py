"""Tells where the time of a .tflite goes, by type of operator, beside worker.py and called like it.

    python profile_worker.py REQUEST DOCUMENT

The document: {"operators": [{"type", "count", "mean_ms", "share"}]} for one run, longest first, and what every document
of the worker has.

LiteRT's Python interface has no profiler, but its C library has one, and the wheel holds that library: CompiledModel
runs the model there with the same XNNPACK. The C interface is litert/c/litert_{profiler,compiled_model,options}.h of
https://github.com/google-ai-edge/LiteRT; its functions took other arguments before FIRST_RELEASE.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import byref, c_char_p, c_int, c_size_t, c_uint64, c_void_p
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # on a device, where it lies beside this file
    import worker  # type: ignore[import-not-found]
else:
    from edge_tagger.benchmarks import worker

FIRST_RELEASE, LAST_RELEASE = (2, 1, 6), (2, 3, 99)  # the releases whose C interface this was tried with
_CPU = 1
_OPERATOR_EVENTS = (2, 8)  # OPERATOR_INVOKE_EVENT, DELEGATE_PROFILED_OPERATOR_INVOKE_EVENT
_TYPE_BYTES = 1024  # more than LiteRtRankedTensorType takes


class Event(ctypes.Structure):
    """ProfiledEventData of litert_profiler_event.h."""

    _fields_ = [
        ("tag", c_char_p), ("kind", c_int), ("start_us", c_uint64), ("elapsed_us", c_uint64), ("memory", c_size_t * 6),
        ("metadata", c_uint64 * 2), ("source", c_int),
    ]  # fmt: skip


class Library:
    """libLiteRt of the wheel; every call is checked. Raises WorkerError."""

    def __init__(self) -> None:
        try:
            import ai_edge_litert
        except ImportError as error:
            raise worker.WorkerError(
                "unavailable", "only ai-edge-litert has a profiler, and it is not there"
            ) from error
        _, _, version = worker.find_runtime("ai-edge-litert")
        release = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
        paths = sorted(Path(ai_edge_litert.__file__).parent.glob("libLiteRt.*"))
        if not FIRST_RELEASE <= release <= LAST_RELEASE or not paths:
            raise worker.WorkerError(
                "unavailable", f"the C interface of ai-edge-litert {version} is not one whose profiler is known"
            )
        self._library, self._c = ctypes.CDLL(str(paths[0])), ctypes.CDLL(None)
        self._c.strdup.restype = c_void_p

    def call(self, name: str, *arguments: Any) -> None:
        status = getattr(self._library, name)(*arguments)
        if status:
            raise worker.WorkerError("unavailable", f"LiteRT's profiler cannot be used: {name} gives {status}")

    def handle(self, name: str, *arguments: Any) -> c_void_p:
        """What the function sets its last argument to."""
        made = c_void_p()
        self.call(name, *arguments, byref(made))
        return made

    def add_option(self, options: c_void_p, group: str, text: str) -> None:
        """A group of options, as TOML."""
        payload, free = c_void_p(self._c.strdup(text.encode())), ctypes.cast(self._c.free, c_void_p)
        made = self.handle("LiteRtCreateOpaqueOptions", group.encode(), payload, free)
        self.call("LiteRtAddOpaqueOptions", options, made)


class Compiled:
    """A model with its buffers, ready to run. Nothing is freed: the process ends with it."""

    def __init__(self, library: Library, path: str, threads: int) -> None:
        self._library = library
        self._environment = library.handle("LiteRtCreateEnvironment", 0, None)
        model = library.handle("LiteRtCreateModelFromFile", self._environment, path.encode())
        options = library.handle("LiteRtCreateOptions")
        library.call("LiteRtSetOptionsHardwareAccelerators", options, _CPU)
        library.add_option(options, "runtime_options_string", "enable_profiling = true\n")
        library.add_option(options, "xnnpack", f"num_threads = {threads}\n")
        self.handle = library.handle("LiteRtCreateCompiledModel", self._environment, model, options)
        signature = library.handle("LiteRtGetModelSignature", model, c_size_t(0))
        self._buffers = [self._made(signature, kind) for kind in ("Input", "Output")]

    def run(self) -> None:
        inputs, outputs = self._buffers
        buffers = (c_size_t(len(inputs)), inputs, c_size_t(len(outputs)), outputs)
        self._library.call("LiteRtRunCompiledModel", self.handle, c_size_t(0), *buffers)

    def _made(self, signature: c_void_p, kind: str) -> Any:
        """The array of all its input or output buffers, zeros in them."""
        library, count = self._library, c_size_t()
        library.call(f"LiteRtGetNumSignature{kind}s", signature, byref(count))
        buffers = (c_void_p * count.value)()
        for place in range(count.value):
            tensor = library.handle(f"LiteRtGetSignature{kind}TensorByIndex", signature, c_size_t(place))
            shape = ctypes.create_string_buffer(_TYPE_BYTES)
            library.call("LiteRtGetRankedTensorType", tensor, shape)
            needs = library.handle(
                f"LiteRtGetCompiledModel{kind}BufferRequirements", self.handle, c_size_t(0), c_size_t(place)
            )
            made = library.handle("LiteRtCreateManagedTensorBufferFromRequirements", self._environment, shape, needs)
            buffers[place] = made.value
        return buffers


def profile(request: dict[str, Any]) -> dict[str, Any]:
    library = Library()
    context = worker.Opened(request).context()  # a model that the runtime refuses is told as in every other mode
    model = Compiled(library, request["model"], request["threads"])
    model.run()
    profiler = library.handle("LiteRtCompiledModelGetProfiler", model.handle)
    operators: dict[str, list[int]] = {}
    for _ in range(request["num_runs"]):  # each for itself: the profiler keeps a limited number of events
        for event in events(library, profiler, model):
            operators.setdefault(event.tag.decode(errors="replace"), []).append(event.elapsed_us)
    if not operators:
        raise worker.WorkerError("unavailable", "LiteRT's profiler gives no operators for this model")
    ranked = sorted(operators.items(), key=lambda item: -sum(item[1]))
    total_us, runs = sum(map(sum, operators.values())) or 1, request["num_runs"]
    rows = [
        {"type": name, "count": round(len(us) / runs), "mean_ms": sum(us) / runs / 1e3, "share": sum(us) / total_us}
        for name, us in ranked
    ]
    return {"operators": rows, **context}


def events(library: Library, profiler: c_void_p, model: Compiled) -> list[Event]:
    """Those of the operators in one run."""
    library.call("LiteRtResetProfiler", profiler)
    library.call("LiteRtStartProfiler", profiler)
    model.run()
    library.call("LiteRtStopProfiler", profiler)
    count = c_int()
    library.call("LiteRtGetNumProfilerEvents", profiler, byref(count))
    found = (Event * count.value)()
    library.call("LiteRtGetProfilerEvents", profiler, count, found)
    return [event for event in found if event.kind in _OPERATOR_EVENTS]


if __name__ == "__main__":
    worker.MODES["profile"] = profile
    sys.exit(worker.main())
