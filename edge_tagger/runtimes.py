"""TFLite runtimes: which are installed, and which one runs a model. The one module that imports them."""

from __future__ import annotations

import re
import sys
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from edge_tagger import native_output
from edge_tagger.errors import MissingExtraError, ModelError
from edge_tagger.graph_check import check_graph, check_sizes
from edge_tagger.graph_rules import check_file
from edge_tagger.structure import check_root, check_structure

# In the order in which "auto" tries them -> how to get each.
BACKENDS = {
    "ai-edge-litert": "pip install ai-edge-litert",
    "tflite-runtime": "pip install tflite-runtime 'numpy<2' (Python 3.11 or older)",
    "tensorflow": "pip install tensorflow",
}
_MAX_LINE = 250  # characters
EDGETPU_OPERATOR = "edgetpu-custom-op"
_UNRESOLVED = re.compile(r"unresolved custom op: (\S+)")
_ORIGINAL = "or give the file that it was compiled from"
# Start of a custom operator's name -> what a file with it was made for.
_COMPILED = {
    EDGETPU_OPERATOR: "was compiled for the Edge TPU; name its delegate, libedgetpu.so.1, or give the file that "
    "edgetpu_compiler was given",
    "ethos-u": f"was compiled by Vela for an Arm Ethos-U; name its delegate, {_ORIGINAL}",
    "Flex": "needs operators of TensorFlow itself (Select TF ops); run it with --backend tensorflow, or convert it "
    "without them",
    "DISPATCH_OP": f"was compiled for an NPU ahead of time; run it on the device that it was made for, {_ORIGINAL}",
    "qnn": f"was compiled for a Qualcomm NPU; name its delegate, {_ORIGINAL}",
    "vsi-npu": f"was compiled for a VeriSilicon NPU; name its delegate, {_ORIGINAL}",
    "neuron": f"was compiled for a MediaTek NPU; name its delegate, {_ORIGINAL}",
    "mtk": f"was compiled for a MediaTek NPU; name its delegate, {_ORIGINAL}",
}


@dataclass(frozen=True)
class Runtime:
    """A runtime that is loaded. `backend` is its key in BACKENDS; `module` has Interpreter, OpResolverType and
    load_delegate. str() gives "ai-edge-litert 2.3.0"."""

    backend: str
    version: str
    module: Any

    def __str__(self) -> str:
        return f"{self.backend} {self.version}"

    def open(self, name: str, data: bytes, **options: Any) -> Any:
        """An Interpreter of `data`, which it keeps without a copy. Raises ModelError where it refuses them.

        The bytes and not the file: one that is cut while it is mapped ends the process (SIGBUS), and the peak of
        memory is the same.
        """
        try:
            if self.backend == "tflite-runtime":
                check_structure(data)
            check_root(data)
            with native_output.hidden():  # its notes and errors; what matters of them is in the exception too
                if self.backend != "tensorflow":
                    return self.module.Interpreter(model_content=data, **options)
                with warnings.catch_warnings():  # says each time that LiteRT has taken its place
                    warnings.simplefilter("ignore")
                    return self.module.Interpreter(model_content=data, **options)
        except (ValueError, RuntimeError) as error:
            if options.get("experimental_delegates") and isinstance(error, RuntimeError):  # a bad file is a ValueError
                raise ModelError(
                    f"{name} does not run with its delegate ({first_line(error)}); leave the delegate out, or give a "
                    "file that was made for it"
                ) from error
            raise ModelError(
                f"{name} cannot be loaded ({first_line(error)}); it is cut off, damaged, or needs operators that "
                f"{self} lacks; copy or convert it again"
            ) from error

    def check(self, name: str, data: bytes) -> bool:
        """Whether the file's graph is plain (edge_tagger.graph_rules). Raises ModelError for graphs that are not
        taken."""
        try:
            return check_file(data)
        except ValueError as error:
            raise ModelError(
                f"{name} cannot be loaded ({first_line(error)}); it is cut off, damaged, or no classifier of photos; "
                "copy or convert it again"
            ) from error

    def rehearse(self, name: str, data: bytes, *, must_run: bool = True) -> None:
        """Find out whether a stranger's file can be run without harm. Raises ModelError as `check`, `open` and
        `allocate` do, and where the graph makes no sense, crashes, hangs, or takes too much memory.

        A plain graph is prepared with the runtime's own operators alone, which takes a fraction of the time that it
        takes with XNNPACK, and says what is wrong where XNNPACK would crash. Any other is run in another process.
        Unless it `must_run`, a file is only looked into: that the runtime refuses it is no error then.
        """
        if not self.check(name, data):
            from edge_tagger.rehearsal import rehearse_apart  # few models need it

            refused = rehearse_apart(name, data, self.backend)
            if refused and must_run:
                raise ModelError(f"{name} {compiled_for(refused) or f'cannot run on {self}: {refused}'}")
        elif must_run:
            self._prepare(name, data)

    def _prepare(self, name: str, data: bytes) -> None:
        """With the runtime's own operators, and with what they too believe looked at (edge_tagger.graph_check)."""
        own = self.module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = self.open(name, data, experimental_op_resolver_type=own)
        try:
            check_graph(interpreter)
        except ValueError as error:
            raise ModelError(f"{name} is damaged ({first_line(error)}); copy or convert it again") from error
        self.allocate(name, interpreter)
        try:
            check_sizes(interpreter)
        except ValueError as error:
            raise ModelError(f"{name} takes too much memory: {first_line(error)}") from error

    def allocate(self, name: str, interpreter: Any) -> None:
        """Get the interpreter ready to run. Raises ModelError where an operator cannot."""
        try:
            with native_output.hidden():
                interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            if needs := compiled_for(str(error)):
                raise ModelError(f"{name} {needs}") from error
            raise ModelError(f"{name} cannot run on {self}: {first_line(error)}") from error


