"""Delegates: shared libraries that run a part of a model on other hardware, such as the Edge TPU's libedgetpu.so.1.

The interface is that of tensorflow/lite/delegates/external/external_delegate_interface.h.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_tagger.errors import ModelError
from edge_tagger.runtimes import Runtime, first_line

_FUNCTIONS = ("tflite_plugin_create_delegate", "tflite_plugin_destroy_delegate")


def load_delegate(runtime: Runtime, library: str | os.PathLike[str], options: Mapping[str, str] | None = None) -> Any:
    """The delegate of a shared library: a file, or a name that the system's loader knows.

    Raises ModelError where there is none, it is no delegate for this machine, or it does not start.
    """
    name = os.fspath(library)
    path = str(Path(name).resolve()) if Path(name).exists() else name  # a bare name is not sought in this folder
    _check_library(name, path)
    try:
        return runtime.module.load_delegate(path, dict(options or {}))
    except (ValueError, RuntimeError) as error:
        said = " ".join(str(error).splitlines()[1:]).strip() or "it gives no reason"  # the first line repeats the path
        raise ModelError(
            f"the delegate {name} does not start: {said}; is its hardware there, and are its options right?"
        ) from error


def _check_library(name: str, path: str) -> None:
    """Before the runtime does it, whose half-made Delegate complains on stderr when it is thrown away."""
    try:
        loaded = ctypes.PyDLL(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path
        raise ModelError(
            f"the delegate {name} cannot be loaded ({first_line(error)}); give the path of a TFLite delegate's shared "
            "library for this machine, or a name that its loader knows, such as libedgetpu.so.1"
        ) from error
    if missing := [function for function in _FUNCTIONS if not hasattr(loaded, function)]:
        raise ModelError(f"{name} is not a TFLite delegate: it has no {missing[0]}; give one that has it")