def find_runtime(backend: str = "auto") -> Runtime:
    """The runtime of that name, or for "auto" the first of BACKENDS that can be loaded.

    Raises ValueError for an unknown name, MissingExtraError where it is not installed or broken; for "auto" it tells
    this of each.
    """
    if backend not in ("auto", *BACKENDS):
        raise ValueError(f"the backend is {backend!r}; give auto, {', '.join(BACKENDS)}")
    reasons = []
    for name in BACKENDS if backend == "auto" else (backend,):
        found = _load(name)
        if isinstance(found, Runtime):
            return found
        reasons.append(f"{name} {found}")
    if backend == "auto":
        raise MissingExtraError(f"no TFLite runtime can be used: {', '.join(reasons)}; {BACKENDS['ai-edge-litert']}")
    raise MissingExtraError(f"the backend {reasons[0]}; {BACKENDS[backend]}, or choose another backend")


def compiled_for(refusal: str) -> str | None:
    """What a file was made for whose custom operator a runtime refuses, and what to do; None where it does not say that
    one is unresolved. `refusal` is the runtime's own message."""
    found = _UNRESOLVED.search(refusal)
    if found is None:
        return None
    operator = found[1].rstrip(".")
    for start, what in _COMPILED.items():
        if operator.lower().startswith(start.lower()):
            return what
    return f"needs the custom operator {operator}, which is not part of TensorFlow Lite; name the delegate that has it"


def first_line(error: BaseException) -> str:
    """What an error of another library says, in one line that is not too long."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]}..."


@cache
def _load(backend: str) -> Runtime | str:
    """The runtime, or what is wrong with it."""
    package = backend.replace("-", "_")
    try:
        module = _LOADERS[backend]()
        runtime = Runtime(backend, sys.modules[package].__version__, module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] == package:
            return "is not installed"
        return f"is broken ({first_line(error)})"  # something that it needs is missing
    except Exception as error:  # a shared library for another system, and whatever else importing runs into
        return f"is broken ({first_line(error)})"
    if backend == "tflite-runtime" and _numbers(runtime.version) <= (2, 14) and _numbers(np.__version__) >= (2, 0):
        # It can be imported all the same, and fails with SystemError on the first model.
        return f"is broken ({runtime.version} was built for numpy 1, and this is numpy {np.__version__})"
    return runtime


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split(".")[:2])


def _ai_edge_litert() -> Any:
    import ai_edge_litert.interpreter

    return ai_edge_litert.interpreter


def _tflite_runtime() -> Any:
    import tflite_runtime.interpreter

    return tflite_runtime.interpreter


def _tensorflow() -> Any:
    from tensorflow.lite.python import interpreter  # `tensorflow.lite` itself is lazy and has no attribute `python`

    return interpreter


_LOADERS = {"ai-edge-litert": _ai_edge_litert, "tflite-runtime": _tflite_runtime, "tensorflow": _tensorflow}
